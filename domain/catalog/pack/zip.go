package pack

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"

	"lignum/domain/words"
)

// Limits of a zipped pack.
const (
	MaxZip        = 25 << 20 // bytes of the archive itself
	MaxZipEntries = 5_000
	maxZipContent = 2 * MaxTotal // uncompressed, as the archive declares; what is read is limited to MaxTotal
)

// OpenZip opens an uploaded pack. The pack may stand at the root of the archive or in its
// single folder. It refuses archives with too many or too large entries, names that leave
// the archive, links, encrypted entries and doubles; the error says which.
func OpenZip(r io.ReaderAt, size int64) (fs.FS, error) {
	if size > MaxZip {
		return nil, words.Say("pack.the_archive_is_larger_than", "Most", MaxZip>>20)
	}
	z, err := zip.NewReader(r, size)
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) {
		return nil, words.Say("pack.the_file_is_not_a")
	}
	if len(z.File) > MaxZipEntries {
		return nil, words.Say("pack.the_archive_has_entries_at", "Entries", len(z.File), "Most", MaxZipEntries)
	}
	var total uint64
	seen := map[string]bool{}
	var roots []string // folders that hold a pack.yaml
	for _, f := range z.File {
		name := strings.TrimSuffix(f.Name, "/")
		switch {
		case !fs.ValidPath(name) || strings.ContainsAny(name, "\\:\x00"):
			return nil, words.Say("pack.the_archives_entry_is_not", "Entry", fmt.Sprintf("%.100q", f.Name))
		case f.Mode()&^(fs.ModePerm|fs.ModeDir) != 0:
			return nil, words.Say("pack.the_archives_entry_is_a", "Entry", fmt.Sprintf("%.100q", f.Name))
		case f.Flags&1 != 0:
			return nil, words.Say("pack.the_archives_entry_is_encrypted", "Entry", fmt.Sprintf("%.100q", f.Name))
		case seen[strings.ToLower(name)]:
			return nil, words.Say("pack.the_archive_holds_twice", "Entry", fmt.Sprintf("%.100q", f.Name))
		}
		seen[strings.ToLower(name)] = true
		// Sum after each check, so that declared sizes near 2^64 cannot wrap around.
		if f.UncompressedSize64 > maxZipContent || total+f.UncompressedSize64 > maxZipContent {
			return nil, words.Say("pack.the_archive_unpacks_to_more", "Most", maxZipContent>>20)
		}
		total += f.UncompressedSize64
		if path.Base(name) == manifest && strings.Count(name, "/") <= 1 {
			roots = append(roots, path.Dir(name))
		}
	}
	switch {
	case seen[manifest]:
		return z, nil
	case len(roots) == 1:
		return fs.Sub(z, roots[0])
	}
	return nil, words.Say("pack.the_archive_has_no_at", "Manifest", manifest)
}
