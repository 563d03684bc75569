package demo

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"lignum/domain"
	"lignum/domain/coaching"
	"lignum/domain/identity"
	"lignum/domain/points"
	"lignum/tenants"
	"lignum/tenants/files"
	"lignum/tests/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

var (
	ctx = context.Background()
	now = time.Date(2026, 11, 23, 15, 0, 0, 0, time.UTC)
)

func input(t *testing.T, w *testkit.World) Input {
	t.Helper()
	bucket, err := files.Open(ctx, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	in := NewInput(w.Store, w.Registry, bucket, tenants.PlatformRealm(testkit.Installation))
	in.Actor, in.Now = w.Actor, now
	return in
}

// filled is a world with the small set in it, of which each test that asks has a copy: to make it takes longer than what is then looked at.
func filled(t *testing.T) *testkit.World {
	t.Helper()
	return testkit.Filled(t, "small", func(w *testkit.World) error {
		_, err := Small(ctx, input(t, w))
		return err
	})
}

func number(t *testing.T, conn *pgx.Conn, sql string, args ...any) (n int) {
	t.Helper()
	if err := conn.QueryRow(ctx, sql, args...).Scan(&n); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return n
}

func none(t *testing.T, conn *pgx.Conn, what, sql string, args ...any) {
	t.Helper()
	if n := number(t, conn, "SELECT count(*) FROM ("+sql+") x", args...); n != 0 {
		t.Errorf("%s: %d", what, n)
	}
}

var schemas = []string{"tenant_jamaica", "tenant_bahamas", "tenant_celearn", "control"}

// everything counts the rows of every table and takes a fingerprint of those that have a time of change.
func everything(t *testing.T, conn *pgx.Conn) map[string]string {
	t.Helper()
	all := map[string]string{}
	rows, err := conn.Query(ctx, `SELECT schemaname || '.' || tablename FROM pg_tables WHERE schemaname = ANY ($1)`, schemas)
	if err != nil {
		t.Fatal(err)
	}
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range tables {
		var sum string
		if err := conn.QueryRow(ctx, `SELECT count(*)::text || ' ' || coalesce(md5(string_agg(md5(x::text), '' ORDER BY md5(x::text))), '') FROM `+table+` x`).Scan(&sum); err != nil {
			t.Fatal(err)
		}
		all[table] = sum
	}
	return all
}

func TestSmallTwiceIsSmallOnce(t *testing.T) {
	w := testkit.New(t)
	var stages int
	in := input(t, w)
	in.Progress = func(stage string, done, total int) { stages++ }
	first, err := Small(ctx, in)
	if err != nil {
		t.Fatal(err)
	}
	conn := w.Direct(t)
	before := everything(t, conn)
	in.Now = now.AddDate(0, 0, 1)
	again, err := Small(ctx, in)
	if err != nil {
		t.Fatal(err)
	}
	for table, sum := range everything(t, conn) {
		if before[table] != sum {
			t.Errorf("%s changed: %s, then %s", table, before[table], sum)
		}
	}
	for i, c := range first.Tenants {
		if c != again.Tenants[i] || c.Learners != smallStudents || c.Staff != 6 || c.Attempts == 0 || c.Classes < 6 || c.LearnerDays < 300 {
			t.Errorf("summary: %+v, then %+v", c, again.Tenants[i])
		}
	}
	if stages == 0 {
		t.Error("nothing was reported")
	}
	for _, s := range schemas[:3] {
		consistent(t, conn, s)
		for _, q := range []string{`SELECT count(*) FROM ` + s + `.classes WHERE taken = seats`, `SELECT count(*) FROM ` + s + `.classes WHERE taken = seats - 1`} {
			if n := number(t, conn, q); n != 1 {
				t.Errorf("%s: %d", q, n)
			}
		}
		pastOnly(t, conn, s, now)
	}
}

func pastOnly(t *testing.T, conn *pgx.Conn, schema string, now time.Time) {
	t.Helper()
	none(t, conn, "work in the future, or in no order", `SELECT FROM `+schema+`.attempts WHERE submitted_at > $1 OR started_at > submitted_at OR submitted_at > deadline
		UNION ALL SELECT FROM `+schema+`.lesson_progress WHERE updated_at > $1 OR started_at > updated_at
		UNION ALL SELECT FROM `+schema+`.attendance WHERE first_at > $1
		UNION ALL SELECT FROM `+schema+`.attempts a JOIN `+schema+`.attempts b USING (test_id, learner_id) WHERE b.number > a.number AND b.started_at < a.submitted_at
		UNION ALL SELECT FROM `+schema+`.responses r JOIN `+schema+`.attempts a ON a.id = r.attempt_id WHERE r.saved_at NOT BETWEEN a.started_at AND a.submitted_at`, now)
}

func TestSmallOnAnyDay(t *testing.T) {
	for _, at := range []time.Time{time.Date(2027, 1, 1, 5, 1, 0, 0, time.UTC), time.Date(2028, 2, 29, 23, 59, 59, 0, time.UTC), time.Date(2026, 7, 20, 4, 0, 0, 0, time.UTC)} {
		w := testkit.New(t)
		in := input(t, w)
		in.Now = at
		if _, err := Small(ctx, in); err != nil {
			t.Fatal(at, err)
		}
		conn := w.Direct(t)
		for _, s := range schemas[:3] {
			consistent(t, conn, s)
			pastOnly(t, conn, s, at)
		}
	}
}

// consistent checks that a tenant's rows are what the rooms' own functions would have left.
func consistent(t *testing.T, conn *pgx.Conn, schema string) {
	t.Helper()
	if _, err := conn.Exec(ctx, "SET search_path = "+schema); err != nil {
		t.Fatal(err)
	}
	none(t, conn, schema+": seats taken", `SELECT FROM classes c WHERE taken <> (SELECT count(*) FROM enrolments e WHERE e.class_id = c.id AND e.state = 'active')`)
	none(t, conn, schema+": quotas", `SELECT FROM usage_counts u WHERE u.kind <> 'storage_bytes' AND n <> CASE kind WHEN 'classes' THEN (SELECT count(*) FROM classes WHERE state = 'active')
		WHEN 'learners' THEN (SELECT count(*) FROM user_roles WHERE role = 'student') ELSE (SELECT count(*) FROM user_roles WHERE role <> 'student') END`)
	none(t, conn, schema+": points", `SELECT FROM (SELECT learner_id, sum(points) AS n FROM point_entries GROUP BY 1) e
		FULL JOIN (SELECT learner_id, points FROM point_totals WHERE period = 'all') p USING (learner_id) WHERE e.n IS DISTINCT FROM p.points`)
	none(t, conn, schema+": points for lessons", `SELECT FROM lesson_progress l FULL JOIN (SELECT * FROM point_entries WHERE rule = 'lesson.completed') e
		ON e.learner_id = l.learner_id AND e.ref = l.lesson_id::text WHERE (l.completed_at IS NOT NULL) <> (e.ref IS NOT NULL)`)
	none(t, conn, schema+": days of work", `SELECT FROM lesson_progress l WHERE NOT EXISTS (SELECT FROM attendance a WHERE a.learner_id = l.learner_id)`)
	none(t, conn, schema+": users of the day", `SELECT FROM attendance a WHERE NOT EXISTS (SELECT FROM active_days d WHERE d.day = a.day AND d.user_id = a.learner_id)`)
	none(t, conn, schema+": school of the day", `SELECT FROM attendance a JOIN users u ON u.id = a.learner_id WHERE a.school_id IS DISTINCT FROM u.school_id`)
	none(t, conn, schema+": papers", `SELECT FROM attempts a WHERE cardinality(paper) <> (SELECT items FROM tests WHERE id = a.test_id)
		OR cardinality(paper) <> (SELECT count(*) FROM responses r WHERE r.attempt_id = a.id)
		OR cardinality(paper) <> (SELECT count(*) FROM items i WHERE i.id = ANY (a.paper) AND i.course_id = a.course_id) OR score > max_score
		OR (grade = '') <> (SELECT grades = '[]' FROM tests WHERE id = a.test_id)`)
	none(t, conn, schema+": tests without enough items", `SELECT FROM tests t, jsonb_to_recordset(t.blueprint) AS d (section_id uuid, items integer)
		WHERE t.active AND d.items > (SELECT count(*) FROM items i WHERE i.active AND i.section_id = d.section_id AND i.course_id = t.course_id)`)
	none(t, conn, schema+": one hash for all", `SELECT FROM (SELECT DISTINCT password_hash FROM credentials) h OFFSET 1`)
	none(t, conn, schema+": hashes", `SELECT FROM users u LEFT JOIN credentials c ON c.user_id = u.id WHERE NOT has_password OR NOT claimed OR password_hash IS NULL OR password_hash NOT LIKE '$argon2id$v=19$m=19456,t=2,p=1$%'`)
}

func TestEverybodySignsIn(t *testing.T) {
	w := filled(t)
	desk := identity.NewDesk(identity.NewHasher(0))
	for realm, names := range map[string][]string{
		"jamaica": {"student1", "student30", "coach1", "teacher1", "school1", "official1", "guardian1", "admin1"},
		"celearn": {"student2", "admin1"}, "bahamas": {"coach1"}, "": {"manager1", "operator1"},
	} {
		for _, name := range names {
			code := ""
			if realm == "" {
				var err error
				if code, _, err = identity.TOTPCode(OTPSecret, now); err != nil {
					t.Fatal(err)
				}
			}
			got, err := desk.SignIn(ctx, w.DB(realm), identity.SignIn{UserName: name, Password: Password, Code: code, Device: identity.Device{Address: "127.0.0.1"}}, now)
			if err != nil {
				t.Errorf("%s in %q: %v", name, realm, err)
			} else if len(got.Roles) != 1 || got.SecondFactor != (realm == "") {
				t.Errorf("%s in %q: %+v", name, realm, got)
			}
		}
	}
}

func TestWhatACoachAndALearnerSee(t *testing.T) {
	w := filled(t)
	in := input(t, w)
	r, err := in.room("jamaica")
	if err != nil {
		t.Fatal(err)
	}
	err = w.DB("jamaica").Read(ctx, func(q *tenants.Reader) error {
		list, err := coaching.Learners(ctx, q, coaching.Filter{CoachID: r.userID("coach", 1)}, domain.Page{Limit: 200}, r.today)
		if err != nil {
			return err
		}
		behind, fine := map[string]bool{}, 0
		for _, l := range list.Items {
			if l.Behind {
				behind[l.LearnerID.String()] = true
			} else {
				fine++
			}
		}
		for _, i := range []int{stopped, neverWas} {
			if !behind[r.userID("student", i+1).String()] {
				t.Errorf("student%d does not fall behind", i+1)
			}
		}
		if fine < len(list.Items)/3 {
			t.Errorf("only %d of %d keep pace", fine, len(list.Items))
		}
		board, err := points.Leaderboard(ctx, q, points.Scope{Among: points.AmongTenant}, points.AllTime, r.userID("student", 1), 10)
		if err != nil {
			return err
		}
		if len(board.Top) != 10 || board.Me == nil || board.Top[0].Points <= board.Top[9].Points {
			t.Errorf("leaderboard: %+v", board)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestTheSameEachTime(t *testing.T) {
	fingerprint := func(w *testkit.World) map[string]string {
		conn := w.Direct(t)
		got := map[string]string{}
		for what, sql := range map[string]string{
			"people":  `SELECT id::text, user_name, given_name, family_name FROM users WHERE user_name <> 'admin1'`,
			"schools": `SELECT * FROM schools`, "seats": `SELECT class_id, learner_id, enrolled_at FROM enrolments`,
			"days": `SELECT * FROM attendance`, "scores": `SELECT id, number, started_at, score, max_score, grade FROM attempts`,
			"totals": `SELECT period, learner_id, points FROM point_totals`,
		} {
			var sum string
			if err := conn.QueryRow(ctx, `SET search_path = tenant_jamaica; `, pgx.QueryExecModeSimpleProtocol).Scan(); err != nil && err != pgx.ErrNoRows {
				t.Fatal(err)
			}
			if err := conn.QueryRow(ctx, `SELECT md5(string_agg(x::text, '|' ORDER BY x::text)) FROM (`+sql+`) x`).Scan(&sum); err != nil {
				t.Fatal(err)
			}
			got[what] = sum
		}
		return got
	}
	another := testkit.New(t)
	if _, err := Small(ctx, input(t, another)); err != nil {
		t.Fatal(err)
	}
	one, two := fingerprint(filled(t)), fingerprint(another)
	for what, sum := range one {
		if two[what] != sum {
			t.Errorf("%s differ between two installations", what)
		}
	}
}
