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
	forecastTime  = 3 * time.Second // for connecting, signing in and reading
)

// A Forecast reads the known loads to come from control.capacity_forecast, through the proxy.
type Forecast struct {
	config   *pgx.ConnConfig
	password func(ctx context.Context) (string, error)
}

// NewForecast takes the proxy's host:port, a database and a role, and what makes the role's password of the moment: an IAM
// token. The connection is refused unless the server proves by TLS to be that host.
func NewForecast(endpoint, database, role string, password func(ctx context.Context) (string, error)) (*Forecast, error) {
	host, port, err := net.SplitHostPort(endpoint)
	if err != nil {
		return nil, fmt.Errorf("the forecast's database %q must be host:port", endpoint)
	}
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil || host == "" {
		return nil, fmt.Errorf("the forecast's database %q must be host:port", endpoint)
	}
	// The settings are written out, so that none comes from the environment.
	config, err := pgx.ParseConfig(fmt.Sprintf("host=%s port=%d sslmode=verify-full default_query_exec_mode=exec", host, number))
	if err != nil {
		return nil, fmt.Errorf("the forecast's database %q: %w", endpoint, err)
	}
	config.Database, config.User, config.Password = database, role, ""
	return &Forecast{config, password}, nil
}

// Read gives what has not ended at now, and when its tenants last said so: an empty forecast is as fresh as the reading.
func (f *Forecast) Read(ctx context.Context, now time.Time) ([]Event, time.Time, error) {
	ctx, cancel := context.WithTimeout(ctx, forecastTime)
	defer cancel()
	config := f.config.Copy()
	var err error
	if config.Password, err = f.password(ctx); err != nil {
		return nil, time.Time{}, err
	}
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return nil, time.Time{}, err // names host, role and database, not the password
	}
	defer func() {
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = conn.Close(last) // nothing was written
	}()
	rows, err := conn.Query(ctx, `SELECT f.slug, f.kind, f.id::text, f.starts_at, f.ends_at, f.learners, f.published_at
		FROM control.capacity_forecast f WHERE f.ends_at > $1 ORDER BY f.starts_at LIMIT $2`, now, forecastLimit)
	if err != nil {
		return nil, time.Time{}, err
	}
	events, published := []Event{}, time.Time{}
	var e Event
	var said time.Time
	_, err = pgx.ForEachRow(rows, []any{&e.Tenant, &e.Kind, &e.ID, &e.Start, &e.End, &e.Learners, &said}, func() error {
		events = append(events, e)
		if said.After(published) {
			published = said
		}
		return nil
	})
	if err != nil {
		return nil, time.Time{}, err
	}
	if len(events) == 0 {
		published = now
	}
	return events, published, nil
}
