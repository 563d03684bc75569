package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/valyala/fasthttp"

	"lignum/domain/assessment"
	"lignum/domain/catalog"
	"lignum/domain/catalog/item"
	"lignum/domain/catalog/pack"
	"lignum/domain/catalog/packs"
	"lignum/tenants"
	"lignum/tenants/audit"
	"lignum/tenants/files"
)

const (
	examItems   = 60 // of the paper that is measured
	examSave    = 20 // answers of one save
	examCPUGoal = 9  // milliseconds of all parts together
)

// examKinds are the requests of one attempt, in the order in which a learner's browser sends them.
var examKinds = []string{"start", "read", "save", "save", "save", "submit"}

// examCost is what attempts took of each part of the platform, by kind of request.
type examCost struct {
	attempts int
	kinds    map[string]usage
}

func (c *examCost) total() (u usage) {
	for _, k := range c.kinds {
		u = u.plus(k)
	}
	return u
}

func (u usage) plus(v usage) usage { return u.minus(usage{}.minus(v)) }

func (u usage) sum() float64 { return u.api + u.bouncer + u.postgres }

// attempts measures what one exam attempt of 60 items costs: start, read, three saves of twenty answers, handing in. The paper
// is that of the repository's mathematics course, once as an exam whose answers stay hidden while it runs, which is what the
// goal is about, and once as a practice test that shows them at once. The attempts go on together through one kind of request
// after the other, so that the processor time of each kind can be told.
func attempts(ctx context.Context, b *bench) (figures []figure, err error) {
	rounds := 2 * b.pairs
	w, test, err := b.examWorld(ctx, "celearn", 60)
	if err != nil {
		return nil, err
	}
	for _, exam := range []bool{true, false} {
		if err := b.examRule(ctx, w, test, exam); err != nil {
			return nil, err
		}
		if _, err := b.examRounds(ctx, w, test, 1); err != nil { // items and connections are there from here on
			return nil, err
		}
		cost, err := b.examRounds(ctx, w, test, rounds)
		if err != nil {
			return nil, err
		}
		name, total := "attempt, answers shown", cost.total()
		if exam {
			name = "exam attempt"
			figures = append(figures, atMost(name+": CPU of all parts", milli(total.sum(), cost.attempts), "ms", examCPUGoal))
		} else {
			figures = append(figures, told(name+": CPU of all parts", milli(total.sum(), cost.attempts), "ms"))
		}
		figures = append(figures, told(name+": CPU of the API", milli(total.api, cost.attempts), "ms"))
		figures = append(figures, told(name+": CPU of PgBouncer", milli(total.bouncer, cost.attempts), "ms"))
		figures = append(figures, told(name+": CPU of PostgreSQL", milli(total.postgres, cost.attempts), "ms"))
		for _, kind := range []string{"start", "read", "save", "submit"} {
			u := cost.kinds[kind]
			fmt.Printf("  %-8s API %6.2f   PgBouncer %6.2f   PostgreSQL %6.2f ms an attempt\n", kind, milli(u.api, cost.attempts), milli(u.bouncer, cost.attempts), milli(u.postgres, cost.attempts))
			figures = append(figures, told(name+": CPU of "+kind, milli(u.sum(), cost.attempts), "ms"))
		}
	}
	return figures, nil
}

func milli(seconds float64, n int) float64 { return micros(seconds, n) / 1000 }

// examWorld fills a tenant with the mathematics course and a class, and gives its test of 60 items.
func (b *bench) examWorld(ctx context.Context, slug string, learners int) (*world, uuid.UUID, error) {
	var course, test uuid.UUID
	if err := b.registry.Refresh(ctx); err != nil {
		return nil, test, err
	}
	t, err := b.registry.Tenant(slug)
	if err != nil {
		return nil, test, err
	}
	source, err := packs.Open("csec-mathematics")
	if err != nil {
		return nil, test, err
	}
	p, err := pack.Read(source)
	if err != nil {
		return nil, test, err
	}
	db := b.store.DB(t.Realm())
	bucket, err := files.Open(ctx, filepath.Join(b.dir, "files"))
	if err != nil {
		return nil, test, err
	}
	made, err := catalog.ImportPack(ctx, db, bucket, audit.Actor{Name: "bench", Realm: "platform"}, p, false, time.Now().UTC())
	if err != nil {
		return nil, test, err
	}
	course = made.CourseID
	err = db.Read(ctx, func(r *tenants.Reader) error {
		return r.QueryRow(ctx, "SELECT id FROM tests WHERE slug = 'paper-1'").Scan(&test)
	})
	if err != nil {
		return nil, test, err
	}
	w := &world{tenant: t, course: course}
	return w, test, b.people(ctx, db, w, learners)
}

// examRule makes the test an exam within a window, with its answers hidden until the end, or a practice test that shows them.
func (b *bench) examRule(ctx context.Context, w *world, test uuid.UUID, exam bool) error {
	feedback := assessment.OnSubmit
	if exam {
		feedback = assessment.AfterWindow
	}
	return b.store.DB(w.tenant.Realm()).Write(ctx, audit.Actor{Name: "bench", Realm: "platform"}, func(tx *tenants.Tx) error {
		tx.Record(audit.Entry{Action: "bench.prepare"})
		n, err := tx.Exec(ctx, `UPDATE tests SET feedback = $2::text, opens_at = now() - interval '1 hour', closes_at = now() + interval '1 day' WHERE id = $1::uuid`, test.String(), feedback)
		if err == nil && n != 1 {
			err = errors.New("the test of the exam is not there")
		}
		return err
	})
}

// examRounds lets every learner of the world take the test so many times.
func (b *bench) examRounds(ctx context.Context, w *world, test uuid.UUID, rounds int) (*examCost, error) {
	cost := &examCost{kinds: map[string]usage{}}
	client := &fasthttp.HostClient{Addr: b.apiAddr, MaxConns: clients, ReadTimeout: 10 * time.Second, WriteTimeout: 10 * time.Second, NoDefaultUserAgentHeader: true}
	defer client.CloseIdleConnections()
	for range rounds {
		if err := b.issue(w); err != nil {
			return nil, err
		}
		sitting := make([]*sitting, len(w.learners))
		for i := range sitting {
			sitting[i] = newSitting(client, w.tenant.Slug+".localhost", w.tokens[i], test)
		}
		for step, kind := range examKinds {
			before := b.usage()
			err := each(clients, len(sitting), func(i int) error {
				if err := ctx.Err(); err != nil {
					return err
				}
				return sitting[i].step(step)
			})
			if err != nil {
				return nil, fmt.Errorf("%s: %w", kind, err)
			}
			cost.kinds[kind] = cost.kinds[kind].plus(b.usage().minus(before))
		}
		cost.attempts += len(sitting)
	}
	return cost, b.examKept(ctx, w, test, cost.attempts)
}

// examKept makes sure that what was measured is what is promised: the newest attempts are scored with every answer in them.
func (b *bench) examKept(ctx context.Context, w *world, test uuid.UUID, attempts int) error {
	return b.store.DB(w.tenant.Realm()).ReadFresh(ctx, func(r *tenants.Reader) error {
		var open, there, answers int
		err := r.QueryRow(ctx, `SELECT count(*) FILTER (WHERE a.state = 'open'), count(*), coalesce(sum((SELECT count(*) FROM jsonb_array_elements(a.result->'items') i WHERE (i->>'counter')::bigint > 0)), 0)
			FROM (SELECT * FROM attempts WHERE test_id = $1::uuid ORDER BY id DESC LIMIT $2::integer) a`, test.String(), attempts).Scan(&open, &there, &answers)
		if err == nil && (open != 0 || there != attempts || answers != attempts*examItems) {
			err = fmt.Errorf("of %d attempts %d are open, %d are there, with %d answers", attempts, open, there, answers)
		}
		return err
	})
}

// each calls fn for 0 to n-1 from several goroutines and gives the first error.
func each(workers, n int, fn func(i int) error) error {
	var next atomic.Int64
	errs := make([]error, workers)
	var wg sync.WaitGroup
	for k := range workers {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < n && errs[k] == nil; i = int(next.Add(1)) - 1 {
				errs[k] = fn(i)
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// sitting is one learner at one attempt.
type sitting struct {
	client      *fasthttp.HostClient
	host, token string
	test        uuid.UUID
	attempt     string
	ticket      string
	questions   []struct {
		Item item.Public `json:"item"`
	}
}

func newSitting(client *fasthttp.HostClient, host, token string, test uuid.UUID) *sitting {
	return &sitting{client: client, host: host, token: token, test: test}
}

// step sends the request of one of examKinds.
func (s *sitting) step(n int) error {
	switch examKinds[n] {
	case "start":
		var open struct {
			Ticket string `json:"ticket"`
			Paper  struct {
				ID        string `json:"id"`
				Questions []struct {
					Item item.Public `json:"item"`
				} `json:"questions"`
			} `json:"paper"`
		}
		if err := s.send("POST", "/api/v1/tests/"+s.test.String()+"/attempts", nil, 201, &open); err != nil {
			return err
		}
		s.attempt, s.ticket, s.questions = open.Paper.ID, open.Ticket, open.Paper.Questions
		if len(s.questions) != examItems {
			return fmt.Errorf("the paper has %d questions", len(s.questions))
		}
		return nil
	case "read":
		return s.send("GET", "/api/v1/attempts/"+s.attempt+"/paper", nil, 200, nil)
	case "save":
		var saved assessment.Saved
		err := s.send("PUT", "/api/v1/attempts/"+s.attempt+"/answers", s.answers((n-2)*examSave), 200, &saved)
		if err == nil && (len(saved.Kept) != examSave || len(saved.Refused) != 0) {
			err = fmt.Errorf("%d answers were kept and %d refused", len(saved.Kept), len(saved.Refused))
		}
		return err
	}
	return s.send("POST", "/api/v1/attempts/"+s.attempt+"/submission", nil, 200, nil)
}

// answers is a save of the answers from a position on: as good as a guess.
func (s *sitting) answers(from int) any {
	list := make([]assessment.Answer, examSave)
	for i := range list {
		raw, err := json.Marshal(s.questions[from+i].Item.Guess(0))
		if err != nil {
			panic(err) // texts always marshal
		}
		list[i] = assessment.Answer{Position: from + i, Counter: int64(from + i + 1), Response: raw}
	}
	return map[string]any{"ticket": s.ticket, "answers": list}
}

func (s *sitting) send(method, path string, body any, status int, into any) error {
	req, res := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
	defer fasthttp.ReleaseRequest(req)
	defer fasthttp.ReleaseResponse(res)
	req.Header.SetMethod(method)
	req.SetRequestURI("http://" + s.host + path)
	req.Header.Set("Authorization", "Bearer "+s.token)
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			return err
		}
		req.Header.SetContentType("application/json")
		req.SetBody(raw)
	}
	if err := s.client.Do(req, res); err != nil {
		return err
	}
	if res.StatusCode() != status {
		return fmt.Errorf("%s %s: %d %s", method, path, res.StatusCode(), clip(string(res.Body()), 300))
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(res.Body(), into)
}
