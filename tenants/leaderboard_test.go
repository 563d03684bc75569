package tenants_test

import (
	"testing"

	"github.com/google/uuid"

	"lignum/tests/testkit"
)

// Who was put on the leaderboard without being asked is taken off it by the migration; who chose it stays.
func TestNobodyStaysOnTheLeaderboardUnasked(t *testing.T) {
	w, ctx := testkit.New(t), t.Context()
	direct := w.Direct(t)
	do := func(sql string, args ...any) {
		t.Helper()
		if _, err := direct.Exec(ctx, sql, args...); err != nil {
			t.Fatal(err)
		}
	}
	const name = "tenant/0010_learner"
	for _, sql := range []string{
		"SET search_path = tenant_jamaica",
		"ALTER TABLE lesson_progress DROP COLUMN opened_at, DROP COLUMN read_seconds",
		"DROP INDEX users_on_leaderboard",
		"ALTER TABLE users ALTER COLUMN on_leaderboard SET DEFAULT true",
		"CREATE INDEX users_off_leaderboard ON users (id) WHERE NOT on_leaderboard OR state <> 'active'",
		"DELETE FROM schema_versions WHERE name = '" + name + "'",
	} {
		do(sql)
	}
	ids := map[string]string{}
	for _, who := range []string{"unasked", "chose", "left", "refused"} {
		ids[who] = uuid.NewString()
		do(`INSERT INTO users (id, user_name, user_name_key, given_name, family_name) VALUES ($1::uuid, $2::text, $2::text, 'A', 'B')`, ids[who], who)
	}
	entry := func(who string, listed bool, outcome string) {
		do(`INSERT INTO audit_entries (id, action, outcome, object_kind, object_id, after) VALUES (gen_random_uuid(), 'leaderboard.listed', $3::text, 'user', $1::text, jsonb_build_object('listed', $2::boolean))`, ids[who], listed, outcome)
		if outcome == "done" {
			do(`UPDATE users SET on_leaderboard = $2::boolean WHERE id = $1::uuid`, ids[who], listed)
		}
	}
	entry("chose", false, "done")
	entry("chose", true, "done")
	entry("left", true, "done")
	entry("left", false, "done")
	entry("refused", true, "refused")
	if _, err := w.Provisioner.MigrateAll(ctx, 3, nil); err != nil {
		t.Fatal(err)
	}
	for who, want := range map[string]bool{"unasked": false, "chose": true, "left": false, "refused": false} {
		var listed bool
		if err := direct.QueryRow(ctx, `SELECT on_leaderboard FROM users WHERE id = $1::uuid`, ids[who]).Scan(&listed); err != nil || listed != want {
			t.Errorf("%s: %v (%v), want %v", who, listed, err, want)
		}
	}
}
