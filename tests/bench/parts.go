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
	{"read", "a signed-in read against pgbench with the same statements", reads},
	{"write", "an audited write against pgbench with the same statements", writes},
	{"chain", "processor time of token, Casbin, rate quota and OPA for one request", chain},
	{"tenants", "what many tenants cost: provisioning, one migration of all, latency", manyTenants},
}

// chosen gives the parts that a comma-separated list names; all of them for an empty one.
func chosen(only string) ([]part, error) {
	if only == "" {
		return parts, nil
	}
	var list []part
	for name := range strings.SplitSeq(only, ",") {
		i := slices.IndexFunc(parts, func(p part) bool { return p.name == strings.TrimSpace(name) })
		if i < 0 {
			return nil, fmt.Errorf("there is no part %q; -list names them", name)
		}
		list = append(list, parts[i])
	}
	return list, nil
}

func listParts() {
	for _, p := range parts {
		fmt.Printf("%-8s %s\n", p.name, p.about)
	}
}
