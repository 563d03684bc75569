package tenants

import (
	"context"

	"github.com/jackc/pgx/v5"
	"gorm.io/gorm/clause"

	"lignum/policy"
	"lignum/tenants/audit"
)

// rule is policy.Rule as it is stored.
type rule struct {
	PType                  string `gorm:"column:ptype"`
	V0, V1, V2, V3, V4, V5 string
}

// TableName is GORM's.
func (rule) TableName() string { return "casbin_rules" }

// Rules reads a realm's stored rules, in an order of their own: whenever anybody signs out, so by pgx, which takes half the time of the processor.
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
	if err := storeRules(ctx, tx, add, remove); err != nil {
		return nil, err
	}
	tx.Record(audit.Entry{Action: "role.change", ObjectKind: "role", ObjectID: edit.Role,
		Before: map[string]any{"permissions": before.Permissions([]string{edit.Role})},
		After:  map[string]any{"edit": edit, "permissions": after.Permissions([]string{edit.Role})}})
	tx.Bump("rules")
	return after, nil
}

// storeRules adds rules, those that are there already left alone, and takes others away.
func storeRules(ctx context.Context, tx *Tx, add, remove []policy.Rule) error {
	b := &pgx.Batch{}
	if len(remove) > 0 {
		keys := make([][]any, len(remove))
		for i, r := range remove {
			keys[i] = []any{r.PType, r.V0, r.V1, r.V2}
		}
		if _, err := Entity[rule](Into(b)).Where("(ptype, v0, v1, v2) IN ?", keys).Delete(ctx); err != nil {
			return err
		}
	}
	if len(add) > 0 {
		rows := make([]rule, len(add))
		for i, r := range add {
			rows[i] = rule(r)
		}
		if err := Entity[rule](Into(b), clause.OnConflict{DoNothing: true}).CreateInBatches(ctx, &rows, len(rows)); err != nil {
			return err
		}
	}
	return tx.SendBatch(ctx, b).Close()
}
