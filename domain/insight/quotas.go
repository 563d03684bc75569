package insight

import (
	"context"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lignum/domain/notices"
	"lignum/policy"
	"lignum/tenants"
	"lignum/tenants/audit"
	"lignum/tenants/limits"
)

// levelOf is the per cent of a limit at which people are warned that so much of it is used, or 0.
func levelOf(percent int64) int {
	for _, level := range []int{100, 95, 80} {
		if percent >= int64(level) {
			return level
		}
	}
	return 0
}

// calm is by how many hundredths less must be used than where people were warned, before they are warned there again: what goes up and down around a level warns once.
const calm = 5

// WatchQuotas warns a tenant's administrators of each limit of which 80, 95 or 100 per cent are used, once for each level until it is left again, and publishes how much is used to the
// platform. It may be repeated; the caller records that it was done.
func WatchQuotas(ctx context.Context, tx *tenants.Tx, today, now time.Time) error {
	if err := tx.Lock(ctx, "quotas"); err != nil { // of two at once the second finds what the first has warned of
		return err
	}
	b := &pgx.Batch{}
	b.Queue("SELECT limits FROM settings")
	tenants.QueueUse(b, today)
	b.Queue(`SELECT DISTINCT u.id FROM users u JOIN user_roles r ON r.user_id = u.id WHERE u.state = 'active' AND r.role = $1::text`, policy.AdministratorRole(policy.Tenant))
	res := tx.SendBatch(ctx, b)
	defer res.Close()
	var own tenants.Limits
	if err := res.QueryRow().Scan(&own); err != nil {
		return err
	}
	used, err := tenants.ReadUse(res)
	if err != nil {
		return err
	}
	rows, err := res.Query()
	if err != nil {
		return err
	}
	administrators, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return err
	}
	if err := res.Close(); err != nil {
		return err
	}
	var names []string
	var counts []int64
	var levels []int16
	for _, q := range own.Quotas(used) {
		if q.Used == nil {
			continue
		}
		level := levelOf(*q.Percent)
		switch {
		case level > q.Warned:
			if err := warn(ctx, tx, q, level, administrators, now); err != nil {
				return err
			}
		case level < q.Warned && *q.Percent >= int64(q.Warned-calm):
			level = q.Warned
		case level < q.Warned:
			if err := tenants.KeepWarned(ctx, tx, q.Name, level, now); err != nil {
				return err
			}
		}
		names, counts, levels = append(names, q.Name), append(counts, *q.Used), append(levels, int16(level)) //nolint:gosec // at most 100
	}
	_, err = tx.Exec(ctx, "SELECT gate.publish_use($1::text[], $2::bigint[], $3::smallint[])", names, counts, levels)
	return err
}

func warn(ctx context.Context, tx *tenants.Tx, q tenants.Quota, level int, to []uuid.UUID, now time.Time) error {
	if err := tenants.KeepWarned(ctx, tx, q.Name, level, now); err != nil {
		return err
	}
	tx.Record(audit.Entry{Action: "quota.warn", ObjectKind: "quota", ObjectID: q.Name, After: map[string]any{"used": *q.Used, "limit": q.Limit, "percent": *q.Percent}})
	kind := notices.QuotaNear
	if level == 100 {
		kind = notices.QuotaUsedUp
	}
	return notices.Tell(ctx, tx, kind, notices.Params{"quota": q.Name, "percent": strconv.FormatInt(*q.Percent, 10)}, to, now)
}

// UsedBy gives what a tenant published of its use. q is of the platform's realm.
func UsedBy(ctx context.Context, q tenants.Querier, slug string) (map[limits.Kind]tenants.Use, error) {
	rows, err := q.Query(ctx, "SELECT kind, used, level, at FROM quota_use WHERE slug = $1::text", slug)
	if err != nil {
		return nil, err
	}
	used := map[limits.Kind]tenants.Use{}
	var kind limits.Kind
	var u tenants.Use
	var at time.Time
	_, err = pgx.ForEachRow(rows, []any{&kind, &u.Used, &u.Warned, &at}, func() error {
		of := at
		u.AsOf = &of
		used[kind] = u
		return nil
	})
	return used, err
}

// nearSQL are tenants whose account managers are to be told, or that are away from a level again.
const nearSQL = "FROM quota_use q JOIN tenants t USING (slug) WHERE q.level <> q.told"

// TellQuotas tells all account managers of tenants that use 80, 95 or 100 per cent of a limit, once for each level. db is of the platform's realm.
func TellQuotas(ctx context.Context, db *tenants.DB, by audit.Actor, now time.Time) error {
	for {
		var some bool
		if err := db.ReadFresh(ctx, func(r *tenants.Reader) error {
			return r.QueryRow(ctx, "SELECT EXISTS (SELECT "+nearSQL+")").Scan(&some)
		}); err != nil || !some {
			return err
		}
		if err := db.Write(ctx, by, func(tx *tenants.Tx) error { return tellQuotas(ctx, tx, now) }); err != nil {
			return err
		}
	}
}

// near is a tenant with one limit.
type near struct {
	Slug, Name, Kind string
	Used             int64
	Level, Told      int
	Limits           tenants.Limits
}

func tellQuotas(ctx context.Context, tx *tenants.Tx, now time.Time) error {
	rows, err := tx.Query(ctx, "SELECT q.slug, t.name, q.kind, q.used, q.level, q.told, t.limits "+nearSQL+" ORDER BY q.slug, q.kind LIMIT 100 FOR UPDATE OF q")
	if err != nil {
		return err
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[near])
	if err != nil {
		return err
	}
	rows, err = tx.Query(ctx, `SELECT DISTINCT u.id FROM users u JOIN user_roles r ON r.user_id = u.id WHERE u.state = 'active' AND r.role = 'account_manager'`)
	if err != nil {
		return err
	}
	managers, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return err
	}
	slugs, kinds, told := []string{}, []string{}, []string{}
	for _, n := range list {
		slugs, kinds = append(slugs, n.Slug), append(kinds, n.Kind)
		if n.Level < n.Told {
			continue
		}
		kind := notices.TenantNear
		if n.Level == 100 {
			kind = notices.TenantHasUsedUp
		}
		percent := int64(n.Level)
		for _, q := range n.Limits.Quotas(map[limits.Kind]tenants.Use{limits.Kind(n.Kind): {Used: n.Used}}) {
			if q.Used != nil {
				percent = *q.Percent
			}
		}
		told = append(told, n.Slug+" "+n.Kind)
		if err := notices.Tell(ctx, tx, kind, notices.Params{"name": n.Name, "id": n.Slug, "quota": n.Kind, "percent": strconv.FormatInt(percent, 10)}, managers, now); err != nil {
			return err
		}
	}
	tx.Record(audit.Entry{Action: "quotas.tell", After: map[string]any{"told": told}})
	_, err = tx.Exec(ctx, `UPDATE quota_use q SET told = q.level FROM unnest($1::text[], $2::text[]) AS t(slug, kind) WHERE q.slug = t.slug AND q.kind = t.kind`, slugs, kinds)
	return err
}
