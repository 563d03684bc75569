package people

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lignum/tenants"
)

// planGuardians ties the guardians that agentSourcedIds names to their learners, without consent: that is theirs to
// give. It is a second pass over users.csv, because either may stand first. A tie that is missing from the file is not ended.
func (im *importer) planGuardians(ctx context.Context, q tenants.Querier, rows []rosterRow, out *outcome) (func(tx *tenants.Tx) error, error) {
	sources := column(rows, "sourcedid")
	for _, r := range rows {
		sources = append(sources, r.list("agentsourcedids")...)
	}
	users, err := im.usersBySource(ctx, q, sources, "")
	if err != nil {
		return nil, err
	}
	type tie struct {
		Guardian uuid.UUID `json:"guardian"`
		Learner  uuid.UUID `json:"learner"`
	}
	pairs := map[int][]tie{}
	all := []tie{}
	for _, r := range rows {
		is := users[r.get("sourcedid")]
		if is == nil || r.gone() {
			continue
		}
		for _, agent := range r.list("agentsourcedids") {
			other := users[agent]
			var t tie
			switch {
			case other == nil:
				out.refuse(r.line, "agentSourcedIds", "%q is not known", clipText(agent, 60))
				continue
			case is.is(Student) && other.is(Guardian):
				t = tie{other.ID, is.ID}
			case is.is(Guardian) && other.is(Student):
				t = tie{is.ID, other.ID}
			default:
				continue
			}
			if only := im.opts.OnlySchool; only != nil && (!sameID(is.SchoolID, only) || !sameID(other.SchoolID, only)) {
				out.refuse(r.line, "agentSourcedIds", "%q is not of your school", clipText(agent, 60))
				continue
			}
			pairs[r.line] = append(pairs[r.line], t)
			all = append(all, t)
		}
	}
	tied := map[[2]uuid.UUID]bool{}
	existing, err := q.Query(ctx, `SELECT g.guardian_id, g.learner_id FROM guardianships g
		JOIN jsonb_to_recordset($1::jsonb) AS r(guardian uuid, learner uuid) ON g.guardian_id = r.guardian AND g.learner_id = r.learner`, jsonRows(all))
	if err != nil {
		return nil, err
	}
	var pair [2]uuid.UUID
	if _, err := pgx.ForEachRow(existing, []any{&pair[0], &pair[1]}, func() error { tied[pair] = true; return nil }); err != nil {
		return nil, err
	}
	if im.sim != nil {
		keep(tied, im.sim.ties)
	}
	var write []tie
	for _, r := range rows {
		before := len(write)
		for _, t := range pairs[r.line] {
			if key := [2]uuid.UUID{t.Guardian, t.Learner}; !tied[key] {
				tied[key] = true
				write = append(write, t)
			}
		}
		switch {
		case out.refused[r.line]:
		case len(write) > before:
			out.created++
		default:
			out.unchanged++
		}
	}
	if im.sim != nil {
		keep(im.sim.ties, tied)
	}
	if len(write) == 0 {
		return nil, nil
	}
	return func(tx *tenants.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO guardianships (guardian_id, learner_id) SELECT r.guardian, r.learner
			FROM jsonb_to_recordset($1::jsonb) AS r(guardian uuid, learner uuid) ON CONFLICT DO NOTHING`, jsonRows(write))
		return err
	}, nil
}
