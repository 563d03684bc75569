package exports

import (
	"io"
	"testing"
	"time"

	"lignum/domain"
	"lignum/domain/exports"
	"lignum/domain/tables"
)

// A file has so many rows and no more, whatever its format.
func TestAFileHasSoManyRows(t *testing.T) {
	for _, as := range []exports.Format{exports.CSV, exports.JSONL, exports.XLSX} {
		s := newSink(io.Discard, as, time.UTC)
		s.begin("Numbers", []tables.Column{{Name: "a", Title: "A"}})
		add := func() error {
			if as == exports.JSONL {
				return s.object(map[string]int{"a": 1})
			}
			return s.row(1)
		}
		if err := add(); err != nil {
			t.Fatal(as, err)
		}
		s.rows = exports.Most - 1
		if err := add(); err != nil {
			t.Errorf("%s: the last row: %v", as, err)
		}
		if err := add(); domain.CodeOf(err) != domain.TooLarge {
			t.Errorf("%s: one more: %v", as, err)
		}
	}
}
