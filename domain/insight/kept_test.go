package insight_test

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lignum/domain/insight"
	"lignum/tenants"
	"lignum/tenants/audit"
	"lignum/tests/school"
	"lignum/tests/tenth"
)

// ledger is a tenant in which everything changes that sums are kept of, through a connection of its own, as the tenant's login.
type ledger struct {
	*country
	conn     *pgx.Conn
	rnd      *rand.Rand
	now      time.Time
	courses  []uuid.UUID
	removed  []uuid.UUID // schools
	many     []uuid.UUID // people of rosters
	noticed  []string    // what a change itself saw go wrong
	answered int         // tables that were made of what is kept
	rankings *insight.Rankings
}

const keepersZone = "America/Jamaica"

func newLedger(t *testing.T, seed uint64) *ledger {
	t.Helper()
	c := newCountry(t, 7, 6, 5, 4, 3, 9)
	l := &ledger{country: c, conn: c.Direct(t), rnd: rand.New(rand.NewPCG(seed, 1)), now: time.Now().UTC(), rankings: insight.NewRankings()}
	l.courses = []uuid.UUID{c.subjectCourse("Mathematics"), c.subjectCourse("Biology")}
	tenant, err := c.Registry.Tenant("jamaica")
	if err != nil {
		t.Fatal(err)
	}
	l.exec("SET ROLE " + pgx.Identifier{tenant.LoginRole}.Sanitize() + "; SET search_path = " + pgx.Identifier{tenant.SchemaName}.Sanitize())
	return l
}

func (l *ledger) exec(sql string, args ...any) {
	l.t.Helper()
	if _, err := l.conn.Exec(ctx, sql, args...); err != nil {
		l.t.Fatalf("%s: %v", sql, err)
	}
}

// day is one of the last three months.
func (l *ledger) day() string { return l.now.AddDate(0, 0, -l.rnd.IntN(95)).Format(time.DateOnly) }

func (l *ledger) pick(table string) string {
	var id string
	err := l.conn.QueryRow(ctx, "SELECT id::text FROM "+table+" ORDER BY md5(id::text || $1) LIMIT 1", fmt.Sprint(l.rnd.Uint64())).Scan(&id)
	if err != nil {
		l.t.Fatal(err)
	}
	return id
}

// changes are all kinds: of one row and of many, by name.
func (l *ledger) changes() map[string]func() {
	roles := []string{"student", "teacher", "guardian", "coach"}
	role := func() string { return roles[l.rnd.IntN(len(roles))] }
	return map[string]func(){
		"somebody works": func() {
			l.exec(`INSERT INTO attendance (day, learner_id, school_id) SELECT $1::date, id, school_id FROM users WHERE id = $2::uuid ON CONFLICT DO NOTHING`, l.day(), l.pick("users"))
		},
		"many work": func() {
			l.exec(`INSERT INTO attendance (day, learner_id, school_id) SELECT $1::date + d, id, school_id FROM users, generate_series(0, 3) d WHERE md5(id::text || d) < '8' ON CONFLICT DO NOTHING`, l.day())
		},
		"somebody signs in": func() {
			user, day := l.pick("users WHERE school_id IS NOT NULL"), l.day()
			l.exec(`DELETE FROM active_days WHERE day = $1::date AND user_id = $2::uuid`, day, user) // or it is nothing new
			var other int
			if err := l.conn.QueryRow(ctx, `WITH new AS (INSERT INTO active_days (day, user_id) VALUES ($1::date, $2::uuid) ON CONFLICT DO NOTHING RETURNING user_id, school_id)
				SELECT count(*) FROM new JOIN users u ON u.id = new.user_id WHERE u.school_id IS DISTINCT FROM new.school_id`, day, user).Scan(&other); err != nil {
				l.t.Fatal(err)
			}
			if other > 0 {
				l.noticed = append(l.noticed, "somebody signed in at another school")
			}
		},
		"many sign in": func() {
			l.exec(`INSERT INTO active_days (day, user_id, school_id) SELECT $1::date + d, id, school_id FROM users, generate_series(0, 3) d WHERE md5(id::text || d) > '6' ON CONFLICT DO NOTHING`, l.day())
		},
		"days are forgotten": func() {
			l.exec(`DELETE FROM attendance WHERE learner_id = $1::uuid`, l.pick("users"))
			l.exec(`DELETE FROM active_days WHERE day > $1::date AND md5(user_id::text) < '6'`, l.day())
		},
		"days are corrected": func() {
			l.exec(`UPDATE attendance a SET day = day - 100 WHERE learner_id = $1::uuid AND NOT EXISTS (SELECT FROM attendance b WHERE b.learner_id = a.learner_id AND b.day < a.day - 60)`, l.pick("users"))
			l.exec(`UPDATE active_days a SET day = day - 100 WHERE md5(user_id::text) < '3' AND NOT EXISTS (SELECT FROM active_days b WHERE b.user_id = a.user_id AND b.day < a.day - 60)`)
		},
		"an account is opened": func() {
			school.People(l.t, l.db, school.Person{GivenName: "New", FamilyName: "Person", SchoolID: uuid.MustParse(l.pick("schools")), Roles: []string{role()}})
		},
		"a roster comes": func() {
			list := make([]school.Person, 5)
			for i := range list {
				list[i] = school.Person{GivenName: "Many", FamilyName: "Persons", State: []string{"active", "active", "suspended"}[i%3], Grade: []string{"9", "9", "9", ""}[i%4]}
			}
			l.many = append(l.many, school.People(l.t, l.db, list...)...)
			school.GiveRole(l.t, l.db, role(), l.many...)
		},
		"a role is given": func() {
			school.GiveRole(l.t, l.db, role(), uuid.MustParse(l.pick("users")))
		},
		"roles are taken": func() {
			l.exec(`DELETE FROM user_roles WHERE user_id = $1::uuid OR role = 'coach' AND md5(user_id::text) < '6'`, l.pick("users"))
		},
		"roles are exchanged": func() {
			l.exec(`UPDATE user_roles SET role = 'assistant' WHERE role = $1 AND md5(user_id::text) < '4' AND user_id NOT IN (SELECT user_id FROM user_roles WHERE role = 'assistant')`, role())
		},
		"an account is suspended, another resumed": func() {
			l.exec(`UPDATE users SET state = 'suspended' WHERE id = $1::uuid`, l.pick("users"))
			l.exec(`UPDATE users SET state = 'active' WHERE id = $1::uuid`, l.pick("users"))
			l.exec(`UPDATE users SET state = CASE WHEN md5(id::text) < '2' THEN 'suspended' ELSE 'active' END WHERE school_id = $1::uuid`, l.pick("schools"))
		},
		"an account is erased, another deleted": func() {
			l.exec(`UPDATE users SET state = 'erased' WHERE id = $1::uuid`, l.pick("users"))
			l.exec(`DELETE FROM users WHERE id = $1::uuid AND (SELECT count(*) FROM users) > 20`, l.pick("users"))
		},
		"somebody is renamed": func() {
			l.exec(`UPDATE users SET family_name = $2 WHERE id = $1::uuid`, l.pick("users"), fmt.Sprint("F", l.rnd.IntN(100)))
			l.exec(`UPDATE users SET given_name = 'All of them' WHERE school_id = $1::uuid`, l.pick("schools"))
		},
		"somebody gets a password, another's is taken away": func() {
			school.GivePassword(l.t, l.db, "x", uuid.MustParse(l.pick("users")))
			school.GivePassword(l.t, l.db, "", uuid.MustParse(l.pick("users")))
		},
		"somebody has another user name": func() {
			l.exec(`UPDATE users SET user_name_key = $2 WHERE id = $1::uuid`, l.pick("users"), uuid.NewString())
		},
		"a learner becomes an assistant": func() {
			l.exec(`UPDATE user_roles SET role = 'helper' WHERE role = 'student' AND user_id = (SELECT u.id FROM users u JOIN user_roles r ON r.user_id = u.id AND r.role = 'student'
				WHERE u.state = 'active' AND u.grade <> '' AND NOT EXISTS (SELECT FROM user_roles h WHERE h.user_id = u.id AND h.role = 'helper') ORDER BY u.id LIMIT 1)`)
		},
		"learners go up": func() {
			l.exec(`UPDATE users SET grade = (7 + length(family_name) % 3)::text WHERE id = $1::uuid`, l.pick("users"))
			l.exec(`UPDATE users SET grade = CASE WHEN md5(id::text) < '3' THEN '' WHEN md5(id::text) < '8' THEN '10' ELSE '11' END WHERE school_id = $1::uuid`, l.pick("schools"))
		},
		"somebody moves": func() {
			l.exec(`UPDATE users SET school_id = $2::uuid WHERE id = $1::uuid`, l.pick("users"), l.pick("schools"))
		},
		"schools are merged": func() {
			from, to := l.pick("schools"), l.pick("schools")
			if from == to {
				return
			}
			for _, sql := range []string{`UPDATE users SET school_id = $2::uuid WHERE school_id = $1::uuid`, `UPDATE attendance SET school_id = $2::uuid WHERE school_id = $1::uuid`,
				`UPDATE active_days SET school_id = $2::uuid WHERE school_id = $1::uuid`, `UPDATE attempts SET school_id = $2::uuid WHERE school_id = $1::uuid`} {
				l.exec(sql, from, to)
			}
			l.exec(`UPDATE classes SET school_id = $2::uuid WHERE school_id = $1::uuid`, from, to)
			l.exec(`UPDATE schools SET state = 'closed' WHERE id = $1::uuid`, from)
		},
		"a school is deleted, its past is not": func() {
			if len(l.removed) > 2 { // some must stay
				return
			}
			id := l.pick("schools")
			l.exec(`UPDATE users SET school_id = NULL WHERE school_id = $1::uuid`, id)
			l.exec(`UPDATE classes SET school_id = NULL WHERE school_id = $1::uuid`, id)
			l.exec(`DELETE FROM schools WHERE id = $1::uuid`, id)
			l.removed = append(l.removed, uuid.MustParse(id))
		},
		"a school is opened": func() {
			id := uuid.New()
			if n := len(l.removed); n > 0 {
				id, l.removed = l.removed[n-1], l.removed[:n-1]
			}
			school.Schools(l.t, l.db, school.School{ID: id, Name: "Opened", Region: fmt.Sprint("Region ", l.rnd.IntN(3))})
		},
		"a school is in another region": func() {
			l.exec(`UPDATE schools SET region = $2 WHERE id = $1::uuid`, l.pick("schools"), fmt.Sprint("Region ", l.rnd.IntN(4)))
		},
		"a course has another subject": func() {
			l.exec(`UPDATE courses SET subject = $2 WHERE id = $1::uuid`, l.courses[l.rnd.IntN(2)].String(), []string{"Mathematics", "Biology", "Physics"}[l.rnd.IntN(3)])
		},
		"classes": func() {
			l.exec(`INSERT INTO classes (id, title, kind, starts_on, ends_on, seats) SELECT gen_random_uuid(), 'C', 'on_demand', now(), now(), 9 FROM generate_series(1, 3)`)
			l.exec(`UPDATE classes SET state = 'ended' WHERE id = $1::uuid`, l.pick("classes"))
			l.exec(`UPDATE classes SET taken = taken + 1 WHERE taken < seats`)
			l.exec(`UPDATE classes SET state = 'active' WHERE md5(id::text) < '3'`)
			l.exec(`DELETE FROM classes WHERE id = $1::uuid`, l.pick("classes"))
		},
		"an attempt is handed in": func() {
			list := make([]school.Attempt, 9)
			for i := range list {
				at := school.Date(l.t, l.day()).Add(12 * time.Hour)
				list[i] = l.attempt(l.courses[l.rnd.IntN(2)], uuid.MustParse(l.pick("schools")), uuid.MustParse(l.pick("users")), at, 10*l.rnd.IntN(2))
			}
			school.Attempts(l.t, l.db, list...)
		},
		"attempts are marked late": func() {
			l.exec(`UPDATE attempts SET state = CASE WHEN state = 'marked' THEN 'marking' ELSE 'marked' END WHERE md5(id::text) < '4'`)
		},
		"an attempt is scored again": func() { l.exec(`UPDATE attempts SET score = 10 - score WHERE submitted_at::date >= $1::date`, l.day()) },
		"attempts are deleted":       func() { l.exec(`DELETE FROM attempts WHERE md5(id::text) < '2'`) },
	}
}

func (l *ledger) keep() {
	l.t.Helper()
	zone, err := time.LoadLocation(keepersZone)
	if err != nil {
		l.t.Fatal(err)
	}
	var due []insight.Period
	l.read(func(q tenants.Querier) (err error) { due, err = insight.MonthsToKeep(ctx, q, l.now, zone); return err })
	for _, m := range due {
		if err := l.db.Write(ctx, audit.Actor{}, func(tx *tenants.Tx) error { return insight.KeepMonth(ctx, tx, m, zone) }); err != nil {
			l.t.Fatal(err)
		}
	}
}

// wrong compares everything that is kept with the rows that it is of.
func (l *ledger) wrong() (wrong []string) {
	l.t.Helper()
	const nobody = `'00000000-0000-0000-0000-000000000000'::uuid`
	for what, sql := range map[string][2]string{
		"totals": {`SELECT name, n FROM totals WHERE n <> 0`, `SELECT 'accounts' AS name, count(*) AS n FROM users WHERE state = 'active' HAVING count(*) > 0
			UNION ALL SELECT 'role:' || role, count(*) FROM user_roles JOIN users ON id = user_id WHERE state = 'active' GROUP BY role
			UNION ALL SELECT 'schools', count(*) FROM schools WHERE state = 'active' HAVING count(*) > 0 UNION ALL SELECT 'classes', count(*) FROM classes WHERE state = 'active' HAVING count(*) > 0
			UNION ALL SELECT 'grade:' || grade, count(*) FROM user_roles JOIN users ON id = user_id WHERE state = 'active' AND role = 'student' AND grade <> '' GROUP BY grade`},
		"attendance": {`SELECT school_id, day, sum(attended) FROM day_totals GROUP BY 1, 2 HAVING sum(attended) <> 0`,
			`SELECT school_id, day, count(*) FROM attendance WHERE school_id IS NOT NULL GROUP BY 1, 2 UNION ALL SELECT ` + nobody + `, day, count(*) FROM attendance GROUP BY 2`},
		"active users": {`SELECT school_id, day, sum(active) FROM day_totals GROUP BY 1, 2 HAVING sum(active) <> 0`,
			`SELECT school_id, day, count(*) FROM active_days WHERE school_id IS NOT NULL GROUP BY 1, 2 UNION ALL SELECT ` + nobody + `, day, count(*) FROM active_days GROUP BY 2`},
		"names": {`SELECT user_id, family_name, given_name, user_name_key, waiting, suspended FROM user_roles`, `SELECT id, u.family_name, u.given_name, u.user_name_key, NOT u.has_password, u.state = 'suspended' FROM users u JOIN user_roles r ON r.user_id = u.id`},
	} {
		var n int
		if err := l.conn.QueryRow(ctx, fmt.Sprintf(`SELECT (SELECT count(*) FROM (%[1]s EXCEPT ALL (%[2]s)) x) + (SELECT count(*) FROM ((%[2]s) EXCEPT ALL %[1]s) x)`, "("+sql[0]+")", sql[1])).Scan(&n); err != nil {
			l.t.Fatalf("%s: %v", what, err)
		}
		if n > 0 {
			wrong = append(wrong, fmt.Sprint(n, " of ", what))
		}
	}
	was := l.rowsKept()
	l.exec(`UPDATE figure_months SET kept_at = NULL`)
	l.keep()
	now := l.rowsKept()
	for month, rows := range was {
		if rows != now[month] {
			wrong = append(wrong, fmt.Sprintf("of %s are kept %s, should be %s", month, rows, now[month]))
		}
	}
	return wrong
}

// rowsKept gives what is kept of each month, before anything of it is withheld.
func (l *ledger) rowsKept() map[string]string {
	l.t.Helper()
	rows, err := l.conn.Query(ctx, `SELECT month::text, (SELECT coalesce(string_agg(f::text, ' ' ORDER BY f.kind, f.level, f.grp, f.key), '') FROM month_figures f WHERE f.month = m.month)
		FROM figure_months m WHERE kept_at IS NOT NULL`)
	if err != nil {
		l.t.Fatal(err)
	}
	all := map[string]string{}
	var month, figures string
	if _, err := pgx.ForEachRow(rows, []any{&month, &figures}, func() error { all[month] = figures; return nil }); err != nil {
		l.t.Fatal(err)
	}
	return all
}

// figures asks for everything of the months that are over.
func (l *ledger) figures() map[string]*insight.Table {
	zone, err := time.LoadLocation(keepersZone)
	if err != nil {
		l.t.Fatal(err)
	}
	view := insight.View{Today: l.now}
	all := map[string]*insight.Table{}
	for m := insight.FinishedMonth(l.now); m.From.After(l.now.AddDate(0, -9, 0)); m = insight.FinishedMonth(m.From) {
		for _, by := range []insight.By{insight.ByRegion, insight.BySchool, insight.BySubject} {
			l.read(func(q tenants.Querier) (err error) {
				if by != insight.BySubject {
					if all[fmt.Sprint("attendance ", by, m.From)], err = insight.Attendance(ctx, q, m, by, view); err != nil {
						return err
					}
				}
				all[fmt.Sprint("pass rates ", by, m.From)], err = insight.PassRates(ctx, q, m, zone, by, view)
				return err
			})
		}
	}
	last := insight.FinishedMonth(l.now)
	for _, p := range []insight.Period{last, {From: last.From.AddDate(0, -2, 0), To: last.To}} {
		for _, rows := range []insight.Rows{{}, {Order: insight.LowestFirst}, {Region: "Region 1"}, {Region: "Region 1", Order: insight.LowestFirst}} {
			all[fmt.Sprint("attendance in pages ", p, rows)] = l.pages(rows, func(q tenants.Querier, v insight.View) (*insight.Table, error) {
				return insight.Attendance(ctx, q, p, insight.BySchool, v)
			})
			all[fmt.Sprint("pass rates in pages ", p, rows)] = l.pages(rows, func(q tenants.Querier, v insight.View) (*insight.Table, error) {
				return insight.PassRates(ctx, q, p, zone, insight.BySchool, v)
			})
		}
	}
	return all
}

// pages reads a table of schools two rows at a time, and puts the pages together.
func (l *ledger) pages(rows insight.Rows, read func(tenants.Querier, insight.View) (*insight.Table, error)) (whole *insight.Table) {
	l.t.Helper()
	rows.Limit = 2
	for {
		var t *insight.Table
		l.read(func(q tenants.Querier) (err error) {
			t, err = read(q, insight.View{Today: l.now, Rows: rows, Realm: "jamaica", Rankings: l.rankings})
			return err
		})
		if whole == nil {
			whole = t
		} else if whole.Cells = append(whole.Cells, t.Cells...); !reflect.DeepEqual(t.Total, whole.Total) {
			l.t.Errorf("a page has another total: %+v, %+v", t.Total, whole.Total)
		}
		if rows.After = t.Next; t.Next == "" {
			whole.Next = ""
			return whole
		}
		if len(t.Cells) != 2 {
			l.t.Fatalf("a page of %d that is not the last", len(t.Cells))
		}
	}
}

// unlike asks again while nothing is kept, so that the rows are counted, and then as before.
func (l *ledger) unlike(was map[string]*insight.Table) (wrong []string) {
	l.exec(`UPDATE figure_months SET least = -least, pass_mark = -pass_mark`)
	for name, counted := range l.figures() {
		if !was[name].Counted {
			l.answered++
		}
		counted.Counted, was[name].Counted = false, false
		if !reflect.DeepEqual(counted, was[name]) {
			wrong = append(wrong, fmt.Sprintf("%s is %+v, was %+v", name, counted, was[name]))
		}
	}
	l.exec(`UPDATE figure_months SET least = -least, pass_mark = -pass_mark`)
	return wrong
}

// live goes through all kinds of changes so many times, in any order, and looks after each of them. Months are kept before always, or now and then.
func (l *ledger) live(rounds int, always bool) (wrong []string) {
	l.t.Helper()
	changes := l.changes()
	var names []string
	for name := range changes {
		names = append(names, name)
	}
	slices.Sort(names)
	for range rounds {
		l.rnd.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
		for _, name := range names {
			if always || l.rnd.IntN(2) == 0 {
				l.keep()
			}
			changes[name]()
			if wrong = append(l.noticed, l.wrong()...); len(wrong) > 0 {
				return append(wrong, "after: "+name)
			}
		}
	}
	return nil
}

// What is kept is what the rows say, whatever is done to them.
func TestWhatIsKeptIsWhatTheRowsSay(t *testing.T) {
	t.Parallel()
	l := newLedger(t, uint64(time.Now().UnixNano()))
	for range 4 {
		wrong := l.live(1, false)
		if wrong = append(wrong, l.unlike(l.figures())...); len(wrong) > 0 {
			t.Fatal(strings.Join(wrong, "\n"))
		}
	}
	var kept int
	if err := l.conn.QueryRow(ctx, `SELECT count(*) FROM month_figures`).Scan(&kept); err != nil || kept < 10 || l.answered < 20 {
		t.Errorf("only %d figures were kept (%v), and %d tables made of them", kept, err, l.answered)
	}
}

// Each trigger is needed: without any one of them the comparison finds a difference. Otherwise it would not look at what that one does.
func TestNothingKeptIsForgottenUnseen(t *testing.T) {
	t.Parallel()
	l := newLedger(t, 1)
	super := l.Direct(t)
	rows, err := super.Query(ctx, `SELECT c.relname, t.tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE n.nspname = 'tenant_jamaica' AND NOT t.tgisinternal AND t.tgname NOT LIKE 'meter%' -- what is billed by is billing/usage's
		AND c.relname IN ('users', 'user_roles', 'schools', 'courses', 'classes', 'attendance', 'active_days', 'attempts') ORDER BY 1, 2`)
	if err != nil {
		t.Fatal(err)
	}
	type trigger struct{ Table, Name string }
	triggers, err := pgx.CollectRows(rows, pgx.RowToStructByPos[trigger])
	if err != nil {
		t.Fatal(err)
	}
	if len(triggers) < 25 {
		t.Fatalf("only %d triggers: %v", len(triggers), triggers)
	}
	turn := func(how string, tr trigger) {
		if _, err := super.Exec(ctx, fmt.Sprintf("ALTER TABLE tenant_jamaica.%s %s TRIGGER %s", tr.Table, how, tr.Name)); err != nil {
			t.Fatal(err)
		}
	}
	for _, tr := range tenth.Of(t, triggers) {
		turn("DISABLE", tr)
		l.noticed = nil
		if len(l.live(20, true)) == 0 { // a kind of change may have met nobody
			t.Errorf("without %s of %s nothing is wrong", tr.Name, tr.Table)
		}
		turn("ENABLE", tr)
		l.noticed = nil
		l.exec(`UPDATE user_roles r SET family_name = u.family_name, given_name = u.given_name, user_name_key = u.user_name_key, waiting = NOT u.has_password, suspended = u.state = 'suspended' FROM users u WHERE u.id = r.user_id`)
		if _, err := super.Exec(ctx, `SELECT tenant_jamaica.count_accounts_again(), tenant_jamaica.count_figures_again(), tenant_jamaica.count_grades_again()`); err != nil {
			t.Fatal(err)
		}
		if wrong := l.wrong(); len(wrong) > 0 {
			t.Fatalf("counted again after %s of %s: %v", tr.Name, tr.Table, wrong)
		}
	}
}
