package tenants_test

import (
	"testing"

	"github.com/google/uuid"

	"lignum/tenants"
	"lignum/tests/testkit"
)

// An id is read as it is stored, NULL as none, whatever the target held before; and what is no id is an error.
func TestIDsAreRead(t *testing.T) {
	in := testkit.New(t)
	want := uuid.MustParse("0192f3b0-7c1e-7a3b-8f00-0123456789ab")
	err := in.DB("jamaica").Read(t.Context(), func(r *tenants.Reader) error {
		id, none, pointer, nothing := uuid.New(), uuid.New(), new(uuid.UUID), &want
		if err := r.QueryRow(t.Context(), `SELECT $1::text::uuid, NULL::uuid, $1::text::uuid, NULL::uuid`, want.String()).Scan(&id, &none, &pointer, &nothing); err != nil {
			return err
		}
		if id != want || none != uuid.Nil || *pointer != want || nothing != nil {
			t.Errorf("read %v, %v, %v, %v", id, none, pointer, nothing)
		}
		var ids []uuid.UUID
		if err := r.QueryRow(t.Context(), `SELECT ARRAY[$1::text::uuid]`, want.String()).Scan(&ids); err != nil || len(ids) != 1 || ids[0] != want {
			t.Errorf("a list: %v, %v", ids, err)
		}
		if err := r.QueryRow(t.Context(), `SELECT 'no id'::text`).Scan(&id); err == nil {
			t.Errorf("a text is read as %v", id)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
