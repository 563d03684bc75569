// Command validate holds lists of what is in programs (CycloneDX, JSON) to their format and to the programs:
//
//	go run ./infra/release/validate PROGRAM LIST
//
// A list must follow the official schema of CycloneDX 1.6, which the module cyclonedx-go brings along, and name each module
// that Go itself says is in the program, in its version, and no other. Whatever is wrong is printed, and the status is 1.
package main

import (
	"bytes"
	"debug/buildinfo"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	cdx "github.com/CycloneDX/cyclonedx-go"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: validate PROGRAM LIST")
		os.Exit(2)
	}
	program, list := os.Args[1], os.Args[2]
	if err := validate(program, list); err != nil {
		fmt.Fprintf(os.Stderr, "%s is not a list of what is in %s:\n%v\n", list, program, err)
		os.Exit(1)
	}
}

func validate(program, list string) error {
	data, err := os.ReadFile(list)
	if err != nil {
		return err
	}
	schemas, err := schemas()
	if err != nil {
		return err
	}
	if err := follows(schemas, data); err != nil {
		return err
	}
	var bom cdx.BOM
	if err := cdx.NewBOMDecoder(bytes.NewReader(data), cdx.BOMFileFormatJSON).Decode(&bom); err != nil {
		return err
	}
	info, err := buildinfo.ReadFile(program)
	if err != nil {
		return err
	}
	return same(bom, info)
}

// schemas returns the folder of the official schemas: go.mod names their module, and go.sum its hash.
func schemas() (string, error) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/CycloneDX/cyclonedx-go").Output()
	dir := strings.TrimSpace(string(out))
	if err != nil || dir == "" {
		return "", fmt.Errorf("the schemas are not here (run this in the root of the source, with Go installed): %w", errors.Join(err))
	}
	return filepath.Join(dir, "schema"), nil
}

// follows reports what of a list is not as the schema of CycloneDX 1.6 wants it. Nothing is asked of the network: the
// schemas that it refers to lie beside it.
func follows(schemas string, list []byte) error {
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	for _, name := range []string{"bom-1.6.schema.json", "spdx.schema.json", "jsf-0.82.schemax.json"} {
		text, err := os.ReadFile(filepath.Join(schemas, name))
		if err != nil {
			return err
		}
		schema, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		// The last one's name is misspelt there; all of them are found by what they call themselves.
		members, _ := schema.(map[string]any)
		id, _ := members["$id"].(string)
		if err := compiler.AddResource(id, schema); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	schema, err := compiler.Compile("http://cyclonedx.org/schema/bom-1.6.schema.json")
	if err != nil {
		return err
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(list))
	if err != nil {
		return err
	}
	if err := schema.Validate(value); err != nil {
		return err
	}
	// The schema leaves the version open, and another version's list has another schema.
	if members, _ := value.(map[string]any); members["specVersion"] != "1.6" {
		return fmt.Errorf("it is of CycloneDX %v, not 1.6", members["specVersion"])
	}
	return nil
}

// same reports which modules are in the program alone or in the list alone. Each is named once, with its version.
func same(bom cdx.BOM, info *buildinfo.BuildInfo) error {
	want := []string{"std " + info.GoVersion}
	for _, module := range info.Deps {
		if module.Replace != nil {
			module = module.Replace
		}
		want = append(want, module.Path+" "+module.Version)
	}
	var listed []string
	if bom.Components != nil {
		for _, c := range *bom.Components {
			listed = append(listed, c.Name+" "+c.Version)
		}
	}
	var wrong []error
	for _, module := range want {
		if !slices.Contains(listed, module) {
			wrong = append(wrong, fmt.Errorf("it does not name %s, which is in the program", module))
		}
	}
	for i, module := range listed {
		switch {
		case !slices.Contains(want, module):
			wrong = append(wrong, fmt.Errorf("it names %s, which is not in the program", module))
		case slices.Contains(listed[:i], module):
			wrong = append(wrong, fmt.Errorf("it names %s twice", module))
		}
	}
	return errors.Join(wrong...)
}
