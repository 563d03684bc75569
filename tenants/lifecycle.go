package tenants

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"lignum/domain"
	"lignum/tenants/audit"
)

// Find reads one tenant on the platform's own data, or domain.NotFound. With Held it stays as it is for the rest of the transaction.
func Find(ctx context.Context, q Asker, slug string, with ...clause.Expression) (Tenant, error) {
	t, err := Entity[Tenant](q, with...).Where("slug = ?", slug).Take(ctx)
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return t, domain.Refuse(domain.NotFound, "tenants.there_is_no_tenant", "Slug", fmt.Sprintf("%q", slug))
	}
	return t, err
}

// Version names what the platform decides about a tenant: its state with the reason, its plan and limits.
func (t *Tenant) Version() string {
	return domain.Version([]any{t.State, t.StateReason, t.Plan, t.Limits})
}

// SetState leads a tenant that is made to another state, by a transition of the table (state.go) that is by's to go. tx is of the platform's realm; the
// tenant's own copy and an entry in its trail are written in the same transaction, through the gate. A reason has 3 to 300 characters, and must be given
// where the transition needs one. Of two that change one tenant at once the second finds what the first made of it. It returns domain.Conflict, with
// both states in words, where there is no such way.
func SetState(ctx context.Context, tx *Tx, slug string, to State, reason string, by By) (Tenant, error) {
	t, err := Find(ctx, tx, slug, Held)
	if err != nil {
		return Tenant{}, err
	}
	way, err := transition(t.Name, t.State, to, by)
	if err != nil {
		return Tenant{}, err
	}
	if !t.Allows().Made || !to.Allows().Made { // only who makes tenants does that: it has no copy of its own yet
		return Tenant{}, domain.Refuse(domain.Conflict, "tenants.that_way_is_not_yours", "Name", t.Name, "From", t.State.Words(), "To", to.Words())
	}
	reason = strings.TrimSpace(reason)
	if n := utf8.RuneCountInString(reason); way.Reason && n < 3 || n > 300 {
		return Tenant{}, domain.InvalidField("reason", "tenants.must_say_why_in_3")
	}
	was := t
	t.State, t.StateReason = to, ""
	if way.Reason && to.row().why != "" {
		t.StateReason = reason
	}
	return t, t.set(ctx, tx, was, audit.Entry{Action: way.Permission.Name(), Reason: reason})
}

// set writes both copies and both entries.
func (t Tenant) set(ctx context.Context, tx *Tx, was Tenant, e audit.Entry) error {
	limits, err := json.Marshal(t.Limits)
	if err != nil {
		return err
	}
	e.ObjectKind, e.ObjectID, e.Plain = "tenant", t.Slug, true
	e.Before = map[string]any{"state": was.State, "plan": was.Plan, "limits": was.Limits}
	e.After = map[string]any{"state": t.State, "plan": t.Plan, "limits": t.Limits}
	tenants := e // the gate knows what it was and becomes
	tenants.Before, tenants.After = nil, nil
	var found bool
	err = tx.QueryRow(ctx, `SELECT gate.set_tenant($3::text, $4::text, $5::text, $6::text, $7::jsonb, `+audit.Parameters+`)`,
		append(tenants.Args(tx.Who()), t.Slug, string(t.State), t.StateReason, t.Plan, string(limits))...).Scan(&found)
	if err != nil {
		return err
	}
	tx.Record(e)
	return nil
}

// Removed is a tenant that is no more, of which something is left outside of the database.
type Removed struct {
	Login string // what it had, outside of the database as well
	At    time.Time
}

// RemovedUntil gives tenants that were removed before a moment and not forgotten yet, the first that was removed first. q is of the platform's realm.
func RemovedUntil(ctx context.Context, q Querier, until time.Time) ([]Removed, error) {
	rows, err := q.Query(ctx, "SELECT login_role, removed_at FROM removed_tenants WHERE removed_at <= $1::timestamptz ORDER BY removed_at LIMIT 100", until)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Removed])
}

// IsLogin reports whether a tenant has a login now. q is of the platform's realm.
func IsLogin(ctx context.Context, q Querier, login string) (bool, error) {
	list, err := Entity[Tenant](q).Select("slug").Where("login_role = ?", login).Limit(1).Find(ctx)
	return len(list) > 0, err
}

// ForgetRemoved forgets a tenant of which nothing is left. tx is of the platform's realm.
func ForgetRemoved(ctx context.Context, tx *Tx, r Removed) error {
	_, err := tx.Exec(ctx, "DELETE FROM removed_tenants WHERE login_role = $1::text AND removed_at = $2::timestamptz", r.Login, r.At)
	return err
}
