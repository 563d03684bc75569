package roster

import (
	"context"
	"fmt"

	"lignum/domain/people"
	"lignum/tenants"
)

// planGuardians ties the guardians that agentSourcedIds names to their learners, without consent: that is theirs to
// give. It is a second pass over users.csv, because either may stand first. A tie that is missing from the file is not ended.
func (im *importer) planGuardians(ctx context.Context, q tenants.Querier, rows []record, out *outcome) (func(tx *tenants.Tx) error, error) {
	sources := column(rows, "sourcedid")
	for _, r := range rows {
		sources = append(sources, r.list("agentsourcedids")...)
	}
	users, err := im.users(ctx, q, sources, false)
	if err != nil {
		return nil, err
	}
	pairs := map[int][]people.Tie{}
	var all []people.Tie
	for _, r := range rows {
		is := users[r.get("sourcedid")]
		if is == nil || r.gone() {
			continue
		}
		for _, agent := range r.list("agentsourcedids") {
			other := users[agent]
			var t people.Tie
			switch {
			case other == nil:
				out.refuse(r.line, "agentSourcedIds", "roster.is_not_known", "Person", fmt.Sprintf("%q", clipText(agent, 60)))
				continue
			case is.Is(people.Student) && other.Is(people.Guardian):
				t = people.Tie{Guardian: other.ID, Learner: is.ID}
			case is.Is(people.Guardian) && other.Is(people.Student):
				t = people.Tie{Guardian: is.ID, Learner: other.ID}
			default:
				continue
			}
			if only := im.opts.OnlySchool; only != nil && (!sameID(is.SchoolID, only) || !sameID(other.SchoolID, only)) {
				out.refuse(r.line, "agentSourcedIds", "roster.is_not_of_your_school", "Person", fmt.Sprintf("%q", clipText(agent, 60)))
				continue
			}
			pairs[r.line] = append(pairs[r.line], t)
			all = append(all, t)
		}
	}
	tied, err := people.TiesAmong(ctx, q, all)
	if err != nil {
		return nil, err
	}
	if im.sim != nil {
		keep(tied, im.sim.ties)
	}
	var write []people.Tie
	for _, r := range rows {
		before := len(write)
		for _, t := range pairs[r.line] {
			if !tied[t] {
				tied[t] = true
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
	return func(tx *tenants.Tx) error { return people.PutTies(ctx, tx, write) }, nil
}
