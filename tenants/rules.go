package tenants

import (
	"context"
	"encoding/json"

	"github.com/jackc/pgx/v5"

	"lignum/policy"
	"lignum/tenants/audit"
)

// Rules reads a realm's stored rules, in an order of their own.
func Rules(ctx context.Context, q Querier) ([]policy.Rule, error) {
	rows, err := q.Query(ctx, "SELECT ptype, v0, v1, v2, v3, v4, v5 FROM casbin_rules ORDER BY ptype, v0, v1, v2, v3")
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[policy.Rule])
}

// EditRole changes one role of a realm as an actor with these roles, and gives the realm's rules as they are then. Edits
// of one realm come one after the other. contextual says how far roles reach; nil: the program's own rules do. The errors are those of
// policy.CheckGrant. together reads which sets of several roles people have (people.RolesTogether), when no other edit can come between.
func EditRole(ctx context.Context, tx *Tx, realm Realm, contextual *policy.Engine, together func(context.Context, Querier) ([][]string, error), actorRoles []string,
	edit policy.RoleEdit) (*policy.Enforcer, error) {
	if err := tx.Lock(ctx, "rules"); err != nil {
		return nil, err
	}
	rules, err := Rules(ctx, tx)
	if err != nil {
		return nil, err
	}
	before, err := policy.NewEnforcer(realm.Name(), 0, rules)
	if err != nil {
		return nil, err
	}
	sets, err := together(ctx, tx)
	if err != nil {
		return nil, err
	}
	if err := policy.CheckGrant(before.Asking(contextual), actorRoles, edit, sets...); err != nil {
		return nil, err
	}
	after, err := before.After(edit)
	if err != nil {
		return nil, err
	}
	add, remove := edit.Rows(realm.Name())
	addJSON, removeJSON, err := rulesJSON(add, remove)
	if err != nil {
		return nil, err
	}
	b := &pgx.Batch{}
	b.Queue(`DELETE FROM casbin_rules c USING jsonb_to_recordset($1::jsonb) AS r(ptype text, v0 text, v1 text, v2 text)
		WHERE c.ptype = r.ptype AND c.v0 = r.v0 AND c.v1 = r.v1 AND c.v2 = r.v2`, removeJSON)
	b.Queue(`INSERT INTO casbin_rules (ptype, v0, v1, v2) SELECT ptype, v0, v1, v2
		FROM jsonb_to_recordset($1::jsonb) AS r(ptype text, v0 text, v1 text, v2 text) ON CONFLICT DO NOTHING`, addJSON)
	if err := tx.SendBatch(ctx, b).Close(); err != nil {
		return nil, err
	}
	tx.Record(audit.Entry{Action: "role.change", ObjectKind: "role", ObjectID: edit.Role,
		Before: map[string]any{"permissions": before.Permissions([]string{edit.Role})},
		After:  map[string]any{"edit": edit, "permissions": after.Permissions([]string{edit.Role})}})
	tx.Bump("rules")
	return after, nil
}

func rulesJSON(add, remove []policy.Rule) (added, removed string, err error) {
	type row struct {
		PType string `json:"ptype"`
		V0    string `json:"v0"`
		V1    string `json:"v1"`
		V2    string `json:"v2"`
	}
	text := func(rules []policy.Rule) (string, error) {
		list := make([]row, len(rules))
		for i, r := range rules {
			list[i] = row{r.PType, r.V0, r.V1, r.V2}
		}
		raw, err := json.Marshal(list)
		return string(raw), err
	}
	if added, err = text(add); err != nil {
		return "", "", err
	}
	removed, err = text(remove)
	return added, removed, err
}
