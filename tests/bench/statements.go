package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
)

// statement is what pg_stat_statements counted of one kind of statement.
type statement struct {
	ID    int64
	Text  string
	Calls int64
	Total float64 // milliseconds of execution
	Rows  int64
}

// forgetStatements begins the count anew.
func (b *bench) forgetStatements(ctx context.Context) error {
	return b.administer(ctx, "SELECT pg_stat_statements_reset()")
}

// statements returns what a login sent to the database since forgetStatements, without what begins and ends transactions, the longest in
// total first.
func (b *bench) statements(ctx context.Context, role string) ([]statement, error) {
	conn, err := pgx.Connect(ctx, b.cluster.DirectDSN("postgres"))
	if err != nil {
		return nil, err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	rows, err := conn.Query(ctx, `SELECT s.queryid, min(s.query), sum(s.calls)::bigint, sum(s.total_exec_time), sum(s.rows)::bigint FROM pg_stat_statements s
		JOIN pg_database d ON d.oid = s.dbid JOIN pg_roles r ON r.oid = s.userid
		WHERE d.datname = $1 AND r.rolname = $2 AND s.toplevel AND s.query !~* '^\s*(begin|commit|rollback|reset|set|close|unlisten|;|--)' AND s.query !~ 'AS nothing'
		GROUP BY s.queryid ORDER BY 4 DESC`, b.database, role)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[statement])
}

// sameStatements checks that two sides were given the same work: every statement that makes a hundredth of what either side sent was sent by
// the other as well, by its query id.
func sameStatements(api, peer []statement) error {
	weighty := func(list []statement) (ids []int64, texts map[int64]string) {
		total := int64(0)
		for _, s := range list {
			total += s.Calls
		}
		texts = map[int64]string{}
		for _, s := range list {
			if s.Calls*100 >= total {
				ids, texts[s.ID] = append(ids, s.ID), s.Text
			}
		}
		return ids, texts
	}
	ours, text := weighty(api)
	theirs, other := weighty(peer)
	for _, id := range ours {
		if !slices.Contains(theirs, id) {
			return fmt.Errorf("the API sends a statement that pgbench does not send: %d %s", id, clip(text[id], 300))
		}
	}
	for _, id := range theirs {
		if !slices.Contains(ours, id) {
			return fmt.Errorf("pgbench sends a statement that the API does not send: %d %s", id, clip(other[id], 300))
		}
	}
	if len(ours) == 0 {
		return fmt.Errorf("pg_stat_statements counted nothing")
	}
	return nil
}
