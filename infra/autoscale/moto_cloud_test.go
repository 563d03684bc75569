//go:build cloud

package autoscale

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"lignum/infra/localcluster"
	"lignum/tests/moto"
)

// The cloud that all tests of this binary share: moto_server for AWS, a database behind PgBouncer for the forecast.
var (
	awsURL  string
	direct  *pgx.Conn       // superuser's
	proxied *pgx.ConnConfig // the autoscaler's role, through PgBouncer
)

const schema = `CREATE SCHEMA control;
	CREATE TABLE control.capacity_forecast (slug text NOT NULL, kind text NOT NULL, id uuid NOT NULL, starts_at timestamptz NOT NULL,
		ends_at timestamptz NOT NULL, learners integer NOT NULL, published_at timestamptz NOT NULL, PRIMARY KEY (slug, kind, id));
	CREATE TABLE control.database_capacity (endpoint text PRIMARY KEY, cores double precision NOT NULL);
	CREATE SCHEMA gate;
	CREATE FUNCTION gate.publish_capacity(writer double precision, readers double precision) RETURNS void LANGUAGE sql SECURITY DEFINER
		SET search_path = pg_catalog, pg_temp BEGIN ATOMIC
		INSERT INTO control.database_capacity AS c VALUES ('writer', writer), ('readers', readers) ON CONFLICT (endpoint) DO UPDATE SET cores = excluded.cores;
	END;`

func TestMain(m *testing.M) {
	localcluster.SuperviseIfAsked()
	code, err := withCloud(m.Run)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func withCloud(run func() int) (code int, err error) {
	var stop func()
	if awsURL, stop, err = moto.Start(); err != nil {
		return 1, err
	}
	defer stop()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cluster, err := localcluster.Join(ctx, localcluster.Options{})
	if err != nil {
		return 1, err
	}
	defer func() { _ = cluster.Stop() }() // it ends by itself when nobody uses it
	name := fmt.Sprintf("autoscale_test_%d", os.Getpid())
	if err := cluster.PrepareDatabase(ctx, name); err != nil {
		return 1, err
	}
	admin, err := pgx.Connect(ctx, cluster.DirectDSN("postgres"))
	if err != nil {
		return 1, err
	}
	defer admin.Close(context.Background())
	if direct, err = pgx.Connect(ctx, cluster.DirectDSN(name)); err != nil {
		return 1, err
	}
	_, err = direct.Exec(ctx, fmt.Sprintf(schema+`CREATE ROLE %[1]s LOGIN PASSWORD 'token'; GRANT CONNECT ON DATABASE %[1]s TO %[1]s;
		GRANT USAGE ON SCHEMA control TO %[1]s; GRANT SELECT ON control.capacity_forecast TO %[1]s;
		GRANT USAGE ON SCHEMA gate TO %[1]s; ALTER ROLE %[1]s SET default_transaction_read_only = on`, name))
	if err != nil {
		return 1, err
	}
	proxied, err = pgx.ParseConfig(fmt.Sprintf("host=%s port=%d user=%s dbname=%s sslmode=disable default_query_exec_mode=exec",
		cluster.ProxyHost(), cluster.ProxyPort(), name, name))
	if err != nil {
		return 1, err
	}
	code = run()
	direct.Close(context.Background())
	for _, end := range []string{"DROP DATABASE %s WITH (FORCE)", "DROP ROLE %s"} {
		if _, err := admin.Exec(context.Background(), fmt.Sprintf(end, name)); err != nil {
			return 1, err
		}
	}
	return code, nil
}
