package autoscale

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	forecastLimit = 10000           // rows; the nearest come first
	forecastTime  = 3 * time.Second // for connecting, signing in and what there is to do
)

// A door is how the autoscaler's login reaches the database: one connection for each thing to do, through the proxy.
type door struct {
	config   *pgx.ConnConfig
	password func(ctx context.Context) (string, error)
}

// A Forecast reads the known loads to come from control.capacity_forecast.
type Forecast struct{ door }

// Processes are those that serve, which are told how large the database is: so many transactions do they let it work on at once.
type Processes struct{ door }

// NewForecast takes the host:port of one of the proxy's endpoints, a database and a role, and what makes the role's password of the
// moment: an IAM token. The connection is refused unless the server proves by TLS to be that host.
func NewForecast(endpoint, database, role string, password func(ctx context.Context) (string, error)) (*Forecast, error) {
	d, err := newDoor(endpoint, database, role, password)
	return &Forecast{d}, err
}

// NewProcesses takes the same as NewForecast. The endpoint is the writer's.
func NewProcesses(endpoint, database, role string, password func(ctx context.Context) (string, error)) (*Processes, error) {
	d, err := newDoor(endpoint, database, role, password)
	return &Processes{d}, err
}

func newDoor(endpoint, database, role string, password func(ctx context.Context) (string, error)) (door, error) {
	host, port, err := net.SplitHostPort(endpoint)
	if err != nil {
		return door{}, fmt.Errorf("the database %q must be host:port", endpoint)
	}
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil || host == "" {
		return door{}, fmt.Errorf("the database %q must be host:port", endpoint)
	}
	// The settings are written out, so that none comes from the environment.
	config, err := pgx.ParseConfig(fmt.Sprintf("host=%s port=%d sslmode=verify-full default_query_exec_mode=exec", host, number))
	if err != nil {
		return door{}, fmt.Errorf("the database %q: %w", endpoint, err)
	}
	config.Database, config.User, config.Password = database, role, ""
	return door{config, password}, nil
}

// through connects, and closes the connection when do is done.
func (d door) through(ctx context.Context, do func(ctx context.Context, conn *pgx.Conn) error) error {
	ctx, cancel := context.WithTimeout(ctx, forecastTime)
	defer cancel()
	config := d.config.Copy()
	var err error
	if config.Password, err = d.password(ctx); err != nil {
		return err
	}
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return err // names host, role and database, not the password
	}
	defer func() {
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = conn.Close(last) // what was written is committed
	}()
	return do(ctx, conn)
}

// Tell says how many processors the writer has, and all readers together.
func (p *Processes) Tell(ctx context.Context, writer, readers float64) error {
	return p.through(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		// The login's transactions only read unless they say otherwise.
		return pgx.BeginTxFunc(ctx, conn, pgx.TxOptions{AccessMode: pgx.ReadWrite}, func(tx pgx.Tx) error {
			_, err := tx.Exec(ctx, "SELECT gate.publish_capacity($1::double precision, $2::double precision)", writer, readers)
			return err
		})
	})
}

// Read returns what has not ended at now, and when its tenants last said so: an empty forecast is as fresh as the reading.
func (f *Forecast) Read(ctx context.Context, now time.Time) ([]Event, time.Time, error) {
	events, published := []Event{}, time.Time{}
	err := f.through(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		rows, err := conn.Query(ctx, `SELECT f.slug, f.kind, f.id::text, f.starts_at, f.ends_at, f.learners, f.published_at
			FROM control.capacity_forecast f WHERE f.ends_at > $1 ORDER BY f.starts_at LIMIT $2`, now, forecastLimit)
		if err != nil {
			return err
		}
		var e Event
		var said time.Time
		_, err = pgx.ForEachRow(rows, []any{&e.Tenant, &e.Kind, &e.ID, &e.Start, &e.End, &e.Learners, &said}, func() error {
			events = append(events, e)
			if said.After(published) {
				published = said
			}
			return nil
		})
		return err
	})
	if err != nil {
		return nil, time.Time{}, err
	}
	if len(events) == 0 {
		published = now
	}
	return events, published, nil
}
