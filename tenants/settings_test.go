package tenants_test

import (
	"reflect"
	"testing"
	"time"

	"lignum/tenants"
	"lignum/tests/testkit"
)

// What a tenant decides for itself is the same wherever it is read: the page of settings reads it in a statement of its own, which may lack
// what was added since. Each field has a value here that no tenant begins with.
func TestSettingsAreWholeWhereverTheyAreRead(t *testing.T) {
	w := testkit.New(t)
	to := tenants.Branding{Name: "Schools of the island", Colour: "#123456", Accent: "#abcdef", StaffSecondFactor: true, LeaderboardBy: "guardian"}
	var was, branding tenants.Branding
	var settings tenants.Settings
	err := w.DB("jamaica").Write(t.Context(), w.Actor, func(tx *tenants.Tx) (err error) {
		was, err = tenants.SetBranding(t.Context(), tx, to, time.Now())
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	err = w.DB("jamaica").ReadFresh(t.Context(), func(r *tenants.Reader) (err error) {
		if branding, err = tenants.ReadBranding(t.Context(), r); err == nil {
			settings, err = tenants.ReadSettings(t.Context(), r)
		}
		return err
	})
	if err != nil || settings.Branding != branding {
		t.Errorf("the page of settings reads %+v of %+v, %v", settings.Branding, branding, err)
	}
	for i, field := range reflect.VisibleFields(reflect.TypeFor[tenants.Branding]()) {
		if field.Name == "Version" {
			continue
		}
		if reflect.ValueOf(to).Field(i).Interface() == reflect.ValueOf(was).Field(i).Interface() {
			t.Errorf("%s has no value here that differs from the one before", field.Name)
		}
		if reflect.ValueOf(branding).Field(i).Interface() != reflect.ValueOf(to).Field(i).Interface() {
			t.Errorf("%s was not kept", field.Name)
		}
	}
}
