package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// part is one instrument of the benchmark. It measures, prints what it sees on the way as it likes, and gives its figures, which main
// prints and keeps. An error says that something could not be measured, never that a goal was missed: that the figure says.
type part struct {
	name  string // one word, as -only takes it
	about string // what is measured, in one line, as -list prints it
	run   func(ctx context.Context, b *bench) ([]figure, error)
}

// parts are all the instruments, in the order in which they run.
var parts = []part{
	{"read", "a signed-in read (a class's page) against pgbench with the same statements", reads},
	{"write", "an audited write (progress in a lesson) against pgbench with the same statements", writes},
	{"chain", "processor time of token, Casbin, rate quota and OPA for a request of the record day", chain},
	{"attempt", "processor time of one exam attempt of 60 items, by part: start, read, three saves, submit", attempts},
	{"surge", "2,000 learners start an exam within 10 s: errors, lost answers, what a neighbour feels, memory", surge},
	{"noise", "what a neighbour feels of a tenant that takes all it can get, within its quota and at ten times it", noise},
	{"signin", "sign-ins a second, what others feel of them, and a storm of 200: memory", signIns},
	{"day", "the record day of the reference, 20,000 users and 1,052,165 database requests, as fast as it goes", recordDay},
	{"growth", "every page and list of each role at 30 and at 44,025 learners: cost and statements", growing},
	{"tenants", "1,000 tenants: provisioning, one migration of all, latency when all are active in turn", manyTenants},
}

// named are those that are measured when they are asked for.
var named = []part{
	{"jobs", "jobs a second, how long one waits from its commit, what one costs, and what a tenant's ten thousand do to another's", jobsAtWork},
}

// chosen returns the parts that a comma-separated list names; all of them for an empty one.
func chosen(only string) ([]part, error) {
	if only == "" {
		return parts, nil
	}
	var list []part
	for name := range strings.SplitSeq(only, ",") {
		all := slices.Concat(parts, named)
		i := slices.IndexFunc(all, func(p part) bool { return p.name == strings.TrimSpace(name) })
		if i < 0 {
			return nil, fmt.Errorf("there is no part %q; -list names them", name)
		}
		list = append(list, all[i])
	}
	return list, nil
}

func listParts() {
	for _, p := range slices.Concat(parts, named) {
		fmt.Printf("%-8s %s\n", p.name, p.about)
	}
}
