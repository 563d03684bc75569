package tests

import (
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// pens are what may write the audit trail, each with its reason.
var pens = map[string]string{
	"record_entry":         "the one pen: statements and functions hand entries to it as documents",
	"erase_from_trail":     "takes out what names a person who was erased",
	"tests/growth/load.go": "makes ten million entries at once, in a fraction of the time",
}

var (
	writesTrail = regexp.MustCompile(`(?i)\b(?:INSERT\s+INTO|UPDATE(?:\s+ONLY)?|DELETE\s+FROM(?:\s+ONLY)?|MERGE\s+INTO|TRUNCATE(?:\s+TABLE)?|COPY)\s+(?:[^\s(]*\.)?"?(` + trailTables + `)\b`)
	namesTrail  = regexp.MustCompile(`^\W*(` + trailTables + `)\W*$`) // alone: for a copy, or for GORM
)

const trailTables = `audit_entries|audit_actors|audit_texts`

// writesEntries reports whether a text of SQL, or of Go, writes the audit trail's tables by itself.
func writesEntries(text string) bool {
	text = sqlComment.ReplaceAllString(text, "")
	return writesTrail.MatchString(granted.ReplaceAllString(text, "")) || namesTrail.MatchString(text)
}

// The columns of the audit trail stand where record_entry writes them. A function of the schema, as the migrations leave it, or a text
// of the program that writes the trail's tables by itself would have to learn of each new column.
func TestOnePenWritesTheTrail(t *testing.T) {
	s := readSchema(t, migrationsOf(t))
	wrote, looked := map[string]bool{}, 0
	check := func(where, text string) {
		if looked++; !writesEntries(text) {
			return
		}
		if wrote[where] = true; pens[where] == "" {
			t.Errorf("%s writes the audit trail by itself: hand the entry to record_entry (audit.Insert, audit.Parameters)\n%s", where, text)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.functions)) {
		for _, body := range s.functions[name].forms {
			check(name, body)
		}
	}
	for _, dir := range packagesBelow(t, "..", "../.lignum") {
		p := readPackage(t, dir)
		for i, f := range p.files {
			for _, text := range p.texts(f) {
				check(filepath.ToSlash(filepath.Join(strings.TrimPrefix(dir, "../"), p.names[i])), text)
			}
		}
	}
	for where := range pens {
		if !wrote[where] {
			t.Errorf("%s needs no exception", where)
		}
	}
	if looked < 3000 {
		t.Errorf("only %d texts were looked at", looked)
	}
}

// Each way past the pen is seen: plain, in another schema, put together while it runs, by a copy, by GORM; in one of several forms of a
// function; and what only reads, or hands its entry on, is let through.
func TestOtherPensAreSeen(t *testing.T) {
	s := readSchema(t, []string{`CREATE TABLE audit_entries (id uuid);
		CREATE FUNCTION save(a uuid) RETURNS void LANGUAGE plpgsql AS $$ BEGIN INSERT INTO audit_entries VALUES (a); END $$;
		CREATE FUNCTION save(a uuid, b jsonb) RETURNS void LANGUAGE plpgsql AS $$ BEGIN PERFORM record_entry(a, b); END $$;
		CREATE FUNCTION dropped(a uuid) RETURNS void LANGUAGE sql AS $$ INSERT INTO audit_entries VALUES (a) $$;
		CREATE FUNCTION dropped(a uuid, b jsonb) RETURNS void LANGUAGE sql AS $$ INSERT INTO audit_entries VALUES (a) $$;
		CREATE FUNCTION dropped(a uuid, c text, OUT b jsonb) RETURNS jsonb LANGUAGE sql AS $$ INSERT INTO audit_entries VALUES (a) $$;
		DROP FUNCTION dropped(a uuid); DROP FUNCTION dropped(a uuid,
			c text);
		CREATE FUNCTION mended(a uuid) RETURNS void LANGUAGE sql AS $$ INSERT INTO audit_entries VALUES (a) $$;
		CREATE OR REPLACE FUNCTION mended(a  uuid) RETURNS void LANGUAGE sql AS $$ SELECT record_entry(a, '{}') $$;
		CREATE FUNCTION gate.tell(a uuid) RETURNS void LANGUAGE plpgsql AS $$ BEGIN EXECUTE format('INSERT INTO %I.audit_entries VALUES ($1)', 'x') USING a; END $$;`})
	var seen []string
	for name, f := range s.functions {
		for args, body := range f.forms {
			if writesEntries(body) {
				seen = append(seen, name+"("+args)
			}
		}
	}
	if slices.Sort(seen); !slices.Equal(seen, []string{"dropped(a uuid, b jsonb) RETURNS", "save(a uuid) RETURNS", "tell(a uuid) RETURNS"}) {
		t.Errorf("of the functions %q are seen", seen)
	}
	for text, want := range map[string]bool{
		`"INSERT INTO " + table + " (id) VALUES ($1)"`:                                          true,
		`"insert into audit_entries (id) SELECT 1"`:                                             true,
		`"WITH x AS (INSERT INTO " + schema() + ".audit_entries DEFAULT VALUES) SELECT FROM x"`: true,
		`fmt.Sprintf("UPDATE %s.audit_entries SET reason = ''", schema)`:                        true,
		`tx.CopyFrom(ctx, "audit_entries", nil)`:                                                true,
		`tx.CopyFrom(ctx, table, nil)`:                                                          true,
		`g.Table("audit_entries").Create(e)`:                                                    true,
		`"SELECT record_entry($1, $2)"`:                                                         false,
		`"SELECT id FROM audit_entries -- INSERT INTO audit_entries"`:                           false,
		`"REVOKE UPDATE ON audit_entries FROM x; GRANT INSERT ON audit_entries TO x"`:           false,
		`"INSERT INTO audit_entries_of_another VALUES (1)"`:                                     false,
	} {
		p := readSource(t, "package x\nfunc f() { q("+text+") }")
		if strings.Contains(text, "table") {
			p = readSource(t, "package x\nconst table = \"audit_entries\"\nfunc f() { q("+text+") }")
		}
		if seen := slices.ContainsFunc(p.texts(p.files[0]), writesEntries); seen != want {
			t.Errorf("%s: seen %t, of %q", text, seen, p.texts(p.files[0]))
		}
	}
}
