package roster

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lignum/domain"
	"lignum/domain/people"
	"lignum/tenants"
)

// noteAccounts notes which accounts a run made, so that their sign-in cards can be printed.
func noteAccounts(ctx context.Context, tx *tenants.Tx, run uuid.UUID, made []*people.SourcedUser) error {
	if run == uuid.Nil || len(made) == 0 {
		return nil
	}
	ids := make([]string, len(made))
	for i, u := range made {
		ids[i] = u.ID.String()
	}
	_, err := tx.Exec(ctx, `INSERT INTO roster_accounts (run_id, user_id) SELECT $1::uuid, id::uuid FROM unnest($2::text[]) AS id`, run, ids)
	return err
}

// CardBatch is how many sign-in cards are printed at once.
const CardBatch = 200

// NewLearners are those of one school for whom a run made accounts.
type NewLearners struct {
	SchoolID uuid.UUID
	School   string
	Learners int
	Waiting  int // of them have not chosen a password yet: they need a card
}

// Learners lists the schools with accounts of learners that a run made, by name.
func Learners(ctx context.Context, q tenants.Querier, run uuid.UUID, page domain.Page) (domain.List[NewLearners], error) {
	none := domain.List[NewLearners]{}
	limit, after, err := page.Start(1, 1)
	if err != nil {
		return none, err
	}
	rows, err := q.Query(ctx, `SELECT s.id, s.name, count(*), count(*) FILTER (WHERE NOT u.has_password AND u.state = 'active') FROM roster_accounts a JOIN users u ON u.id = a.user_id JOIN schools s ON s.id = u.school_id
		WHERE a.run_id = $1::uuid AND EXISTS (SELECT FROM user_roles r WHERE r.user_id = u.id AND r.role = 'student') AND (s.name, s.id) > ($2::text, $3::uuid)
		GROUP BY s.id, s.name ORDER BY s.name, s.id LIMIT $4::integer`, run, after[0], after[1], limit+1)
	if err != nil {
		return none, err
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[NewLearners])
	return domain.Cut(list, limit, func(s NewLearners) []string { return []string{s.School, s.SchoolID.String()} }), err
}

// Batch gives the accounts of a batch of a school's new learners, of CardBatch each; the first batch is 0. A batch stays the same people, so that it can be printed again.
func Batch(ctx context.Context, q tenants.Querier, run, school uuid.UUID, batch int) ([]uuid.UUID, error) {
	rows, err := q.Query(ctx, `SELECT a.user_id FROM roster_accounts a JOIN users u ON u.id = a.user_id
		WHERE a.run_id = $1::uuid AND u.school_id = $2::uuid AND EXISTS (SELECT FROM user_roles r WHERE r.user_id = u.id AND r.role = 'student')
		ORDER BY a.user_id OFFSET $3::integer LIMIT $4::integer`, run, school, batch*CardBatch, CardBatch)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
}
