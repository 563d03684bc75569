package jobs

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"lignum/domain"
	"lignum/domain/assessment"
	"lignum/domain/catalog"
	"lignum/domain/catalog/pack"
	"lignum/domain/words"
	"lignum/policy"
	"lignum/tenants"
	"lignum/tenants/files"
	"lignum/tenants/jobs"
	"lignum/tenants/mail"
	"lignum/tests/school"
	"lignum/tests/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

func table(t *testing.T) []jobs.Kind {
	t.Helper()
	items, err := catalog.NewItems(100)
	if err != nil {
		t.Fatal(err)
	}
	exams, err := assessment.New(items, 100)
	if err != nil {
		t.Fatal(err)
	}
	bucket, err := files.Open(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := bucket.Close(); err != nil {
			t.Error(err)
		}
	})
	post, err := mail.NewPost(mail.Settings{Server: "off"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	rules, err := policy.NewEngine(nil)
	if err != nil {
		t.Fatal(err)
	}
	return Table(exams, bucket, rules, post, nil)
}

// do runs the job of a kind for a realm, as if it were due now.
func do(t *testing.T, w *testkit.World, kind, slug string, now time.Time) error {
	t.Helper()
	for _, k := range table(t) {
		if k.Name == kind && k.Platform == (slug == "") {
			j := &jobs.Job{ID: time.Now().UnixNano(), Kind: kind, About: uuid.NewString(), DB: w.DB(slug), Attempt: 1, Due: now, Now: now}
			if slug != "" {
				j.Tenant = w.Tenant(slug)
			}
			return k.Run(t.Context(), j)
		}
	}
	t.Fatalf("there is no kind %s", kind)
	return nil
}

// Each kind that the program has may be queued, and the other way round; each has words.
func TestTheTableIsWhatTheGateLetsThrough(t *testing.T) {
	t.Parallel()
	w := testkit.New(t)
	var listed []string
	err := w.Direct(t).QueryRow(t.Context(), "SELECT array_agg(kind || ' ' || realm ORDER BY kind, realm) FROM jobs.kinds").Scan(&listed)
	if err != nil {
		t.Fatal(err)
	}
	var have []string
	for _, k := range table(t) {
		realm := "tenant"
		if k.Platform {
			realm = "platform"
		}
		have = append(have, k.Name+" "+realm)
		if words.English.Message("job."+k.Name) == nil {
			t.Errorf("job.%s has no words", k.Name)
		}
	}
	slices.Sort(have)
	if !slices.Equal(have, listed) {
		t.Errorf("the table has\n%q, jobs.kinds\n%q", have, listed)
	}
	for _, key := range words.Keys("job") {
		if state, is := strings.CutPrefix(key, "state."); is {
			if !slices.Contains([]jobs.State{jobs.Waiting, jobs.Running, jobs.Failing, jobs.Finished, jobs.GivenUp, jobs.Cancelled}, jobs.State(state)) {
				t.Errorf("there is no state %s", state)
			}
		} else if !slices.ContainsFunc(have, func(h string) bool { return strings.HasPrefix(h, key+" ") }) {
			t.Errorf("there is no kind %s", key)
		}
	}
}

// What a job does may be done twice: it is the same then.
func TestEachJobMayRunTwice(t *testing.T) {
	t.Parallel()
	w := testkit.New(t)
	now := time.Now().UTC()
	for range 2 {
		for _, k := range table(t) {
			slug := "jamaica"
			if k.Platform {
				slug = ""
			}
			if err := do(t, w, k.Name, slug, now); err != nil && (k.Name != tenants.ConnectionsJob || domain.CodeOf(err) != domain.Unavailable) { // that is for a process that may
				t.Errorf("%s: %v", k.Name, err)
			}
		}
	}
	var today, yesterday int
	err := w.Direct(t).QueryRow(t.Context(), `SELECT count(*) FILTER (WHERE day = $1::date), count(*) FILTER (WHERE day = $1::date - 1) FROM control.usage_days WHERE slug = 'jamaica'`,
		w.Tenant("jamaica").Today(now).Format(time.DateOnly)).Scan(&today, &yesterday)
	if err != nil || today != 1 || yesterday != 1 {
		t.Errorf("%d rows of today, %d of yesterday, %v", today, yesterday, err)
	}
}

// A night that is made up for in the morning counts the day that it was for.
func TestANightThatIsLateCountsItsOwnDay(t *testing.T) {
	t.Parallel()
	w := testkit.New(t)
	due := time.Date(2026, 9, 7, 6, 0, 0, 0, time.UTC) // one o'clock in Kingston
	for _, k := range table(t) {
		if k.Name == "night.usage" {
			if err := k.Run(t.Context(), &jobs.Job{Kind: k.Name, Tenant: w.Tenant("jamaica"), DB: w.DB("jamaica"), Due: due, Now: due.Add(30 * time.Hour)}); err != nil {
				t.Fatal(err)
			}
		}
	}
	var day string
	if err := w.Direct(t).QueryRow(t.Context(), "SELECT string_agg(day::text, ' ') FROM control.usage_days WHERE slug = 'jamaica'").Scan(&day); err != nil || day != "2026-09-06" {
		t.Errorf("%q, %v", day, err)
	}
}

func TestEveryTenantTellsWhatLoadItExpects(t *testing.T) {
	t.Parallel()
	w := testkit.New(t)
	now, direct := time.Now().UTC(), w.Direct(t)
	for _, slug := range []string{"jamaica", "bahamas"} {
		db := w.DB(slug)
		made := school.Course(t, db, pack.Pack{Tests: []pack.Test{{Kind: "assessment"}}})
		tomorrow := now.AddDate(0, 0, 1)
		school.Window(t, db, made.Tests[0], &tomorrow, nil)
		school.Classes(t, db, school.Class{Kind: "live", Course: made.ID, Learners: school.Learners(t, db, 40, uuid.Nil)})
	}
	told := func() (text string) {
		for _, slug := range []string{"jamaica", "bahamas"} {
			if err := do(t, w, "forecast.publish", slug, now); err != nil {
				t.Fatal(err)
			}
		}
		if err := direct.QueryRow(t.Context(), `SELECT coalesce(string_agg(slug || ' ' || kind || ' ' || learners, ', ' ORDER BY slug), '') FROM control.capacity_forecast`).Scan(&text); err != nil {
			t.Fatal(err)
		}
		return text
	}
	if got := told(); got != "bahamas exam 40, jamaica exam 40" {
		t.Errorf("told: %q", got)
	}
	err := w.DB("").Write(t.Context(), w.Actor, func(tx *tenants.Tx) error {
		_, err := tenants.SetState(t.Context(), tx, "bahamas", tenants.Suspended, "hurricane", tenants.By{Server: true})
		return err
	})
	if err == nil {
		err = w.Registry.Refresh(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	if got := told(); got != "jamaica exam 40" {
		t.Errorf("told while one is suspended: %q", got)
	}
}
