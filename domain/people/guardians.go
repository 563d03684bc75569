package people

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lignum/domain"
	"lignum/tenants"
	"lignum/tenants/audit"
)

// GuardianOf reports whether an active link ties a guardian to a learner, and whether consent stands on it.
func GuardianOf(ctx context.Context, q tenants.Querier, guardian, learner uuid.UUID) (linked, consent bool, err error) {
	err = q.QueryRow(ctx, `SELECT count(*) = 1, coalesce(bool_and(consent), false) FROM guardianships
		WHERE guardian_id = $1::uuid AND learner_id = $2::uuid AND ended_at IS NULL`, guardian.String(), learner.String()).Scan(&linked, &consent)
	return linked, consent, err
}

// Child is a learner as their guardian sees them, or a guardian as the learner's school sees them.
type Child struct {
	ID           uuid.UUID  `json:"id"`
	UserName     string     `json:"user_name"`
	GivenName    string     `json:"given_name"`
	FamilyName   string     `json:"family_name"`
	Grade        string     `json:"grade,omitempty"`
	Relationship string     `json:"relationship"`
	Consent      bool       `json:"consent"`
	ConsentAt    *time.Time `json:"consent_at,omitempty"`
	Listed       bool       `json:"on_leaderboard,omitempty"` // takes part in the leaderboards
}

const tieSQL = `SELECT u.id, u.user_name, u.given_name, u.family_name, u.grade, g.relationship, g.consent, g.consent_at, u.on_leaderboard FROM guardianships g `

// Children are the learners tied to a guardian, at most a hundred.
func Children(ctx context.Context, q tenants.Querier, guardian uuid.UUID) ([]Child, error) {
	rows, err := q.Query(ctx, tieSQL+`JOIN users u ON u.id = g.learner_id WHERE g.guardian_id = $1::uuid AND g.ended_at IS NULL AND u.state <> 'erased'
		ORDER BY u.given_name, u.family_name, u.id LIMIT 100`, guardian.String())
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Child])
}

// LinkGuardian ties a guardian to a learner, without consent: that is the guardian's own to give. It returns domain.Invalid when one of
// them is not what it should be, domain.Conflict when they are tied already.
func LinkGuardian(ctx context.Context, tx *tenants.Tx, guardian, learner uuid.UUID, relationship string, now time.Time) error {
	var p domain.Problems
	p.Text("relationship", relationship, 1, 40)
	for _, who := range []struct {
		field, role string
		id          uuid.UUID
	}{{"guardian_id", Guardian, guardian}, {"learner_id", Student, learner}} {
		ok, err := exists(ctx, tx, `SELECT EXISTS (SELECT FROM user_roles r JOIN users u ON u.id = r.user_id
			WHERE u.id = $1::uuid AND u.state <> 'erased' AND r.role = $2::text)`, who.id.String(), who.role)
		if err != nil {
			return err
		}
		if !ok {
			p.Add(who.field, "people.is_not_an_account_with", "Role", who.role)
		}
	}
	if guardian == learner {
		p.Add("guardian_id", "people.must_be_another_person_than")
	}
	if err := p.Err(); err != nil {
		return err
	}
	n, err := tx.Exec(ctx, `INSERT INTO guardianships AS g (guardian_id, learner_id, relationship) VALUES ($1::uuid, $2::uuid, $3::text)
		ON CONFLICT (guardian_id, learner_id) DO UPDATE SET relationship = excluded.relationship, consent = false, consent_at = NULL, ended_at = NULL
		WHERE g.ended_at IS NOT NULL`, guardian.String(), learner.String(), relationship)
	if err != nil {
		return err
	}
	if n == 0 {
		return domain.Refuse(domain.Conflict, "people.they_are_tied_already")
	}
	tx.Record(audit.Entry{Action: "guardian.link", ObjectKind: "user", ObjectID: learner.String(), After: map[string]any{"guardian_id": guardian, "relationship": relationship}})
	return nil
}

// UnlinkGuardian ends a tie; the guardian sees nothing of the learner from then on. It returns domain.NotFound when there is none.
func UnlinkGuardian(ctx context.Context, tx *tenants.Tx, guardian, learner uuid.UUID, now time.Time) error {
	n, err := tx.Exec(ctx, `UPDATE guardianships SET ended_at = $3::timestamptz, consent = false WHERE guardian_id = $1::uuid AND learner_id = $2::uuid AND ended_at IS NULL`,
		guardian.String(), learner.String(), now)
	if err != nil {
		return err
	}
	if n == 0 {
		return notFound(pgx.ErrNoRows, "people.no_such_guardian")
	}
	tx.Record(audit.Entry{Action: "guardian.unlink", ObjectKind: "user", ObjectID: learner.String(), Before: map[string]any{"guardian_id": guardian}})
	return nil
}

// SetConsent gives or withdraws a guardian's consent for a learner (Jamaica's Data Protection Act 2020: a
// child's data needs it, and it can be withdrawn at any time). It gives domain.NotFound when they are not tied.
func SetConsent(ctx context.Context, tx *tenants.Tx, guardian, learner uuid.UUID, consent bool, now time.Time) error {
	n, err := tx.Exec(ctx, `UPDATE guardianships SET consent = $3::boolean, consent_at = $4::timestamptz
		WHERE guardian_id = $1::uuid AND learner_id = $2::uuid AND ended_at IS NULL`, guardian.String(), learner.String(), consent, now)
	if err != nil {
		return err
	}
	if n == 0 {
		return notFound(pgx.ErrNoRows, "people.no_such_child")
	}
	tx.Record(audit.Entry{Action: "guardian.consent", ObjectKind: "user", ObjectID: learner.String(), After: map[string]any{"guardian_id": guardian, "consent": consent}})
	return nil
}
