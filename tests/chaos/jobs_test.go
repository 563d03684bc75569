package chaos

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	jobsapi "lignum/api/jobs"
	"lignum/domain/assessment"
	"lignum/domain/calendar"
	"lignum/domain/catalog"
	"lignum/infra/localcluster"
	"lignum/policy"
	"lignum/tenants"
	"lignum/tenants/audit"
	"lignum/tenants/files"
	"lignum/tenants/jobs"
	"lignum/tenants/mail"
	"lignum/tests/tenth"
	"lignum/tests/testkit"
)

// Where a process that works jobs dies, and with it whatever it holds.
const (
	deathBefore = "before the effect"
	deathWithin = "in the effect's transaction"
	deathAfter  = "after the effect, before it is told"
)

// What a worker is told by its environment.
const (
	workerProxy = "CHAOS_WORKER_PROXY" // port of the pooler; it is a worker when this is there
	workerKey   = "CHAOS_WORKER_KEY"
	workerDeath = "CHAOS_WORKER_DEATH"
	workerMail  = "CHAOS_WORKER_MAIL" // the mail server that it sends letters to; may be empty

	workerFiles    = "CHAOS_WORKER_FILES"    // where the bytes of files lie; with it, it works all that the program does
	workerDatabase = "CHAOS_WORKER_DATABASE" // of the tests' installation; empty: of one of its own
)

// workIfAsked makes this process one that works jobs until it is told to end, or dies in its first.
func workIfAsked() {
	port, err := strconv.Atoi(os.Getenv(workerProxy))
	if err != nil {
		return
	}
	if err := workJobs(port); err != nil {
		fmt.Fprintln(os.Stderr, "worker:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

func workJobs(port int) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError}))
	key, err := base64.StdEncoding.DecodeString(os.Getenv(workerKey))
	if err != nil {
		return err
	}
	vault, err := tenants.NewVault(key)
	if err != nil {
		return err
	}
	installation, database := "chaos", "lignum"
	if other := os.Getenv(workerDatabase); other != "" {
		installation, database = testkit.Installation, other
	}
	store, err := tenants.NewStore(tenants.StoreConfig{Vault: vault, Connections: 8, Writer: tenants.Endpoint{Host: "127.0.0.1", Port: port, Database: database}})
	if err != nil {
		return err
	}
	defer store.Close()
	registry, err := tenants.NewRegistry(ctx, store.DB(tenants.PlatformRealm(installation)), "localhost")
	if err != nil {
		return err
	}
	go registry.Watch(ctx, time.Second, func(error) {})
	process, err := tenants.Join(ctx, store, registry, "worker", tenants.Capacity{Cores: 2}, log)
	if err != nil {
		return err
	}
	letters := mail.Settings{Server: "off"}
	if server := os.Getenv(workerMail); server != "" {
		letters = mail.Settings{Server: "smtp+plain://" + server, From: "no-reply@lignum.example"}
	}
	post, err := mail.NewPost(letters, func(*tenants.Tenant) string { return "https://jamaica.lignum.example" })
	if err != nil {
		return err
	}
	defer post.Close()
	kinds := ofTheTest(post)
	if dir := os.Getenv(workerFiles); dir != "" {
		if kinds, err = ofTheProgram(ctx, dir, post); err != nil {
			return err
		}
	}
	works, err := jobs.Start(ctx, jobs.Deps{Store: store, Registry: registry, Process: process, Login: tenants.JobsLogin(installation), Begins: calendar.Begins, Log: log, Kinds: kinds})
	if err != nil {
		return err
	}
	<-ctx.Done()
	last, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return errors.Join(works.Stop(last), process.Leave(last))
}

// ofTheTest are letters, and a job of which it can be seen how often it had its effect.
func ofTheTest(post *mail.Post) []jobs.Kind {
	die := func(where string) {
		if os.Getenv(workerDeath) == where {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
	}
	return []jobs.Kind{{Name: "mail.send", Limit: time.Minute, Again: mail.Again, Run: post.Send}, {Name: "chaos.effect", Limit: 10 * time.Second, Run: func(ctx context.Context, j *jobs.Job) error {
		time.Sleep(600 * time.Millisecond) // longer than a process waits until it looks again: each finds some
		die(deathBefore)
		if err := j.Once(ctx, func(tx *tenants.Tx) error {
			tx.Record(audit.Entry{Action: "chaos.effect", ObjectKind: "job", ObjectID: j.About})
			die(deathWithin)
			return nil
		}); err != nil {
			return err
		}
		die(deathAfter)
		return nil
	}}}
}

// ofTheProgram is all that the program does.
func ofTheProgram(ctx context.Context, dir string, post *mail.Post) ([]jobs.Kind, error) {
	items, err := catalog.NewItems(100)
	if err != nil {
		return nil, err
	}
	exams, err := assessment.New(items, 100)
	if err != nil {
		return nil, err
	}
	bucket, err := files.Open(ctx, dir)
	if err != nil {
		return nil, err
	}
	rules, err := policy.NewEngine(nil)
	if err != nil {
		return nil, err
	}
	return jobsapi.Table(exams, bucket, rules, post, nil), nil
}

// worker starts a process that works jobs, and dies where it is said: nowhere when that is empty.
func (p *platform) worker(t *testing.T, death string) *exec.Cmd {
	t.Helper()
	return workerOf(t, p.cluster, p.key, workerDeath+"="+death)
}

// workerOf starts a process that works jobs over a cluster's pooler, with more in its environment.
func workerOf(t *testing.T, cluster *localcluster.Cluster, key []byte, env ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(append(os.Environ(), workerProxy+"="+strconv.Itoa(cluster.ProxyPort()), workerKey+"="+base64.StdEncoding.EncodeToString(key)), env...)
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd
}

// Whatever dies, and wherever: the effect of each job is there once, and none is late by more than a minute.
func TestEachJobHasItsEffectOnce(t *testing.T) {
	specs := testkit.Fixtures[:1]
	for i := range len(tenth.Of(t, make([]struct{}, 200))) - 1 {
		s := testkit.Fixtures[0]
		s.Slug, s.Name = fmt.Sprintf("country-%d", i), fmt.Sprintf("Country %d", i)
		specs = append(specs[:len(specs):len(specs)], s)
	}
	p := startWith(t, specs)
	direct, err := pgx.Connect(t.Context(), p.cluster.DirectDSN("lignum"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := direct.Exec(t.Context(), "INSERT INTO jobs.kinds (kind, realm, queue, attempts, keep) VALUES ('chaos.effect', 'tenant', 'short', 20, '1 day')"); err != nil {
		t.Fatal(err)
	}
	direct.Close(t.Context())
	steady := p.worker(t, "")
	defer func() {
		_ = steady.Process.Signal(syscall.SIGTERM)
		if err := steady.Wait(); err != nil {
			t.Errorf("the worker that stays: %v", err)
		}
	}()
	type step struct {
		name, death string
		meanwhile   func(ctx context.Context) error
	}
	steps := []step{{name: deathBefore, death: deathBefore}, {name: deathWithin, death: deathWithin}, {name: deathAfter, death: deathAfter},
		{"PgBouncer is restarted", deathAfter, p.cluster.RestartPgBouncer}, {"PostgreSQL is restarted", deathWithin, p.cluster.RestartPostgres}}
	for _, s := range tenth.Of(t, steps) {
		doomed := p.worker(t, s.death)
		until(t, "both say that they are there", func() bool {
			var there int
			err := p.store.DB(tenants.PlatformRealm("chaos")).ReadFresh(t.Context(), func(r *tenants.Reader) error {
				return r.QueryRow(t.Context(), "SELECT count(*) FROM processes WHERE seen_at > now() - interval '4 seconds'").Scan(&there)
			})
			return err == nil && there >= 2
		})
		due := time.Now()
		for slug, db := range p.dbs {
			if err := db.Write(t.Context(), audit.Actor{Name: "chaos"}, func(tx *tenants.Tx) error {
				tx.Record(audit.Entry{Action: "chaos.change", ObjectKind: "test", ObjectID: s.name})
				jobs.Queue(tx, "chaos.effect", "night")
				return nil
			}); err != nil {
				t.Fatalf("%s: %v", slug, err)
			}
		}
		back := due // the parts are there again; on a disk that stands still the database alone may be away for minutes, in which nothing can be done
		if s.meanwhile != nil {
			if err := s.meanwhile(t.Context()); err != nil {
				t.Fatal(err)
			}
			back = time.Now()
			t.Logf("%s: it was back after %s", s.name, back.Sub(due).Round(time.Millisecond))
		}
		ended := make(chan error, 1)
		go func() { ended <- doomed.Wait() }()
		select {
		case err := <-ended:
			var exit *exec.ExitError
			if !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
				t.Fatalf("%s: it ended with %v", s.name, err)
			}
		case <-time.After(30 * time.Second): // the other was faster with all of them
			if err := doomed.Process.Kill(); err != nil {
				t.Error(err)
			}
			t.Errorf("%s: it found nothing to die of, and was ended: %v", s.name, <-ended)
		}
		for slug, db := range p.dbs {
			within(t, 90*time.Second, slug+"'s work is done, "+s.name, func() bool {
				var left int
				err := db.ReadFresh(t.Context(), func(r *tenants.Reader) error {
					return r.QueryRow(t.Context(), "SELECT count(*) FROM gate.list_jobs(NULL, NULL, '{available,scheduled,retryable,running}', NULL, 1000)").Scan(&left)
				})
				return err == nil && left == 0
			})
			effects, latest := 0, time.Time{}
			if err := db.ReadFresh(t.Context(), func(r *tenants.Reader) error {
				return r.QueryRow(t.Context(), "SELECT count(*), coalesce(max(at), 'epoch') FROM audit_entries WHERE action = 'chaos.effect' AND at >= $1::timestamptz", due).Scan(&effects, &latest)
			}); err != nil {
				t.Fatal(err)
			}
			if effects != 1 {
				t.Errorf("%s, %s: %d effects", s.name, slug, effects)
			}
			if late := latest.Sub(back); late > time.Minute {
				t.Errorf("%s, %s: late by %s", s.name, slug, late)
			}
		}
		t.Logf("%s: the last effect after %s", s.name, time.Since(due).Round(time.Second))
	}
}
