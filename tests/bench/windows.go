package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"time"

	"lignum/tests/load"
)

// neighbour is a tenant that goes about its day while another makes noise: fifty requests a second, of which four in five look at a class and
// one reports progress.
type neighbour struct {
	apart   *load.Apart
	country *load.Country
	tokens  []string
}

const (
	neighbourRate    = 50
	neighbourPeople  = 400
	neighbourClients = 40
)

func (b *bench) neighbour(ctx context.Context, slug string) (*neighbour, error) {
	n := &neighbour{}
	var err error
	if n.country, err = b.country(ctx, slug); err != nil {
		return nil, err
	}
	command, err := os.Executable()
	if err != nil {
		return nil, err
	}
	if n.apart, err = load.StartApart(ctx, command, besideCommand, b.apiAddr); err != nil {
		return nil, err
	}
	return n, n.signIn(neighbourPeople)
}

func (n *neighbour) close() { _ = n.apart.Close() } // what it was told to do it has done

// besideCommand is what makes this program a neighbour's client, at the address that follows.
const besideCommand = "beside"

// beside is a neighbour's client until its standard input ends.
func beside(ctx context.Context, address string) error {
	return load.ServeApart(ctx, load.NewClient(address, neighbourClients), neighbourClients, os.Stdin, os.Stdout)
}

// signIn makes fresh tokens: a part may take longer than one lives.
func (n *neighbour) signIn(most int) error {
	people := n.country.Learners[:min(most, len(n.country.Learners))]
	n.tokens = make([]string, len(people))
	for i, p := range people {
		var err error
		if n.tokens[i], err = n.country.Desk.Token(p); err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) country(ctx context.Context, slug string) (*load.Country, error) {
	t, err := b.registry.Tenant(slug)
	if err != nil {
		return nil, err
	}
	return load.ReadCountry(ctx, b.store.DB(t.Realm()), t, b.issuer(slug))
}

// work lets the neighbour work for a while. Nothing of it may fail.
func (n *neighbour) work(ctx context.Context, length time.Duration, b *bench) (*load.Tally, error) {
	calls := make([]load.Call, int(neighbourRate*length.Seconds()))
	for i := range calls {
		calls[i] = n.call(i, b)
	}
	t, err := n.apart.Steady(neighbourRate, length, calls)
	if err == nil {
		err = t.Err()
	}
	if err != nil {
		return t, fmt.Errorf("the neighbour: %w", err)
	}
	return t, ctx.Err()
}

func (n *neighbour) call(i int, b *bench) load.Call {
	at := i % len(n.tokens)
	p := n.country.Learners[at]
	c := load.Call{Kind: "neighbour", Slug: n.country.Desk.Slug, Token: n.tokens[at], From: load.Address(at / 30), Path: "/api/v1/classes/" + p.Class.String()}
	if i%5 == 4 {
		lessons := n.country.Courses[p.Course].Lessons
		c.Method, c.Path = "PUT", "/api/v1/lessons/"+lessons[i%len(lessons)].ID.String()+"/progress"
		c.Body = fmt.Sprintf(`{"percent":50,"seconds":100,"counter":%d}`, 1_000_000+b.counter.Add(1))
	}
	return c
}

// windows are a neighbour's 99th percentiles, window by window in turn, in milliseconds: alone, and beside somebody.
type windows struct {
	alone, beside []float64
}

// figures tells the medians with their intervals, and the ratio: of each window beside to the one alone just before it.
func (w *windows) figures(what string, goal float64) []figure {
	var ratios []float64
	for i := range w.beside {
		ratios = append(ratios, w.beside[i]/max(w.alone[i], 1e-3))
	}
	ratio := told("neighbour's p99 "+what+", to alone", median(ratios), "times")
	if goal > 0 {
		ratio = atMost(ratio.Name, ratio.Value, ratio.Unit, goal)
	}
	return []figure{ratio.between(interval(ratios)), spread("neighbour's p99 alone, in turn with that "+what, w.alone), spread("neighbour's p99 "+what, w.beside)}
}

// spread is a median of milliseconds with its interval.
func spread(name string, values []float64) figure {
	return told(name, median(values), "ms").between(interval(values))
}

// interval holds the median of what the values are drawn from with a probability of 95 percent or more, whatever their distribution is: from
// the order statistics (of ten values the second to the ninth: 97.9 percent). Of fewer than six values it is all of them.
func interval(values []float64) (low, high float64) {
	if len(values) == 0 {
		return 0, 0
	}
	s := slices.Sorted(slices.Values(values))
	n, cut := len(s), 0
	// Binomial(n, 1/2): the largest cut with P(fewer than cut+1 values below the median) <= 2.5 percent.
	for p, sum := 1.0, 0.0; cut < n/2; cut++ {
		if cut == 0 {
			for range n {
				p /= 2
			}
		} else {
			p = p * float64(n-cut+1) / float64(cut)
		}
		if sum += p; sum > 0.025 {
			break
		}
	}
	cut = max(0, cut-1)
	return s[cut], s[n-1-cut]
}
