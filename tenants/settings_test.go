package tenants_test

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"lignum/domain"
	"lignum/tenants"
	"lignum/tests/testkit"
)

// edit changes a tenant's settings.
func edit(w *testkit.World, seen string, change func(b *tenants.Branding) error) (was, is tenants.Branding, err error) {
	err = w.DB("jamaica").Write(context.Background(), w.Actor, func(tx *tenants.Tx) (err error) {
		was, is, err = tenants.EditBranding(context.Background(), tx, seen, change, time.Now())
		return err
	})
	return was, is, err
}

// stored reads a tenant's settings by both ways, and its document.
func stored(t *testing.T, w *testkit.World) (b tenants.Branding, document map[string]any) {
	t.Helper()
	err := w.DB("jamaica").ReadFresh(t.Context(), func(r *tenants.Reader) error {
		all, err := tenants.ReadSettings(t.Context(), r)
		if err == nil {
			b, err = tenants.ReadBranding(t.Context(), r)
		}
		if err == nil && !reflect.DeepEqual(all.Branding, b) {
			t.Errorf("the page of settings reads %+v of %+v", all.Branding, b)
		}
		if err != nil {
			return err
		}
		return r.QueryRow(t.Context(), "SELECT document FROM branding").Scan(&document)
	})
	if err != nil {
		t.Fatal(err)
	}
	return b, document
}

// What a tenant decides for itself is kept, each field of it, and is the same wherever it is read. As large as its bounds allow it still fits.
func TestSettingsAreWholeWhereverTheyAreRead(t *testing.T) {
	w := testkit.New(t)
	before, _ := stored(t, w)
	_, is, err := edit(w, before.Version, func(b *tenants.Branding) error {
		for _, f := range tenants.BrandingFields {
			other := testkit.OtherSetting(f, f.Text(b))
			if f.Kind == tenants.TextField {
				other = strings.Repeat("😀", f.Most)
			}
			if err := f.Set(b, other); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	after, document := stored(t, w)
	for _, f := range tenants.BrandingFields {
		if f.Text(&after) == f.Text(&before) || f.Text(&after) != f.Text(&is) {
			t.Errorf("%s was %q, was made %q and is %q", f.Name, f.Text(&before), f.Text(&is), f.Text(&after))
		}
		if _, ok := document[f.Name]; !ok {
			t.Errorf("%s is not in the document", f.Name)
		}
	}
	if _, ok := document["version"]; ok || after.Version == before.Version {
		t.Errorf("the version is %s as before, or in the document %v", after.Version, document)
	}
	if _, _, err := edit(w, before.Version, func(*tenants.Branding) error { return nil }); domain.CodeOf(err) != domain.Conflict {
		t.Errorf("who saw what was before: %v", err)
	}
}

// What a document lacks is as undecided says, which is in bounds, and what only a newer program knows is still there after this one changed something.
func TestADocumentIsOlderOrNewerThanTheProgram(t *testing.T) {
	w := testkit.New(t)
	before, _ := stored(t, w)
	direct := w.Direct(t)
	if _, err := direct.Exec(t.Context(), `UPDATE tenant_jamaica.branding SET document = jsonb_build_object('name', document -> 'name', 'colour', document -> 'colour',
		'accent', document -> 'accent', 'of_later', ARRAY[1], 'version', 'x')`); err != nil {
		t.Fatal(err)
	}
	if now, _ := stored(t, w); !reflect.DeepEqual(now, before) {
		t.Errorf("reads %+v, want %+v", now, before)
	}
	if _, _, err := edit(w, before.Version, func(b *tenants.Branding) error { b.Name = "Another"; return nil }); err != nil {
		t.Fatal(err)
	}
	now, document := stored(t, w)
	if later, _ := json.Marshal(document["of_later"]); now.Name != "Another" || string(later) != "[1]" || document["leaderboard_by"] != "learner" || document["staff_second_factor"] != false {
		t.Errorf("the document is %v", document)
	}
}

// Each setting refuses what is out of bounds, with its name and the reason, and nothing is changed.
func TestSettingsAreBounded(t *testing.T) {
	w := testkit.New(t)
	before, _ := stored(t, w)
	for _, f := range tenants.BrandingFields {
		for _, wrong := range testkit.WrongSettings(f) {
			_, _, err := edit(w, "", func(b *tenants.Branding) error { return f.Set(b, wrong) })
			var e *domain.Error
			if !errors.As(err, &e) || e.Code != domain.Invalid || len(e.Fields) != 1 || e.Fields[0].Name != f.Name || e.Fields[0].Reason.String() != tenants.BoundsOf(f).String() {
				t.Errorf("%s takes %.50q: %v", f.Name, wrong, err)
			}
		}
	}
	if now, _ := stored(t, w); !reflect.DeepEqual(now, before) {
		t.Errorf("it is %+v, was %+v", now, before)
	}
	direct := w.Direct(t)
	for _, document := range []string{`'[]'`, `'null'`, `NULL`, `jsonb_build_object('name', repeat('x', 32768))`} {
		if _, err := direct.Exec(t.Context(), `UPDATE tenant_jamaica.branding SET document = `+document); err == nil {
			t.Errorf("the table takes the document %s", document)
		}
	}
}

// A setting that came later may be missing in a change, so that who does not know it can still change the others; and it is stored when it is
// empty, or else it would come back as undecided says.
func TestALaterSettingMayBeMissing(t *testing.T) {
	check := func(of reflect.Type) (wrong []string) {
		for _, f := range tenants.FieldsOf(of) {
			declared := of.Field(slices.IndexFunc(reflect.VisibleFields(of), func(v reflect.StructField) bool {
				name, _, _ := strings.Cut(v.Tag.Get("json"), ",")
				return name == f.Name
			}))
			empty := reflect.New(of)
			_, option, _ := strings.Cut(declared.Tag.Get("json"), ",")
			dropped := option == "omitempty"
			if dropped && f.Kind != tenants.ChoiceField && f.Least == 0 {
				wrong = append(wrong, f.Name+" is not stored when it is "+f.Text(empty.Interface()))
			}
			first := []string{"name", "colour", "accent", "staff_second_factor"} // have been there from the first, and are asked for
			if !dropped && declared.Tag.Get("required") != "false" && !slices.Contains(first, f.Name) {
				wrong = append(wrong, f.Name+" is asked of those who do not know it")
			}
		}
		return wrong
	}
	if wrong := check(reflect.TypeFor[tenants.Branding]()); len(wrong) > 0 {
		t.Error(strings.Join(wrong, "; "))
	}
	if wrong := check(reflect.TypeFor[struct {
		Name    string `section:"all" json:"name" minLength:"1" maxLength:"9"`
		Asked   bool   `section:"all" json:"asked"`
		Lost    bool   `section:"all" json:"lost,omitempty"`
		Gone    string `section:"all" json:"gone,omitempty" maxLength:"9"`
		Kept    string `section:"all" json:"kept" required:"false" maxLength:"9"`
		Never   string `section:"all" json:"never,omitempty" minLength:"1" maxLength:"9"`
		Neither string `section:"all" json:"neither,omitempty" enum:"a,b"`
	}]()); len(wrong) != 3 {
		t.Errorf("of three planted ones %q are seen", wrong)
	}
}
