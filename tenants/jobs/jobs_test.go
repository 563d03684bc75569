package jobs_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"lignum/domain"
	"lignum/domain/words"
	"lignum/tenants"
	"lignum/tenants/audit"
	"lignum/tenants/jobs"
	"lignum/tests/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// world is a database in which kinds of a test's own may be queued.
func world(t *testing.T) *testkit.World {
	t.Helper()
	w := testkit.New(t)
	if _, err := w.Direct(t).Exec(t.Context(), `INSERT INTO jobs.kinds (kind, realm, queue, attempts, keep) VALUES
		('test.work', 'tenant', 'short', 3, '1 hour'), ('test.other', 'tenant', 'short', 3, '1 hour'), ('test.platform', 'platform', 'short', 3, '1 hour')`); err != nil {
		t.Fatal(err)
	}
	return w
}

// write changes something, with an entry.
func write(t *testing.T, w *testkit.World, slug string, fn func(tx *tenants.Tx) error) error {
	t.Helper()
	return w.DB(slug).Write(t.Context(), w.Actor, func(tx *tenants.Tx) error {
		tx.Record(audit.Entry{Action: "test.change", ObjectKind: "test", ObjectID: "1"})
		return fn(tx)
	})
}

func list(t *testing.T, w *testkit.World, slug string, f jobs.Filter) (found []jobs.Stored) {
	t.Helper()
	if err := w.DB(slug).ReadFresh(t.Context(), func(r *tenants.Reader) error {
		l, err := jobs.List(t.Context(), r, f, domain.Page{Limit: 200})
		found = l.Items
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return found
}

// until waits for something that comes by itself.
func until(t *testing.T, what string, true func() bool) {
	t.Helper()
	for range 400 {
		if true() {
			return
		}
		time.Sleep(25 * time.Millisecond)
	}
	t.Fatalf("after 10 seconds still not: %s", what)
}

// A tenant has so many jobs of a kind that are not done, and no more: what comes then is refused with its change, but for what has a date, which is left out. Other kinds,
// other tenants and the platform are not concerned.
func TestNobodyQueuesWithoutAnEnd(t *testing.T) {
	t.Parallel()
	w := world(t)
	if _, err := w.Direct(t).Exec(t.Context(), "UPDATE jobs.kinds SET most = 1500 WHERE kind LIKE 'test.%'"); err != nil {
		t.Fatal(err)
	}
	many := func(n int) (ids []string) {
		for i := range n {
			ids = append(ids, strconv.Itoa(i))
		}
		return ids
	}
	queue := func(slug, kind string, n int) error {
		return write(t, w, slug, func(tx *tenants.Tx) error { jobs.Queue(tx, kind, many(n)...); return nil })
	}
	for _, n := range []int{1000, 499, 1} {
		if err := queue("jamaica", "test.work", n); err != nil {
			t.Fatal(err)
		}
	}
	err := queue("jamaica", "test.work", 1)
	if domain.CodeOf(err) != domain.OverQuota || err.Error() != "Too much work of this kind waits in the background already. Please try again when some of it is done." {
		t.Errorf("one more: %v", err)
	}
	entries := 0
	if err := w.DB("jamaica").ReadFresh(t.Context(), func(r *tenants.Reader) error {
		return r.QueryRow(t.Context(), "SELECT count(*) FROM audit_entries WHERE action = 'test.change'").Scan(&entries)
	}); err != nil || entries != 3 {
		t.Errorf("%d changes are stored, %v", entries, err)
	}
	for what, err := range map[string]error{"another kind": queue("jamaica", "test.other", 1), "another tenant": queue("bahamas", "test.work", 1),
		"the platform": errors.Join(queue("", "test.platform", 1000), queue("", "test.platform", 1000))} {
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	// What has a date waits beside them, in places of its own.
	if err := write(t, w, "jamaica", func(tx *tenants.Tx) error {
		for i := range 1510 {
			jobs.QueueOnce(tx, "test.work", "hour:"+strconv.Itoa(i), time.Now().Add(time.Hour))
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	var due, dated, first int
	if err := w.Direct(t).QueryRow(t.Context(), `SELECT count(*) FILTER (WHERE scheduled_at <= now()), count(*) FILTER (WHERE scheduled_at > now()), count(*) FILTER (WHERE scheduled_at > now() AND priority = 1)
		FROM jobs.river_job WHERE kind = 'test.work' AND args ->> 'tenant' = 'jamaica'`).Scan(&due, &dated, &first); err != nil || due != 1500 || dated != 1500 || first != 10 {
		t.Errorf("%d are due and %d have a date, %d of those in front, %v", due, dated, first, err)
	}
}

// A job is queued with its change or not at all, only of kinds that are for its realm, and is seen and changed by its own realm alone.
func TestJobsAreTheirRealms(t *testing.T) {
	t.Parallel()
	w := world(t)
	lost := errors.New("lost")
	if err := write(t, w, "jamaica", func(tx *tenants.Tx) error { jobs.Queue(tx, "test.work", "lost"); return lost }); !errors.Is(err, lost) {
		t.Fatal(err)
	}
	if err := write(t, w, "jamaica", func(tx *tenants.Tx) error { jobs.Queue(tx, "test.work", "one", "two"); return nil }); err != nil {
		t.Fatal(err)
	}
	for slug, kinds := range map[string][]string{"jamaica": {"test.platform", "test.none"}, "": {"test.work"}} {
		for _, kind := range kinds {
			err := write(t, w, slug, func(tx *tenants.Tx) error { jobs.Queue(tx, kind); return nil })
			if err == nil || !strings.Contains(err.Error(), "cannot be queued here") {
				t.Errorf("%q queues %s: %v", slug, kind, err)
			}
		}
	}
	for _, about := range [][]string{{"a b"}, {"Ana Lee"}, {strings.Repeat("x", 201)}, make([]string, 1001)} {
		if err := write(t, w, "jamaica", func(tx *tenants.Tx) error { jobs.Queue(tx, "test.work", about...); return nil }); err == nil {
			t.Errorf("a job about %.40q was taken", about)
		}
	}
	for range 2 {
		if err := write(t, w, "bahamas", func(tx *tenants.Tx) error { jobs.QueueOnce(tx, "test.work", "night:1", time.Now()); return nil }); err != nil {
			t.Fatal(err)
		}
	}
	own := list(t, w, "jamaica", jobs.Filter{Realm: "bahamas"}) // whatever it asks for
	if len(own) != 2 || own[0].About != "two" || own[0].Realm != "jamaica" || own[0].State != jobs.Waiting {
		t.Errorf("jamaica's: %+v", own)
	}
	if all := list(t, w, "", jobs.Filter{}); len(all) != 3 || all[0].Realm != "bahamas" {
		t.Errorf("all: %+v", all)
	}
	if one := list(t, w, "", jobs.Filter{Realm: "bahamas", Kind: "test.work", State: jobs.Waiting}); len(one) != 1 {
		t.Errorf("bahamas': %+v", one)
	}
	for _, do := range []func(context.Context, *tenants.Tx, int64) error{jobs.Cancel, jobs.Retry} {
		if err := write(t, w, "bahamas", func(tx *tenants.Tx) error { return do(t.Context(), tx, own[0].ID) }); domain.CodeOf(err) != domain.NotFound {
			t.Errorf("another tenant's job: %v", err)
		}
		if err := write(t, w, "jamaica", func(tx *tenants.Tx) error { return do(t.Context(), tx, own[0].ID) }); err != nil {
			t.Error(err)
		}
	}
	conn, err := w.As(t, w.Tenant("jamaica").LoginRole)
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range []string{"SELECT count(*) FROM jobs.river_job", "SELECT count(*) FROM jobs.kinds", "DELETE FROM jobs.river_job"} {
		if _, err := conn.Exec(t.Context(), q); err == nil || !strings.Contains(err.Error(), "permission denied") {
			t.Errorf("%s as a tenant: %v", q, err)
		}
	}
	if conn, err = w.As(t, tenants.JobsLogin(testkit.Installation)); err != nil {
		t.Fatal(err)
	}
	for _, q := range []string{"SELECT count(*) FROM control.tenants", "SELECT count(*) FROM tenant_jamaica.users", "UPDATE jobs.kinds SET attempts = 1", "SELECT gate.bump('rules')", "UPDATE control.processes SET seen_at = now()"} {
		if _, err := conn.Exec(t.Context(), q); err == nil || !strings.Contains(err.Error(), "permission denied") {
			t.Errorf("%s as the login of the jobs: %v", q, err)
		}
	}
}

// The more a realm has waiting the later its next come.
func TestAFloodStandsBehindOthers(t *testing.T) {
	t.Parallel()
	w := world(t)
	for range 2 {
		if err := write(t, w, "jamaica", func(tx *tenants.Tx) error {
			about := make([]string, 300)
			for i := range about {
				about[i] = fmt.Sprint(i)
			}
			jobs.Queue(tx, "test.work", about...)
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	for _, slug := range []string{"bahamas", "jamaica"} {
		if err := write(t, w, slug, func(tx *tenants.Tx) error { jobs.Queue(tx, "test.other"); return nil }); err != nil {
			t.Fatal(err)
		}
	}
	rows, err := w.Direct(t).Query(t.Context(), "SELECT args ->> 'tenant' || ' ' || kind || ' ' || priority || ' ' || count(*) FROM jobs.river_job GROUP BY args ->> 'tenant', kind, priority ORDER BY 1")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var got []string
	for rows.Next() { //nolint:forbidigo // four rows of a test
		var line string
		if err := rows.Scan(&line); err != nil {
			t.Fatal(err)
		}
		got = append(got, line)
	}
	if want := []string{"bahamas test.other 1 1", "jamaica test.other 1 1", "jamaica test.work 1 10", "jamaica test.work 2 90", "jamaica test.work 3 300", "jamaica test.work 4 200"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// A job is worked with its own realm's login. What fails is tried again and given up at last, what it says to people is kept with it, and the rest is not.
func TestJobsAreWorked(t *testing.T) {
	t.Parallel()
	w := world(t)
	var mu sync.Mutex
	runs, login := map[string]int{}, ""
	w.Work(t, jobs.Kind{Name: "test.work", Limit: 5 * time.Second, Run: func(ctx context.Context, j *jobs.Job) error {
		mu.Lock()
		runs[j.About]++
		n := runs[j.About]
		mu.Unlock()
		switch j.About {
		case "said":
			return domain.RefuseIn(domain.Conflict, words.Plain("The class is full."))
		case "secret":
			panic("password=hunter2")
		case "once":
			if err := j.Once(ctx, func(tx *tenants.Tx) error {
				tx.Record(audit.Entry{Action: "test.effect", ObjectKind: "test", ObjectID: "1"})
				return tx.QueryRow(ctx, "SELECT current_user").Scan(&login)
			}); err != nil || n > 2 {
				return err
			}
			return errors.New("the process dies after its effect")
		}
		return nil
	}})
	if err := write(t, w, "jamaica", func(tx *tenants.Tx) error { jobs.Queue(tx, "test.work", "said", "secret", "once"); return nil }); err != nil {
		t.Fatal(err)
	}
	faults := func() map[string]string {
		said := map[string]string{}
		for _, j := range list(t, w, "jamaica", jobs.Filter{State: jobs.Failing}) {
			said[j.About] = j.Fault.String()
		}
		return said
	}
	until(t, "all three have failed", func() bool { return len(faults()) == 3 })
	if f := faults(); f["said"] != "The class is full." || strings.Contains(f["secret"], "hunter2") || f["secret"] == "" || strings.Contains(f["once"], "dies") {
		t.Errorf("what is kept with them: %q", f)
	}
	var stored int
	if err := w.Direct(t).QueryRow(t.Context(), "SELECT count(*) FROM jobs.river_job WHERE errors::text LIKE '%hunter2%'").Scan(&stored); err != nil || stored != 0 {
		t.Errorf("a panic's text is stored %d times, %v", stored, err)
	}
	for range 2 { // tried again at once
		for _, j := range list(t, w, "jamaica", jobs.Filter{State: jobs.Failing}) {
			if err := write(t, w, "jamaica", func(tx *tenants.Tx) error { return jobs.Retry(t.Context(), tx, j.ID) }); err != nil && domain.CodeOf(err) != domain.NotFound {
				t.Fatal(err)
			}
		}
		until(t, "none waits", func() bool {
			return len(list(t, w, "jamaica", jobs.Filter{State: jobs.Waiting})) == 0 && len(list(t, w, "jamaica", jobs.Filter{State: jobs.Running})) == 0
		})
	}
	if given := list(t, w, "jamaica", jobs.Filter{State: jobs.GivenUp}); len(given) != 2 || !given[0].MayRetry() || given[0].Attempt != 3 {
		t.Errorf("given up: %+v", given)
	}
	var effects int
	if err := w.Direct(t).QueryRow(t.Context(), "SELECT count(*) FROM tenant_jamaica.audit_entries WHERE action = 'test.effect'").Scan(&effects); err != nil || effects != 1 {
		t.Errorf("%d effects of a job that ran %d times, %v", effects, runs["once"], err)
	}
	if runs["once"] != 3 || login != w.Tenant("jamaica").LoginRole {
		t.Errorf("%d runs, as %s", runs["once"], login)
	}
}

// What a silent process held is given to others; what is planned by the clock is there once, however many plan it.
func TestWorkOfTheDeadIsTakenUp(t *testing.T) {
	t.Parallel()
	w := world(t)
	if err := write(t, w, "jamaica", func(tx *tenants.Tx) error { jobs.Queue(tx, "test.work", "held", "tired"); return nil }); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Direct(t).Exec(t.Context(), `UPDATE jobs.river_job SET state = 'running', attempt = CASE args ->> 'about' WHEN 'held' THEN 1 ELSE 3 END,
		attempted_at = now() - interval '1 minute', attempted_by = ARRAY['01234567-89ab-7def-8123-456789abcdef'] WHERE kind = 'test.work'`); err != nil {
		t.Fatal(err)
	}
	kinds := []jobs.Kind{{Name: "test.work", Limit: 5 * time.Second, Run: func(context.Context, *jobs.Job) error { return nil }},
		{Name: "test.other", When: jobs.Every(time.Hour), Limit: 5 * time.Second, Run: func(context.Context, *jobs.Job) error { return nil }}}
	w.Work(t, kinds...)
	until(t, "the work of the dead is done", func() bool {
		return len(list(t, w, "jamaica", jobs.Filter{Kind: "test.work", State: jobs.Finished})) == 1 && len(list(t, w, "jamaica", jobs.Filter{State: jobs.GivenUp})) == 1
	})
	w.Work(t, kinds...)
	until(t, "what is due by the clock is done", func() bool {
		return len(list(t, w, "", jobs.Filter{Kind: "test.other", State: jobs.Finished})) == len(w.Registry.Tenants())
	})
	due := slices.DeleteFunc(list(t, w, "", jobs.Filter{Kind: "test.other"}), func(j jobs.Stored) bool { return j.DueAt.After(time.Now()) }) // the next may be planned
	if len(due) != len(w.Registry.Tenants()) {
		t.Errorf("%d jobs for %d tenants", len(due), len(w.Registry.Tenants()))
	}
}

// What is queued for a tenant that is suspended waits until it works again; what is always done is done.
func TestATenantThatIsSuspendedRests(t *testing.T) {
	t.Parallel()
	w := world(t)
	if err := write(t, w, "jamaica", func(tx *tenants.Tx) error {
		jobs.Queue(tx, "test.work")
		jobs.Queue(tx, "test.other")
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if err := w.DB("").Write(t.Context(), w.Actor, func(tx *tenants.Tx) error {
		_, err := tenants.SetState(t.Context(), tx, "jamaica", tenants.Suspended, "hurricane", tenants.By{Server: true})
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if err := w.Registry.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	ran := make(chan string, 10)
	run := func(_ context.Context, j *jobs.Job) error { ran <- j.Kind; return nil }
	w.Work(t, jobs.Kind{Name: "test.work", Limit: time.Second, Run: run}, jobs.Kind{Name: "test.other", Always: true, Limit: time.Second, Run: run})
	until(t, "one is done and one rests", func() bool {
		resting := list(t, w, "", jobs.Filter{Kind: "test.work", State: jobs.Waiting})
		return len(resting) == 1 && resting[0].DueAt.After(time.Now().Add(time.Minute)) && len(list(t, w, "", jobs.Filter{Kind: "test.other", State: jobs.Finished})) == 1
	})
	if len(ran) != 1 {
		t.Errorf("%d ran", len(ran))
	}
}

// While the database is away, or somebody is in the way, a job is tried every few seconds and uses up none of its tries; one that takes too long does.
func TestAnOutageUsesUpNoTries(t *testing.T) {
	t.Parallel()
	w := world(t)
	if err := write(t, w, "jamaica", func(tx *tenants.Tx) error {
		jobs.Queue(tx, "test.work")
		jobs.Queue(tx, "test.other")
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	runs := 0
	w.Work(t, jobs.Kind{Name: "test.work", Limit: 5 * time.Second, Run: func(context.Context, *jobs.Job) error {
		mu.Lock()
		defer mu.Unlock()
		if runs++; runs <= 2 {
			return domain.RefuseIn(domain.Unavailable, words.Plain("away"))
		}
		return nil
	}}, jobs.Kind{Name: "test.other", Limit: time.Second, Run: func(ctx context.Context, _ *jobs.Job) error {
		<-ctx.Done()
		return tenants.Explain(ctx.Err())
	}})
	until(t, "the first is done", func() bool {
		return len(list(t, w, "jamaica", jobs.Filter{Kind: "test.work", State: jobs.Finished})) == 1
	})
	if j := list(t, w, "jamaica", jobs.Filter{Kind: "test.work"})[0]; j.Attempt != 1 {
		t.Errorf("it took %d tries", j.Attempt)
	}
	until(t, "the one that takes too long has failed", func() bool {
		return len(list(t, w, "jamaica", jobs.Filter{Kind: "test.other", State: jobs.Failing})) == 1
	})
}

// A job that is ended with its process, be it in its last try, goes on in another as if that had not been; and the run knew that it was not the end of it.
func TestAStopUsesUpNoTries(t *testing.T) {
	t.Parallel()
	w := world(t)
	if err := write(t, w, "jamaica", func(tx *tenants.Tx) error { jobs.Queue(tx, "test.work"); return nil }); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Direct(t).Exec(t.Context(), "UPDATE jobs.river_job SET max_attempts = 1 WHERE kind = 'test.work'"); err != nil {
		t.Fatal(err)
	}
	began, final := make(chan bool, 1), make(chan bool, 1)
	first := w.Work(t, jobs.Kind{Name: "test.work", Limit: time.Minute, Run: func(ctx context.Context, j *jobs.Job) error {
		began <- j.Last
		<-ctx.Done()
		err := tenants.Explain(ctx.Err())
		final <- j.Final(ctx, err)
		return err
	}})
	if !<-began {
		t.Error("it was not the last try")
	}
	soon, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := first.Stop(soon); err != nil {
		t.Fatal(err)
	}
	if <-final {
		t.Error("the run that was stopped took itself for the last")
	}
	w.Work(t, jobs.Kind{Name: "test.work", Limit: 5 * time.Second, Run: func(ctx context.Context, j *jobs.Job) error {
		final <- j.Final(ctx, errors.New("it failed"))
		return errors.New("it failed")
	}})
	if !<-final {
		t.Error("the run that failed for good does not know")
	}
	until(t, "it is given up", func() bool { return len(list(t, w, "jamaica", jobs.Filter{State: jobs.GivenUp})) == 1 })
}

// A process was given a job when the database went away, or could not tell that it ended: it takes it up again, and not one that runs.
func TestAProcessTakesUpWhatItHasAndKnowsNothingOf(t *testing.T) {
	t.Parallel()
	w := world(t)
	begun, end := make(chan string, 10), make(chan struct{})
	works := w.Work(t, jobs.Kind{Name: "test.work", Limit: time.Minute, Run: func(_ context.Context, j *jobs.Job) error {
		begun <- j.About
		if j.About == "long" {
			<-end
		}
		return nil
	}})
	if err := write(t, w, "jamaica", func(tx *tenants.Tx) error { jobs.Queue(tx, "test.work", "long"); return nil }); err != nil {
		t.Fatal(err)
	}
	if about := <-begun; about != "long" {
		t.Fatalf("%q began", about)
	}
	if err := write(t, w, "jamaica", func(tx *tenants.Tx) error {
		jobs.Queue(tx, "test.work", "forgotten")
		tx.Last("SELECT 1")
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	<-begun
	until(t, "it is told that it ended", func() bool {
		return len(list(t, w, "jamaica", jobs.Filter{Kind: "test.work", State: jobs.Finished})) == 1
	})
	if _, err := w.Direct(t).Exec(t.Context(), `UPDATE jobs.river_job SET state = 'running', finalized_at = NULL, attempted_at = now() - interval '1 minute', attempted_by = ARRAY[$1::uuid::text] WHERE kind = 'test.work'`, works.Process.ID()); err != nil {
		t.Fatal(err)
	}
	select {
	case about := <-begun:
		if about != "forgotten" {
			t.Errorf("%q began again while it runs", about)
		}
	case <-time.After(40 * time.Second):
		t.Error("what nobody works on is not taken up")
	}
	close(end)
	until(t, "both are done", func() bool {
		return len(list(t, w, "jamaica", jobs.Filter{Kind: "test.work", State: jobs.Finished})) == 2
	})
	select {
	case about := <-begun:
		t.Errorf("%q began once more", about)
	default:
	}
}
