package chaos

import (
	"context"
	"fmt"
	"os/exec"
	"sync"
	"syscall"
	"testing"
	"time"

	"lignum/domain/words"
	"lignum/infra/mailcatcher"
	"lignum/tenants"
	"lignum/tenants/audit"
	"lignum/tenants/mail"
	"lignum/tests/testkit"
)

// A process is killed when the mail server has a letter and has not said so: that one comes twice, under one name and with the doubt noted; no other does, and none is lost.
func TestOfLettersThatAreSentAtADeathOneComesTwice(t *testing.T) {
	const letters, third = 40, 13
	var mu sync.Mutex
	var doomed *exec.Cmd
	came := 0
	catcher, err := mailcatcher.Start(mailcatcher.Options{Data: func() error {
		mu.Lock()
		defer mu.Unlock()
		if came++; came != third {
			return nil
		}
		if err := doomed.Process.Kill(); err != nil {
			t.Error(err)
		}
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer catcher.Close()
	p := startWith(t, testkit.Fixtures[:1])
	t.Setenv(workerMail, catcher.Address())
	db := p.dbs[testkit.Fixtures[0].Slug]
	if err := db.Write(t.Context(), audit.Actor{Name: "chaos"}, func(tx *tenants.Tx) error {
		tx.Record(audit.Entry{Action: "chaos.change", ObjectKind: "test", ObjectID: "letters"})
		var list []mail.Letter
		for i := range letters {
			list = append(list, mail.Letter{Kind: "account", To: mail.To{Address: fmt.Sprintf("reader%d@example.org", i), Name: "Reader", Language: words.English}, Subject: words.Plain("News"),
				Lines: []words.Text{words.Plain("Something is new.")}, Button: words.Plain("Look"), Path: "/notices"})
		}
		return mail.Write(t.Context(), tx, time.Now(), list...)
	}); err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	doomed = p.worker(t, "")
	mu.Unlock()
	err = doomed.Wait()
	if exit, ok := err.(*exec.ExitError); !ok || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		t.Fatalf("it ended with %v", err)
	}
	heir := p.worker(t, "")
	defer func() {
		_ = heir.Process.Signal(syscall.SIGTERM)
		if err := heir.Wait(); err != nil {
			t.Errorf("the worker that stays: %v", err)
		}
	}()
	begun := time.Now()
	within(t, 90*time.Second, "all letters are sent", func() bool {
		var sent int
		err := db.ReadFresh(t.Context(), func(r *tenants.Reader) error {
			return r.QueryRow(t.Context(), "SELECT count(*) FROM mails WHERE state = 'sent' AND sealed IS NULL").Scan(&sent)
		})
		return err == nil && sent == letters
	})
	t.Logf("the letters of the dead are sent after %s", time.Since(begun).Round(time.Second))
	times, ids := map[string]int{}, map[string]bool{}
	for _, l := range catcher.Letters() {
		times[l.To[0]]++
		ids[l.Head.Get("Message-Id")] = true
	}
	twice := ""
	for to, n := range times {
		if n > 2 || n == 2 && twice != "" {
			t.Errorf("%s got %d letters, beside %q", to, n, twice)
		}
		if n == 2 {
			twice = to
		}
	}
	if len(times) != letters || len(ids) != letters || twice == "" {
		t.Errorf("%d of %d readers got letters of %d names; %q got two", len(times), letters, len(ids), twice)
	}
	if err := db.ReadFresh(context.Background(), func(r *tenants.Reader) error {
		var doubtful []string
		err := r.QueryRow(t.Context(), "SELECT coalesce(array_agg(address), '{}') FROM mails WHERE doubtful").Scan(&doubtful)
		if len(doubtful) != 1 || doubtful[0] != twice {
			t.Errorf("%q got two, and the doubt is about %v", twice, doubtful)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}
