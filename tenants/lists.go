package tenants

import (
	"context"
	"reflect"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// A nil list would reach PostgreSQL as NULL, and NULL is no empty list: NOT id = ANY(NULL) holds for no row at all, where
// everybody who writes it means all rows. So every list that goes into a statement goes as a list. Bytes stay: a column
// of bytes may be NULL. The few elements of args are looked at without reflection where they are of the usual types.

// fullLists returns args with every nil list replaced by an empty one; args itself is not changed.
func fullLists(args []any) []any {
	out := args
	for i, a := range args {
		if empty := emptyList(a); empty != nil {
			if &out[0] == &args[0] {
				out = slices.Clone(args)
			}
			out[i] = empty
		}
	}
	return out
}

// emptyList returns the empty list of a nil list's type, and nil for everything else.
func emptyList(a any) any {
	switch a.(type) {
	case nil, string, *string, bool, int, int64, []byte:
		return nil
	}
	v := reflect.ValueOf(a)
	if v.Kind() != reflect.Slice || !v.IsNil() || v.Type().Elem().Kind() == reflect.Uint8 {
		return nil
	}
	return reflect.MakeSlice(v.Type(), 0, 0).Interface()
}

// fullListsOf does it for a whole batch.
func fullListsOf(b *pgx.Batch) *pgx.Batch {
	for _, q := range b.QueuedQueries {
		q.Arguments = fullLists(q.Arguments)
	}
	return b
}

// Names asks for pairs of an id and a name; $1 of sql is the ids, as text[].
func Names(ctx context.Context, q Querier, sql string, ids []uuid.UUID) (map[uuid.UUID]string, error) {
	texts := make([]string, len(ids))
	for i, id := range ids {
		texts[i] = id.String()
	}
	rows, err := q.Query(ctx, sql, texts)
	if err != nil {
		return nil, err
	}
	names := map[uuid.UUID]string{}
	var id uuid.UUID
	var name string
	_, err = pgx.ForEachRow(rows, []any{&id, &name}, func() error {
		names[id] = name
		return nil
	})
	return names, err
}
