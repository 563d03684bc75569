package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
)

// The peer of the API is pgbench with the very statements that the API sends: what PostgreSQL is seen to receive for one request is written
// into a script, with the same parameters. That they are the same to PostgreSQL is checked by their query ids (see sameStatements).

// sent is one statement as PostgreSQL received it.
type sent struct {
	sql    string
	params []string // as text; NULL is "NULL"
}

var (
	logLine   = regexp.MustCompile(`^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+ UTC \[\d+\] (?:(\S+)@\S+ )?(LOG|DETAIL):  (?s:(.*))$`)
	logged    = regexp.MustCompile(`^(?:execute [^:]+|statement): (?s:(.*))$`)
	parameter = regexp.MustCompile(`\$(\d+) = (NULL|'(?:[^']|'')*')`)
)

// ear listens to what a login sends to PostgreSQL.
type ear struct {
	role  string
	close func() error
}

// listen makes PostgreSQL write down what a login sends, until close.
func (b *bench) listen(ctx context.Context, role string) (*ear, error) {
	undo, err := b.forRole(ctx, role, [][2]string{{"log_statement", "all"}, {"log_parameter_max_length", "-1"}, {"log_error_verbosity", "default"}})
	return &ear{role, undo}, err
}

// forRole gives a login other settings, and new sessions in which they hold, until undo.
func (b *bench) forRole(ctx context.Context, role string, settings [][2]string) (undo func() error, err error) {
	// Whoever is cut off at work would see an error: nobody works while settings are changed. PgBouncer needs a moment to see them gone.
	renew := []string{"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '" + role + "'", "SELECT pg_sleep(0.5)"}
	var set, reset []string
	for _, s := range settings {
		set = append(set, "ALTER ROLE "+role+" SET "+s[0]+" = '"+s[1]+"'")
		reset = append(reset, "ALTER ROLE "+role+" RESET "+s[0])
	}
	undo = func() error { return b.administer(context.WithoutCancel(ctx), append(reset, renew...)...) }
	if err = b.administer(ctx, append(set, renew...)...); err != nil {
		err = errors.Join(err, undo())
	}
	return undo, err
}

// logDuring returns what PostgreSQL writes into its log while do runs.
func logDuring(do func() error) (string, error) {
	path, begin := filepath.Join(home, "log", "postgres.log"), int64(0)
	if before, err := os.Stat(path); err == nil {
		begin = before.Size()
	}
	if err := do(); err != nil {
		return "", err
	}
	time.Sleep(200 * time.Millisecond) // for the log
	raw, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	if int64(len(raw)) < begin { // it was turned over
		begin = 0
	}
	return string(raw[begin:]), nil
}

// during returns what is sent while do runs.
func (e *ear) during(do func() error) ([]sent, error) {
	text, err := logDuring(do)
	return slices.DeleteFunc(parseLog(text, e.role), sessionOnly), err
}

// twice returns what a request sends, and what it sends once more. What only the first of all requests sends, such as the rules of a
// realm, is not of it: so that it is sent until two in a row are alike.
func (e *ear) twice(do func() error) (one, again []sent, err error) {
	for range 5 {
		if one, err = e.during(do); err != nil {
			return nil, nil, err
		}
		if again, err = e.during(do); err != nil {
			return nil, nil, err
		}
		if len(one) > 0 && slices.EqualFunc(one, again, func(a, b sent) bool { return a.sql == b.sql && len(a.params) == len(b.params) }) {
			return one, again, nil
		}
	}
	return nil, nil, fmt.Errorf("the same request sent %d statements, and then %d", len(one), len(again))
}

// parseLog reads the statements of a role out of PostgreSQL's log. A line that begins with a tab belongs to the one before.
func parseLog(text, role string) (list []sent) {
	for entry := range strings.SplitSeq(strings.ReplaceAll(text, "\n\t", "\x00"), "\n") {
		m := logLine.FindStringSubmatch(strings.ReplaceAll(entry, "\x00", "\n"))
		if m == nil || m[1] != role {
			continue
		}
		switch {
		case m[2] == "LOG":
			if q := logged.FindStringSubmatch(m[3]); q != nil {
				list = append(list, sent{sql: q[1]})
			}
		case strings.HasPrefix(m[3], "parameters: ") && len(list) > 0:
			last := &list[len(list)-1]
			for _, p := range parameter.FindAllStringSubmatch(m[3], -1) {
				value := p[2]
				if value != "NULL" {
					value = strings.ReplaceAll(value[1:len(value)-1], "''", "'")
				}
				last.params = append(last.params, value)
			}
		}
	}
	return list
}

// perScript is how many transactions one run of a script makes: what must be new in each is fetched with one statement for all.
const perScript = 50

// imitate writes a pgbench script that sends the statements of a request again and again. again is the same request sent once more: where the
// two differ, an id must be new each time and a number must rise. Parameters are variables of pgbench, whose names begin with prefix.
func imitate(prefix string, one, again []sent, pipelined bool) (script string, values map[string]string) {
	values = map[string]string{}
	ids := 0
	var body strings.Builder
	for n := range perScript {
		body.WriteString("\\set n :n + 1\n")
		if pipelined {
			body.WriteString("\\startpipeline\n")
		}
		for i, s := range one {
			var names []string
			for j, value := range s.params {
				name := fmt.Sprintf("%ss%dp%d", prefix, i, j+1)
				switch _, err := uuid.Parse(value); {
				case value == "" && again[i].params[j] == "":
					name = "nothing" // -D takes no empty value
				case value == again[i].params[j]:
					if value == "NULL" {
						value = "null" // of jsonb; pgbench knows no other
					}
					values[name] = value
				case err == nil:
					ids = max(ids, n+1)
					name = fmt.Sprintf("id%d", n)
				case rises(value):
					name = "n"
				default: // a time, a text with the counter in it: as it was the first time
					values[name] = value
				}
				names = append(names, ":"+name)
			}
			body.WriteString(inOneLine(s.sql, names) + ";\n")
		}
		if pipelined {
			body.WriteString("\\endpipeline\n")
		}
	}
	fetched := []string{"'' AS nothing"}
	for n := range ids {
		fetched = append(fetched, fmt.Sprintf("gen_random_uuid() AS id%d", n))
	}
	head := "SELECT " + strings.Join(fetched, ", ") + " \\gset\n"
	return head + body.String(), values
}

// sessionOnly tells what PgBouncer sends between clients.
func sessionOnly(s sent) bool {
	return strings.HasPrefix(s.sql, "RESET ALL") || strings.HasPrefix(s.sql, "SET ") || s.sql == ";"
}

func rises(value string) bool {
	_, err := strconv.ParseInt(value, 10, 64)
	return err == nil
}

// inOneLine writes a statement with its $1, $2 ... as they are, and a comment that gives pgbench the variables in their order: it numbers what
// follows a colon wherever that stands, and each time anew, so that it could not write one parameter twice.
func inOneLine(sql string, names []string) string {
	sql = strings.TrimSuffix(strings.Join(strings.Fields(sql), " "), ";")
	if len(names) == 0 {
		return sql
	}
	first, rest, _ := strings.Cut(sql, " ")
	return first + " /* " + strings.Join(names, " ") + " */ " + rest
}
