// Package aws holds the cloud of the platform: the CloudFormation templates of its five stacks, the checks that they
// must pass before anything is made of them, and the plan of commands that makes an installation or a new release.
package aws

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"strings"
)

//go:embed templates/*.yaml
var embedded embed.FS

// Stacks are the templates in the order in which their stacks are made: each imports of those before it alone.
var Stacks = []string{"network", "data", "web", "edge", "operations"}

// Templates returns the templates that come with the program, by the names of their stacks.
func Templates() map[string][]byte {
	dir, err := fs.Sub(embedded, "templates")
	if err != nil {
		panic(err) // the directory is named above
	}
	found, err := ReadTemplates(dir)
	if err != nil {
		panic(err) // an embedded file is always readable
	}
	return found
}

// ReadTemplates returns the templates (*.yaml) of a directory, by the names of their stacks. No template is an error.
func ReadTemplates(dir fs.FS) (map[string][]byte, error) {
	names, err := fs.Glob(dir, "*.yaml")
	if err != nil {
		return nil, err
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("no template (*.yaml) here; the directory must hold %s.yaml", strings.Join(Stacks, ".yaml, "))
	}
	found := map[string][]byte{}
	for _, name := range names {
		if found[strings.TrimSuffix(path.Base(name), ".yaml")], err = fs.ReadFile(dir, name); err != nil {
			return nil, err
		}
	}
	return found, nil
}
