// Package pooling divides the connections that one PostgreSQL server takes among those who want them. Every number follows from
// one, the server's max_connections, so that they fit each other: the local cluster is made with them, the files of infra/image
// and the page of the single server repeat them (a test compares), and a serving process is held to them when it starts.
//
// A backend belongs to one login, and each tenant has a login of its own. So there are soon more logins with an idle backend than
// the server has room for. PgBouncer takes an idle backend from one login to open one for another, but only when it meets a limit of
// its own (max_db_connections); without one it asks the server for one more than there is, and the tenant is refused. Where the
// limit is below the backends that are busy at once, every transaction takes a backend from another: measured, 26 times slower.
// Therefore the limit is nearly the server's, and what is busy at once (three for each of the database's processors) is far below it.
package pooling

import "fmt"

// Sizes are what the parts of one installation are set to. Each backend takes some 2 MB of the server's memory when it is new, and
// up to 10 MB when it has seen all of a tenant's tables.
type Sizes struct {
	Server    int // PostgreSQL's max_connections
	Superuser int // of those, superuser_reserved_connections: to look after a server that is full
	Pooler    int // PgBouncer's max_db_connections: backends of all logins together
	Login     int // PgBouncer's default_pool_size: backends of one login; below the CONNECTION LIMIT of the smallest plan
	Clients   int // PgBouncer's max_client_conn: idle connections of the serving processes, a few for each active tenant
	Files     int // that PgBouncer may have open: one for each of its connections
}

// The bounds of Server: what PostgreSQL can do with, and what it is still good at.
const (
	Least = 20
	Most  = 5000
)

// Usual is the server of a machine with 4 GB of memory or more.
const Usual = 300

const (
	// clients is enough for a thousand tenants active within a minute at ten processes.
	clients = 10_000
	// login leaves a role's CONNECTION LIMIT, 20 in the smallest plan, room for backends that were told to end and have not.
	login = 16
)

// For divides a server with so many connections, Least to Most. A fifteenth, and 10 at least, is not the pooler's: half of it is
// the superuser's, the rest for migrations, provisioning and backups, which connect directly, and for backends that are ending.
func For(server int) (Sizes, error) {
	if server < Least || server > Most {
		return Sizes{}, fmt.Errorf("max_connections %d: use %d to %d", server, Least, Most)
	}
	kept := max(10, server/15)
	return Sizes{Server: server, Superuser: kept / 2, Pooler: server - kept, Login: min(login, server-kept), Clients: clients, Files: clients + server + 100}, nil
}
