package assessment

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lignum/domain"
	"lignum/tenants"
)

// Ties are what binds a viewer to an attempt: the part of AttemptFacts that says who may see its result.
type Ties struct{ Owner, CoachOf, SameSchool bool }

// TiesToEach returns a viewer's ties to several attempts, at most 1000, in one query. An attempt that is not there has none.
func TiesToEach(ctx context.Context, q tenants.Querier, viewerID uuid.UUID, attempts []uuid.UUID) (map[uuid.UUID]Ties, error) {
	if len(attempts) > 1000 {
		return nil, domain.InvalidField("attempts", "assessment.must_be_at_most_1000")
	}
	ids := make([]string, len(attempts))
	for i, id := range attempts {
		ids[i] = id.String()
	}
	rows, err := q.Query(ctx, `SELECT a.id, a.learner_id = $1::uuid,
		EXISTS (SELECT FROM coached k WHERE k.coach_id = $1::uuid AND k.learner_id = a.learner_id AND k.course_id = a.course_id),
		coalesce(l.school_id = (SELECT school_id FROM users WHERE id = $1::uuid), false)
		FROM attempts a JOIN users l ON l.id = a.learner_id WHERE a.id = ANY($2::text[]::uuid[])`, viewerID.String(), ids)
	if err != nil {
		return nil, err
	}
	ties := map[uuid.UUID]Ties{}
	var id uuid.UUID
	var t Ties
	_, err = pgx.ForEachRow(rows, []any{&id, &t.Owner, &t.CoachOf, &t.SameSchool}, func() error { ties[id] = t; return nil })
	return ties, err
}
