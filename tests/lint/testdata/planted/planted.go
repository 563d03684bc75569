// Package planted has a fault for each kind that make lint looks for, on the line that ends with the linter's name; what
// has no name is right, and must not be found. No other package imports it.
package planted

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/jackc/pgx/v5"
)

type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// Unchecked errors.
func Forget(path string, text []byte, into any) {
	os.Remove(path)            // want errcheck
	json.Unmarshal(text, into) // want errcheck
	_ = os.Remove(path + ".x") // said to be of no matter
	defer os.Chdir(path)       // want errcheck
	go os.Mkdir(path, 0o755)   // want errcheck
}

// A file that was written.
func Write(path string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	_, err = f.WriteString("x")
	f.Close() // want errcheck
	return err
}

func Swallow(path string) error {
	if _, err := os.Stat(path); err != nil {
		return nil // want nilerr
	}
	return nil
}

// Rows left open, by their drivers.
func Open(ctx context.Context, q querier) error {
	_, err := q.Query(ctx, "DELETE FROM x RETURNING 1") // want sqlclosecheck
	return err
}

func Loop(ctx context.Context, q querier) (n int, err error) {
	rows, err := q.Query(ctx, "SELECT 1")
	if err != nil {
		return 0, err
	}
	for rows.Next() { // want forbidigo
		n++
	}
	return n, nil
}

func Each(ctx context.Context, q querier) (n int, err error) {
	rows, err := q.Query(ctx, "SELECT 1")
	if err != nil {
		return 0, err
	}
	var one int
	_, err = pgx.ForEachRow(rows, []any{&one}, func() error { n += one; return nil })
	return n, err
}

func LoopSQL(ctx context.Context, db *sql.DB) (n int, err error) {
	rows, err := db.QueryContext(ctx, "SELECT 1") // want rowserrcheck
	if err != nil {
		return 0, err
	}
	for rows.Next() { // want forbidigo
		n++
	}
	return n, nil
}

func Prepare(ctx context.Context, db *sql.DB) error {
	stmt, err := db.PrepareContext(ctx, "SELECT 1") // want sqlclosecheck
	if err != nil {
		return err
	}
	_, err = stmt.ExecContext(ctx)
	return err
}

// Bodies left open.
func Body(c *http.Client, url string) (int, error) {
	res, err := c.Get(url) // want bodyclose
	if err != nil {
		return 0, err
	}
	return res.StatusCode, nil
}

func Closed(c *http.Client, url string) ([]byte, error) {
	res, err := c.Get(url)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	return io.ReadAll(res.Body)
}

type state string

const (
	draft    state = "draft"
	open     state = "open"
	archived state = "archived"
)

type level int

const (
	low level = iota
	high
)

// Cases that are forgotten.
func (s state) text() string {
	switch s { // want exhaustive
	case draft, open:
		return "in use"
	}
	return ""
}

func (l level) text() string {
	switch l { // want exhaustive
	case low:
		return "low"
	}
	return ""
}

func (s state) whole() bool {
	switch s {
	case draft, open:
		return true
	case archived:
	}
	return false
}

func (s state) others() bool {
	switch s {
	case archived:
		return false
	default:
		return true
	}
}

// What else there is.
func Wait(n time.Duration) time.Duration {
	return n * time.Second * time.Second // want durationcheck
}

func Make(n int) []int {
	list := make([]int, n)
	return append(list, 1) // want makezero
}

func Excuse(path string) {
	os.Remove(path) //nolint // want nolintlint
}

func Format(n int) error {
	return json.Unmarshal([]byte("x"), n) // want govet
}

// What go test would vet too, if .ci/run let it.
func Vetted(err error, n int) string {
	if errors.As(err, n) { // want govet
		return string(n) // want govet
	}
	if Format == nil { // want govet
		return fmt.Sprintf("%d", err.Error()) // want govet
	}
	return ""
}

func Stat(path string) error {
	_, err := os.Stat(path) // want ineffassign
	_, err = os.Stat(path)
	return err
}

func Never(path string) bool {
	return len(path) < 0 // want staticcheck
}

func forgotten() {} // want unused

var _ = []any{state.text, level.text, state.whole, state.others}
