// Package packs holds the course packs that come with Lignum. Each folder is one pack in
// the format that FORMAT.md describes; a new folder with a pack.yaml is embedded without
// a change here.
package packs

import (
	"embed"
	"fmt"
	"io/fs"
	"regexp"

	"lignum/domain"
)

//go:embed */pack.yaml */lessons */items */pictures
var files embed.FS

var namePattern = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{1,62}$`)

// Names lists the embedded packs in alphabetical order.
func Names() []string {
	entries, err := files.ReadDir(".")
	if err != nil {
		panic("packs: embedded files: " + err.Error()) // cannot happen: the root of an embed.FS exists
	}
	names := make([]string, 0, len(entries))
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// Open returns the files of an embedded pack; domain.NotFound for any other name.
func Open(name string) (fs.FS, error) {
	notFound := domain.Refuse(domain.NotFound, "catalog.there_is_no_pack", "Name", fmt.Sprintf("%.64q", name))
	if !namePattern.MatchString(name) {
		return nil, notFound
	}
	if _, err := fs.Stat(files, name+"/pack.yaml"); err != nil {
		return nil, notFound
	}
	return fs.Sub(files, name)
}
