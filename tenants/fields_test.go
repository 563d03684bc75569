package tenants_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"lignum/domain"
	"lignum/tenants"
	"lignum/tests/testkit"
)

// planted has a setting of every kind.
type planted struct {
	Contact string   `section:"all" json:"contact" maxLength:"10"`
	Motto   string   `section:"all" json:"motto" minLength:"2" maxLength:"4"`
	Shade   string   `section:"all" json:"shade" pattern:"^#[0-9a-fA-F]{6}$"`
	Loud    bool     `section:"all" json:"loud"`
	Way     string   `section:"all" json:"way,omitempty" enum:"by_land,by_sea,by_air"`
	Ways    []string `section:"all" json:"ways" enum:"by_land,by_sea"`
	Days    int      `section:"all" json:"days" minimum:"1" maximum:"7"`
	Version string   `section:"all" json:"version"`
}

// A field that is added is asked, read and bounded by what its declaration says, whatever kind it is of.
func TestAFieldIsAsItIsDeclared(t *testing.T) {
	fields := tenants.FieldsOf(reflect.TypeFor[planted]())
	reasons := map[string]string{"contact": "must be one line of at most 10 characters", "motto": "must be one line of 2 to 4 characters", "shade": "must be a colour, such as #1a5c38",
		"loud": "", "way": "must be by_land, by_sea or by_air", "ways": "must be some of by_land, by_sea, each once", "days": "must be a whole number of 1 to 7"}
	if len(fields) != len(reasons) {
		t.Fatalf("%d fields are read: %+v", len(fields), fields)
	}
	good := planted{Contact: "", Motto: " ok ", Shade: "#ABCDEF", Way: "by_sea", Ways: []string{"by_sea"}, Days: 7}
	if err := tenants.CheckFields(fields, &good); err != nil || good.Motto != "ok" || good.Shade != "#abcdef" {
		t.Errorf("%+v: %v", good, err)
	}
	for _, f := range fields {
		for range 2 { // to another value, and from that
			is := good
			other := testkit.OtherSetting(f, f.Text(&is))
			if err := f.Set(&is, other); err != nil || f.Text(&is) != other || reflect.DeepEqual(is, good) {
				t.Errorf("%s is set to %q: %+v, %v", f.Name, other, is, err)
			}
			if err := tenants.CheckFields(fields, &is); err != nil {
				t.Errorf("%s does not take %q: %v", f.Name, other, err)
			}
			good = is
		}
		wrong := testkit.WrongSettings(f)
		if len(wrong) == 0 && f.Kind != tenants.SwitchField {
			t.Errorf("%s has no bounds", f.Name)
		}
		for _, text := range wrong {
			is := good
			err := f.Set(&is, text)
			if err == nil {
				err = tenants.CheckFields(fields, &is)
			}
			var e *domain.Error
			if !errors.As(err, &e) || e.Code != domain.Invalid || len(e.Fields) != 1 || e.Fields[0].Name != f.Name || e.Fields[0].Reason.String() != reasons[f.Name] {
				t.Errorf("%s: of %q is said %+v, want %s", f.Name, text, err, reasons[f.Name])
			}
		}
	}
	all := planted{Motto: "x", Shade: "x", Way: "x"}
	var e *domain.Error
	if err := tenants.CheckFields(fields, &all); !errors.As(err, &e) || len(e.Fields) != 5 {
		t.Errorf("of what is wrong everywhere is said %v", err)
	}
}

// What has no bounds, or is of no kind that can be asked, is not even begun with.
func TestAFieldWithoutBoundsIsRefused(t *testing.T) {
	for of, want := range map[reflect.Type]string{
		reflect.TypeFor[struct {
			Contact string `json:"contact" maxLength:"10"`
		}](): "Contact has no section",
		reflect.TypeFor[struct {
			Contact string `section:"all" json:"contact"`
		}](): "Contact has no maxLength",
		reflect.TypeFor[struct {
			Contact string `section:"all" json:"contact" minLength:"one" maxLength:"10"`
		}](): "Contact has no minLength",
		reflect.TypeFor[struct {
			Days int `section:"all" json:"days" minimum:"1"`
		}](): "Days has no maximum",
		reflect.TypeFor[struct {
			Shade string `section:"all" json:"shade" pattern:"^#[0-9a-f]{3}$"`
		}](): "Shade has no maxLength",
		reflect.TypeFor[struct {
			Names []string `section:"all" json:"names"`
		}](): "Names is of no kind",
	} {
		func() {
			defer func() {
				if said, _ := recover().(string); !strings.Contains(said, want) {
					t.Errorf("%s: said %q", want, said)
				}
			}()
			tenants.FieldsOf(of)
		}()
	}
}
