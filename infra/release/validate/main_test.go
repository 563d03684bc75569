package main

import (
	"bytes"
	"debug/buildinfo"
	"os"
	"path/filepath"
	"strings"
	"testing"

	cdx "github.com/CycloneDX/cyclonedx-go"
)

// listed is a list of what is in this test's own program.
func listed(t *testing.T, info *buildinfo.BuildInfo) *cdx.BOM {
	t.Helper()
	components := []cdx.Component{{BOMRef: "std", Type: cdx.ComponentTypeLibrary, Name: "std", Version: info.GoVersion, PackageURL: "pkg:golang/std@" + info.GoVersion}}
	for _, module := range info.Deps {
		if module.Replace != nil {
			module = module.Replace
		}
		components = append(components, cdx.Component{BOMRef: module.Path, Type: cdx.ComponentTypeLibrary, Name: module.Path, Version: module.Version,
			PackageURL: "pkg:golang/" + module.Path + "@" + module.Version, Hashes: &[]cdx.Hash{{Algorithm: cdx.HashAlgoSHA256, Value: strings.Repeat("0", 64)}}})
	}
	bom := cdx.NewBOM()
	bom.Metadata = &cdx.Metadata{Component: &cdx.Component{BOMRef: "validate", Type: cdx.ComponentTypeApplication, Name: "validate", Version: "v1"}}
	bom.Components = &components
	return bom
}

func TestOnlyAListOfWhatIsInTheProgramPasses(t *testing.T) {
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	info, err := buildinfo.ReadFile(program)
	if err != nil || len(info.Deps) < 2 {
		t.Fatalf("the test's own program has the modules %v: %v", info.Deps, err)
	}
	for _, c := range []struct {
		name     string
		plant    func(bom *cdx.BOM, components *[]cdx.Component)
		from, to string // what is written otherwise
		says     string // nothing: the list is good
	}{
		{name: "as it should be"},
		{name: "no format", from: `"bomFormat":"CycloneDX"`, to: `"bomFormat":"SPDX"`, says: "/bomFormat"},
		{name: "no JSON", from: `{"`, to: `{`, says: "invalid character"},
		{name: "a version of the format that has another schema", from: `"specVersion":"1.6"`, to: `"specVersion":"1.5"`, says: "CycloneDX 1.5, not 1.6"},
		{name: "a word that the schema does not have", from: `"version":1`, to: `"version":1,"licence":"none"`, says: "licence"},
		{name: "a kind that nothing is of", plant: func(_ *cdx.BOM, c *[]cdx.Component) { (*c)[1].Type = "book" }, says: "/components/1/type"},
		{name: "a component without a name", from: `,"name":"std"`, to: ``, says: "name"},
		{name: "half a hash", plant: func(_ *cdx.BOM, c *[]cdx.Component) { (*(*c)[1].Hashes)[0].Value = "00" }, says: "/components/1/hashes/0/content"},
		{name: "a hash of no algorithm", plant: func(_ *cdx.BOM, c *[]cdx.Component) { (*(*c)[1].Hashes)[0].Algorithm = "ROT13" }, says: "/components/1/hashes/0/alg"},
		{name: "a licence that SPDX does not know", plant: func(_ *cdx.BOM, c *[]cdx.Component) {
			(*c)[1].Licenses = &cdx.Licenses{{License: &cdx.License{ID: "Mine-1.0"}}}
		}, says: "/components/1/licenses/0"},
		{name: "a time that is none", plant: func(b *cdx.BOM, _ *[]cdx.Component) { b.Metadata.Timestamp = "yesterday" }, says: "/metadata/timestamp"},
		{name: "a serial number that is none", plant: func(b *cdx.BOM, _ *[]cdx.Component) { b.SerialNumber = "1" }, says: "/serialNumber"},
		{name: "a module left out", plant: func(_ *cdx.BOM, c *[]cdx.Component) { *c = (*c)[:len(*c)-1] }, says: "it does not name " + info.Deps[len(info.Deps)-1].Path},
		{name: "nothing listed", plant: func(b *cdx.BOM, _ *[]cdx.Component) { b.Components = nil }, says: "it does not name std"},
		{name: "another version", plant: func(_ *cdx.BOM, c *[]cdx.Component) { (*c)[1].Version = "v0.0.0" }, says: "it names " + info.Deps[0].Path + " v0.0.0"},
		{name: "a module that is not in it", plant: func(_ *cdx.BOM, c *[]cdx.Component) {
			*c = append(*c, cdx.Component{Type: cdx.ComponentTypeLibrary, Name: "example.com/more", Version: "v1"})
		}, says: "it names example.com/more v1, which is not in the program"},
		{name: "a module twice", plant: func(_ *cdx.BOM, c *[]cdx.Component) {
			again := (*c)[1]
			again.BOMRef = "again"
			*c = append(*c, again)
		}, says: "twice"},
	} {
		t.Run(c.name, func(t *testing.T) {
			bom := listed(t, info)
			if c.plant != nil {
				c.plant(bom, bom.Components)
			}
			var text bytes.Buffer
			if err := cdx.NewBOMEncoder(&text, cdx.BOMFileFormatJSON).Encode(bom); err != nil {
				t.Fatal(err)
			}
			written := strings.Replace(text.String(), c.from, c.to, 1)
			if c.from != "" && written == text.String() {
				t.Fatalf("%s is not in %s", c.from, written)
			}
			file := filepath.Join(t.TempDir(), "list.json")
			if err := os.WriteFile(file, []byte(written), 0o644); err != nil {
				t.Fatal(err)
			}
			err := validate(program, file)
			if c.says == "" && err != nil || c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)) {
				t.Errorf("wanted %q: %v", c.says, err)
			}
		})
	}
}
