package tenants

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"lignum/domain"
	"lignum/tenants/audit"
	"lignum/tenants/limits"
)

// Limits are what a tenant's plan lets it use. Zero means none at all, never 'unlimited'.
type Limits struct {
	Learners      int64 `json:"learners" doc:"The most accounts with the role student"`
	Staff         int64 `json:"staff" doc:"The most other accounts"`
	Classes       int64 `json:"classes" doc:"The most active classes"`
	StorageBytes  int64 `json:"storage_bytes" doc:"The most uploaded files, in bytes"`
	ImportRows    int64 `json:"import_rows_a_day" doc:"The most rows of rosters that are imported in a day, as the tenant's calendar has it"`
	Mails         int64 `json:"mails_a_day" doc:"The most letters that are sent in such a day; of what nobody waits for, such as digests, four fifths of those"`
	ReadsPerSec   int64 `json:"reads_per_sec" doc:"The most reading requests in a second"`
	WritesPerSec  int64 `json:"writes_per_sec" doc:"The most changing requests in a second"`
	SignInsPerSec int64 `json:"sign_ins_per_sec" doc:"The most sign-ins in a second"`
	Concurrent    int64 `json:"concurrent" doc:"The most requests at work at one moment"`
	Connections   int64 `json:"connections" doc:"The most connections to the database"`
}

// of gives each limit by its name in JSON.
func (l *Limits) of() map[string]int64 {
	return map[string]int64{"learners": l.Learners, "staff": l.Staff, "classes": l.Classes, "storage_bytes": l.StorageBytes, "import_rows_a_day": l.ImportRows, "mails_a_day": l.Mails,
		"reads_per_sec": l.ReadsPerSec, "writes_per_sec": l.WritesPerSec, "sign_ins_per_sec": l.SignInsPerSec, "concurrent": l.Concurrent, "connections": l.Connections}
}

func (l *Limits) check() error {
	var p domain.Problems
	all := l.of()
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if v := all[name]; v < 0 || v > 1<<50 {
			p.Add("limits."+name, "tenants.must_not_be_negative_nor")
		}
	}
	return p.Err()
}

// Plan is a named set of limits that an account manager starts from.
type Plan struct {
	Name   string
	Limits Limits
}

const gigabyte = 1 << 30

// Plans are the sizes on offer, smallest first. A country brings its first roster, some ten rows for each learner, in a day or two.
var Plans = []Plan{
	{"school", Limits{2_000, 200, 400, 20 * gigabyte, 50_000, 5_000, 200, 100, 10, 100, 20}},
	{"college", Limits{20_000, 2_000, 4_000, 200 * gigabyte, 300_000, 50_000, 1_000, 500, 30, 300, 40}},
	{"country", Limits{250_000, 20_000, 40_000, 2_000 * gigabyte, 2_000_000, 250_000, 5_000, 2_500, 100, 1_000, 80}},
}

// PlanByName finds a plan.
func PlanByName(name string) (Plan, bool) {
	i := slices.IndexFunc(Plans, func(p Plan) bool { return p.Name == name })
	if i < 0 {
		return Plan{}, false
	}
	return Plans[i], true
}

// ConnectionsJob is the kind of job that gives a tenant's login as many connections as its plan has now. It knows the tenant's slug.
const ConnectionsJob = "tenant.connections"

// SetPlan gives a tenant another plan's limits, or limits of its own. One below what is in use takes nothing away: there can be no more, until there is less. How many connections the
// login of the tenant may have, a job must give it (ConnectionsJob): the platform's login may not.
func SetPlan(ctx context.Context, tx *Tx, slug, plan string, own *Limits, e audit.Entry) (Tenant, error) {
	p, ok := PlanByName(plan)
	if !ok {
		return Tenant{}, domain.InvalidField("plan", "tenants.must_be_one_of_school")
	}
	if own != nil {
		p.Limits = *own
	}
	if err := p.Limits.check(); err != nil {
		return Tenant{}, err
	}
	t, err := Find(ctx, tx, slug, Held)
	if err != nil {
		return Tenant{}, err
	}
	if !t.Allows().Made {
		return Tenant{}, domain.Refuse(domain.Conflict, "tenants.has_no_plan_yet", "Name", t.Name, "State", t.State.Words())
	}
	was := t
	t.Plan, t.Limits = plan, p.Limits
	return t, t.set(ctx, tx, was, e)
}

// Quota is a limit with what is used of it.
type Quota struct {
	Name    string     `json:"name" enum:"learners,staff,classes,storage_bytes,import_rows_a_day,mails_a_day,reads_per_sec,writes_per_sec,sign_ins_per_sec,concurrent,connections" doc:"What is limited, as in a plan's limits"`
	Limit   int64      `json:"limit" doc:"The most there may be"`
	Used    *int64     `json:"used" doc:"How much is used: exact to the tenant, as it was last published to the platform; null for what is counted moment by moment"`
	Left    *int64     `json:"left" doc:"How much is left; 0 where a limit was set below what is used: nothing more, until it is less"`
	Percent *int64     `json:"percent" doc:"How much of the limit is used, in hundredths, rounded down; more than 100 where a limit was set below it"`
	Warned  int        `json:"warned" enum:"0,80,95,100" doc:"The last per cent at which administrators and account managers were warned; 0: none"`
	AsOf    *time.Time `json:"as_of,omitempty" doc:"When it was published; missing: it is of this moment"`
}

// Counted are the names of limits of which it is counted how much is used, in the order in which they are shown.
var Counted = []limits.Kind{limits.Learners, limits.Staff, limits.Classes, limits.Storage, limits.ImportRows, limits.Mails}

// Use is how much is used of one limit.
type Use struct {
	Used   int64
	Warned int
	AsOf   *time.Time
}

// Quotas puts limits and what is used of them together; what is not in used is not counted.
func (l *Limits) Quotas(used map[limits.Kind]Use) []Quota {
	all := l.of()
	var list []Quota
	for _, k := range Counted {
		q := Quota{Name: string(k), Limit: all[string(k)]}
		if u, known := used[k]; known {
			left, percent := max(0, q.Limit-u.Used), Percent(u.Used, q.Limit)
			q.Used, q.Left, q.Percent, q.Warned, q.AsOf = &u.Used, &left, &percent, u.Warned, u.AsOf
		}
		list = append(list, q)
	}
	for _, name := range []string{"reads_per_sec", "writes_per_sec", "sign_ins_per_sec", "concurrent", "connections"} {
		list = append(list, Quota{Name: name, Limit: all[name]})
	}
	return list
}

// Percent is how much of a limit is used, in hundredths, rounded down; of a limit of nothing 100, and 0 where nothing is used.
func Percent(used, limit int64) int64 {
	switch {
	case used <= 0:
		return 0
	case limit <= 0:
		return 100
	case used > (1<<63-1)/100:
		return used / (max(1, limit/100))
	}
	return used * 100 / limit
}

// QueueUse queues the statement that reads how much of its limits a tenant uses, on a day of its calendar. Scan gives the answer of it to what ReadUse returns.
func QueueUse(b *pgx.Batch, today time.Time) {
	b.Queue(`SELECT kind, n, coalesce(w.level, 0) FROM (SELECT kind, n FROM usage_counts UNION ALL SELECT kind, n FROM daily_counts WHERE day = $1::text::date) u LEFT JOIN quota_warnings w USING (kind)`,
		today.Format(time.DateOnly))
}

// ReadUse reads the answer of QueueUse. What is counted by day and was not used today is 0.
func ReadUse(res pgx.BatchResults) (map[limits.Kind]Use, error) {
	rows, err := res.Query()
	if err != nil {
		return nil, err
	}
	used := map[limits.Kind]Use{limits.ImportRows: {}, limits.Mails: {}}
	var kind limits.Kind
	var u Use
	_, err = pgx.ForEachRow(rows, []any{&kind, &u.Used, &u.Warned}, func() error { used[kind] = u; return nil })
	return used, err
}

// KeepWarned notes at which per cent of a limit people were warned; 0: at none.
func KeepWarned(ctx context.Context, tx *Tx, quota string, level int, now time.Time) error {
	if level == 0 {
		_, err := tx.Exec(ctx, "DELETE FROM quota_warnings WHERE kind = $1::text", quota)
		return err
	}
	_, err := tx.Exec(ctx, `INSERT INTO quota_warnings (kind, level, at) VALUES ($1::text, $2::integer, $3::timestamptz) ON CONFLICT (kind) DO UPDATE SET level = excluded.level, at = excluded.at`,
		quota, level, now)
	return err
}
