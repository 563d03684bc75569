package tenants

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"
	"gorm.io/gorm/logger"
)

// GORM's statements go through the Tx or the Reader that is handed to Entity, like everybody else's: the first of a transaction begins it in the same
// round trip, and a nil list is an empty one. GORM reads rows of database/sql, which a driver alone can make; so there is one here, whose connections are
// nothing but the way to whoever asks. All realms share one gorm.DB, and with it what it knows of the models. Who does not ask for an entity never comes
// this way.

// Entity is GORM's way to the rows of a model: T is a struct that stands beside its type, in the room that owns the table, and names the table
// (TableName). A statement runs with the finisher that ends the chain, and gives gorm.ErrRecordNotFound where one row was asked for and there is none.
// What is changed is named (Select) or all of it is (Select("*")): without, GORM leaves out what is zero. It writes in a Tx alone.
func Entity[T any](q Asker, with ...clause.Expression) gorm.Interface[T] {
	p := shared()
	p.of = q
	session := p.gorm.Session(&gorm.Session{NewDB: true, Context: context.Background()})
	session.Statement.ConnPool = p
	return gorm.G[T](session, with...)
}

// Asker runs single statements: every Querier, and pgx's own transactions.
type Asker interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// Into lets what an entity writes travel in a batch: Create, Update, Updates and Delete queue their statement, whose result and error are the batch's.
func Into(b *pgx.Batch) Asker { return batched{b} }

type batched struct{ b *pgx.Batch }

// Query is Asker's.
func (q batched) Query(_ context.Context, sql string, args ...any) (pgx.Rows, error) {
	q.b.Queue(sql, args...)
	return noRows{}, nil
}

// noRows are those of a statement that is yet to run: as many of pgx.Rows' methods as gormRows asks for.
type noRows struct{ pgx.Rows }

// Next, and the others, are pgx.Rows'.
func (noRows) Next() bool                                   { return false }
func (noRows) Close()                                       {}
func (noRows) Err() error                                   { return nil }
func (noRows) CommandTag() (tag pgconn.CommandTag)          { return tag }
func (noRows) FieldDescriptions() []pgconn.FieldDescription { return nil }

// shared is what the process has of GORM and of database/sql. Nothing of it reaches a database by itself.
var shared = sync.OnceValue(func() gormPool {
	p := gormPool{sql: sql.OpenDB(gormDriver{})}
	p.sql.SetMaxIdleConns(-1) // a connection serves the one statement for which it was made
	db, err := gorm.Open(postgres.New(postgres.Config{Conn: p}), &gorm.Config{
		SkipDefaultTransaction: true, QueryFields: true, PrepareStmt: false, DisableAutomaticPing: true, TranslateError: false,
		Logger: logger.Discard, NowFunc: func() time.Time { return time.Now().UTC() },
	})
	if err != nil {
		panic(err) // of settings that are not valid
	}
	p.gorm = db
	return p
})

// gormPool is where GORM takes its connections. It has no BeginTx, so that GORM can begin no transaction.
type gormPool struct {
	sql  *sql.DB
	gorm *gorm.DB
	of   Asker
}

// ofKey is under which the driver finds in a context whose statement it is.
type ofKey struct{}

func (p gormPool) with(ctx context.Context) context.Context {
	return context.WithValue(ctx, ofKey{}, p.of)
}

// PrepareContext, and the others, are gorm.ConnPool's.
func (p gormPool) PrepareContext(ctx context.Context, q string) (*sql.Stmt, error) {
	return p.sql.PrepareContext(p.with(ctx), q)
}
func (p gormPool) ExecContext(ctx context.Context, q string, args ...any) (sql.Result, error) {
	return p.sql.ExecContext(p.with(ctx), q, args...)
}
func (p gormPool) QueryContext(ctx context.Context, q string, args ...any) (*sql.Rows, error) {
	return p.sql.QueryContext(p.with(ctx), q, args...)
}
func (p gormPool) QueryRowContext(ctx context.Context, q string, args ...any) *sql.Row {
	return p.sql.QueryRowContext(p.with(ctx), q, args...)
}

// gormDriver makes the connections.
type gormDriver struct{}

var errNoWay = errors.New("GORM is asked for by Entity, which neither prepares statements nor begins transactions")

// Connect is driver.Connector's.
func (gormDriver) Connect(ctx context.Context) (driver.Conn, error) {
	if of, ok := ctx.Value(ofKey{}).(Asker); ok {
		return gormConn{of}, nil
	}
	return nil, errNoWay
}

// Driver is driver.Connector's.
func (d gormDriver) Driver() driver.Driver { return d }

// Open is driver.Driver's.
func (gormDriver) Open(string) (driver.Conn, error) { return nil, errNoWay }

type gormConn struct{ of Asker }

// Prepare is driver.Conn's.
func (gormConn) Prepare(string) (driver.Stmt, error) { return nil, errNoWay }

// Begin is driver.Conn's.
func (gormConn) Begin() (driver.Tx, error) { return nil, errNoWay }

// Close is driver.Conn's.
func (gormConn) Close() error { return nil }

// CheckNamedValue leaves arguments as they are: pgx knows more types than database/sql.
func (gormConn) CheckNamedValue(*driver.NamedValue) error { return nil }

// ExecContext is driver.ExecerContext's.
func (c gormConn) ExecContext(ctx context.Context, q string, args []driver.NamedValue) (driver.Result, error) {
	rows, err := c.of.Query(ctx, q, values(args)...)
	if err != nil {
		return nil, err
	}
	rows.Close()
	return driver.RowsAffected(rows.CommandTag().RowsAffected()), rows.Err()
}

// QueryContext is driver.QueryerContext's.
func (c gormConn) QueryContext(ctx context.Context, q string, args []driver.NamedValue) (driver.Rows, error) {
	rows, err := c.of.Query(ctx, q, values(args)...)
	if err != nil {
		return nil, err
	}
	return gormRows{rows}, nil
}

func values(args []driver.NamedValue) []any {
	list := make([]any, len(args))
	for i, a := range args {
		list[i] = a.Value
		if whole, ok := a.Value.(wholeList); ok {
			list[i] = whole.texts
		}
	}
	return list
}

// gormRows are pgx's rows as database/sql wants them.
type gormRows struct{ rows pgx.Rows }

// Columns is driver.Rows'.
func (r gormRows) Columns() []string {
	var names []string
	for _, f := range r.rows.FieldDescriptions() {
		names = append(names, f.Name)
	}
	return names
}

// Close is driver.Rows'.
func (r gormRows) Close() error {
	r.rows.Close()
	return r.rows.Err()
}

// Next is driver.Rows'. A date is a text, as everywhere in the program: it has no zone.
func (r gormRows) Next(dest []driver.Value) (err error) {
	if !r.rows.Next() { //nolint:forbidigo // whoever called closes them
		if err := r.Close(); err != nil {
			return err
		}
		return io.EOF
	}
	fields, types := r.rows.FieldDescriptions(), r.rows.Conn().TypeMap()
	for i, raw := range r.rows.RawValues() {
		dest[i] = nil
		if raw == nil {
			continue
		}
		t, known := types.TypeForOID(fields[i].DataTypeOID)
		if !known {
			dest[i] = string(raw)
			continue
		}
		if dest[i], err = t.Codec.DecodeDatabaseSQLValue(types, fields[i].DataTypeOID, fields[i].Format, raw); err != nil {
			return err
		}
		if day, ok := dest[i].(time.Time); ok && fields[i].DataTypeOID == pgtype.DateOID {
			dest[i] = day.Format(time.DateOnly)
		}
	}
	return nil
}
