package people

import (
	"context"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"lignum/tenants"
)

// Learners get a user name that they can remember and read off a card: given name, dot, family name, and a number when
// it is taken.

// LockUserNames lets one transaction at a time choose user names in the realm, so that two never choose the same.
func LockUserNames(ctx context.Context, tx *tenants.Tx) error {
	return tx.Lock(ctx, "user_names")
}

// UserNameStem is a user name without its number: a-z and one dot, at most 40 characters. "user" when the
// names have no letter.
func UserNameStem(given, family string) string {
	// The first given name is what a child is called by.
	if first := strings.Fields(given); len(first) > 0 {
		given = first[0]
	}
	g, f := latinLetters(given), latinLetters(family)
	stem := strings.Trim(g[:min(len(g), 15)]+"."+f[:min(len(f), 24)], ".")
	if stem == "" {
		return "user"
	}
	return stem
}

// UserNames knows which names are taken among those that a transaction asks about.
type UserNames struct {
	taken map[string]bool  // whole names
	top   map[string]int64 // stem -> the highest number in use; 1: the stem itself
}

// NewUserNames knows of none.
func NewUserNames() *UserNames { return &UserNames{map[string]bool{}, map[string]int64{}} }

// LoadUserNames finds what is taken of the stems and of the whole names.
func LoadUserNames(ctx context.Context, q tenants.Querier, stems, whole []string) (*UserNames, error) {
	n := NewUserNames()
	rows, err := q.Query(ctx, `SELECT user_name_key, rtrim(user_name_key, '0123456789') FROM users
		WHERE rtrim(user_name_key, '0123456789') = ANY($1::text[]) OR user_name_key = ANY($2::text[])`, stems, whole)
	if err != nil {
		return nil, err
	}
	var name, stem string
	_, err = pgx.ForEachRow(rows, []any{&name, &stem}, func() error { n.Take(name); return nil })
	return n, err
}

// Taken reports whether a name is taken.
func (n *UserNames) Taken(name string) bool { return n.taken[name] }

// Take notes that a name is taken.
func (n *UserNames) Take(name string) {
	n.taken[name] = true
	stem := strings.TrimRight(name, "0123456789")
	number := int64(1)
	if digits := name[len(stem):]; digits != "" {
		var err error
		if number, err = strconv.ParseInt(digits, 10, 64); err != nil || number > 1e9 {
			return // somebody chose a long number; ours do not reach it
		}
	}
	n.top[stem] = max(n.top[stem], number)
}

// TakeAll notes that all are taken that others knows of.
func (n *UserNames) TakeAll(others *UserNames) {
	for name := range others.taken {
		n.Take(name)
	}
}

// Next returns the first free name of a stem and takes it.
func (n *UserNames) Next(stem string) string {
	for {
		name := stem
		if top := n.top[stem]; top > 0 {
			name += strconv.FormatInt(top+1, 10)
		}
		free := !n.taken[name]
		n.Take(name)
		if free {
			return name
		}
	}
}
