package identity

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lignum/domain"
	"lignum/domain/notices"
	"lignum/domain/people"
	"lignum/tenants"
	"lignum/tenants/audit"
)

// A teacher may print a card for an account that nobody has used. For any other the learner's school must approve it: for
// that account, that teacher and one card.

// How long a question waits, and how long an approval may be used.
const (
	ResetQuestionLife = 14 * 24 * time.Hour
	ResetApprovalLife = 3 * 24 * time.Hour
)

// States of a request for a new card.
const (
	ResetAsked    = "asked"
	ResetApproved = "approved"
	ResetRefused  = "refused"
	ResetUsed     = "used"
	ResetLapsed   = "lapsed"
)

// ResetRequest is a teacher's request for a new sign-in card for a learner.
type ResetRequest struct {
	ID         uuid.UUID  `json:"id"`
	UserID     uuid.UUID  `json:"user_id"`
	UserName   string     `json:"user_name"`
	GivenName  string     `json:"given_name"`
	FamilyName string     `json:"family_name"`
	SchoolID   *uuid.UUID `json:"school_id,omitempty"`
	Reason     string     `json:"reason"`
	State      string     `json:"state"` // asked, approved, refused, used, lapsed
	AskedBy    uuid.UUID  `json:"asked_by"`
	Asker      string     `json:"asker"` // full name
	AskedAt    time.Time  `json:"asked_at"`
	DecidedAt  *time.Time `json:"decided_at,omitempty"`
	Answer     string     `json:"answer,omitempty"` // why it was refused
	ExpiresAt  time.Time  `json:"expires_at"`       // of the question, then of the approval
}

// What nobody answered or used in time has lapsed, whether or not a row says so yet.
const resetSQL = `SELECT q.id, q.user_id, u.user_name, u.given_name, u.family_name, u.school_id, q.reason,
		CASE WHEN q.state IN ('asked', 'approved') AND q.expires_at <= $1::timestamptz THEN 'lapsed' ELSE q.state END,
		q.asked_by, coalesce(a.given_name || ' ' || a.family_name, ''), q.asked_at, q.decided_at, q.answer, q.expires_at
	FROM reset_requests q JOIN users u ON u.id = q.user_id LEFT JOIN users a ON a.id = q.asked_by `

// ResetFilter says which requests to list. Conditions add up; the zero value lists all.
type ResetFilter struct {
	SchoolOf uuid.UUID // for accounts that belong to the school of this one; none, when it has none
	AskedBy  uuid.UUID // by this teacher
	UserID   uuid.UUID // for this account
	Waiting  bool      // only those that wait for an answer
}

// ResetRequests lists requests, the newest first. It gives domain.Invalid.
func ResetRequests(ctx context.Context, q tenants.Querier, f ResetFilter, page domain.Page, now time.Time) (domain.List[ResetRequest], error) {
	var none domain.List[ResetRequest]
	limit, at, err := page.Read(0, 1)
	if err != nil {
		return none, err
	}
	var after *string
	if at != nil {
		after = &at[0]
	}
	rows, err := q.Query(ctx, resetSQL+`WHERE u.state <> 'erased' AND ($2::uuid IS NULL OR u.school_id = (SELECT school_id FROM users WHERE id = $2::uuid))
		AND ($3::uuid IS NULL OR q.asked_by = $3::uuid) AND ($4::uuid IS NULL OR q.user_id = $4::uuid)
		AND (NOT $5::boolean OR q.state = 'asked' AND q.expires_at > $1::timestamptz) AND ($6::uuid IS NULL OR q.id < $6::uuid)
		ORDER BY q.id DESC LIMIT $7::integer`, now, idText(f.SchoolOf), idText(f.AskedBy), idText(f.UserID), f.Waiting, after, limit+1)
	if err != nil {
		return none, err
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[ResetRequest])
	return domain.Cut(list, limit, func(r ResetRequest) []string { return []string{r.ID.String()} }), err
}

func idText(id uuid.UUID) *string {
	if id == uuid.Nil {
		return nil
	}
	text := id.String()
	return &text
}

// ResetRequestByID returns one request, or domain.NotFound. With a Tx it is locked until the transaction ends.
func ResetRequestByID(ctx context.Context, q tenants.Querier, id uuid.UUID, now time.Time) (ResetRequest, error) {
	lock := ""
	if _, writes := q.(*tenants.Tx); writes {
		lock = " FOR UPDATE OF q"
	}
	rows, err := q.Query(ctx, resetSQL+`WHERE q.id = $2::uuid`+lock, now, id.String())
	if err != nil {
		return ResetRequest{}, err
	}
	r, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[ResetRequest])
	if errors.Is(err, pgx.ErrNoRows) {
		err = domain.Refuse(domain.NotFound, "identity.there_is_no_such_request")
	}
	return r, err
}

// AskReset asks a learner's school for a new card; the actor is the one who may print it. The learner and the school are told.
// reason is 3 to 500 characters. It returns domain.NotFound, domain.Invalid, and domain.Conflict when no approval is needed, the
// account is suspended, or somebody asked already.
func AskReset(ctx context.Context, tx *tenants.Tx, user uuid.UUID, reason string, now time.Time) (ResetRequest, error) {
	var p domain.Problems
	if p.Text("reason", reason, 3, 500); len(p) > 0 {
		return ResetRequest{}, p.Err()
	}
	a, err := accountByID(ctx, tx, user)
	if err != nil {
		return ResetRequest{}, err
	}
	if a.State != people.UserActive {
		return ResetRequest{}, domain.Refuse(domain.Conflict, "identity.the_account_is_suspended_the")
	}
	if unclaimed, err := unclaimed(ctx, tx, user); err != nil {
		return ResetRequest{}, err
	} else if unclaimed {
		return ResetRequest{}, domain.Refuse(domain.Conflict, "identity.this_learner_has_not_chosen")
	}
	if _, err := tx.Exec(ctx, `UPDATE reset_requests SET state = 'lapsed' WHERE user_id = $1::uuid AND state IN ('asked', 'approved') AND expires_at <= $2::timestamptz`, user.String(), now); err != nil {
		return ResetRequest{}, err
	}
	id := audit.NewID()
	_, err = tx.Exec(ctx, `INSERT INTO reset_requests (id, user_id, reason, asked_by, asked_at, expires_at) VALUES ($1::uuid, $2::uuid, $3::text, $4::uuid, $5::timestamptz, $6::timestamptz)`,
		id.String(), user.String(), reason, tx.Who().ID.String(), now, now.Add(ResetQuestionLife))
	if tenants.IsViolation(err, "reset_requests_open") {
		return ResetRequest{}, domain.Refuse(domain.Conflict, "identity.a_new_card_for_this")
	}
	if err != nil {
		return ResetRequest{}, err
	}
	tx.Record(audit.Entry{Action: "reset.ask", ObjectKind: "user", ObjectID: user.String(), Reason: reason, After: map[string]any{"request": id}})
	if err := tellBoth(ctx, tx, notices.ResetAskedForYou, notices.ResetAsked, a, now); err != nil {
		return ResetRequest{}, err
	}
	return ResetRequestByID(ctx, tx, id, now)
}

// ApproveReset lets the teacher who asked print one card. It returns domain.NotFound, and domain.Conflict when the request waits
// no longer, or the actor is the one who asked.
func ApproveReset(ctx context.Context, tx *tenants.Tx, id uuid.UUID, now time.Time) (ResetRequest, error) {
	return decideReset(ctx, tx, id, ResetApproved, "", now.Add(ResetApprovalLife), now)
}

// RefuseReset refuses a request, for a reason that the teacher is shown, of 3 to 500 characters. Errors as of ApproveReset, and
// domain.Invalid.
func RefuseReset(ctx context.Context, tx *tenants.Tx, id uuid.UUID, why string, now time.Time) (ResetRequest, error) {
	var p domain.Problems
	if p.Text("reason", why, 3, 500); len(p) > 0 {
		return ResetRequest{}, p.Err()
	}
	return decideReset(ctx, tx, id, ResetRefused, why, now, now)
}

func decideReset(ctx context.Context, tx *tenants.Tx, id uuid.UUID, state, answer string, until, now time.Time) (ResetRequest, error) {
	r, err := ResetRequestByID(ctx, tx, id, now)
	if err != nil {
		return r, err
	}
	switch {
	case r.State == ResetLapsed:
		return r, domain.Refuse(domain.Conflict, "identity.the_request_is_too_old")
	case r.State != ResetAsked:
		return r, domain.Refuse(domain.Conflict, "identity.the_request_was_answered_already")
	case r.AskedBy == tx.Who().ID:
		return r, domain.Refuse(domain.Conflict, "identity.nobody_answers_their_own_request")
	}
	var asker []uuid.UUID // as long as there is such an account
	if err := tx.QueryRow(ctx, `UPDATE reset_requests SET state = $2::text, answer = $3::text, decided_by = $4::uuid, decided_at = $5::timestamptz, expires_at = $6::timestamptz
		WHERE id = $1::uuid RETURNING ARRAY(SELECT u.id FROM users u WHERE u.id = asked_by AND u.state <> 'erased')`,
		id.String(), state, answer, tx.Who().ID.String(), now, until).Scan(&asker); err != nil {
		return r, err
	}
	tx.Record(audit.Entry{Action: "reset." + state, ObjectKind: "user", ObjectID: r.UserID.String(), Reason: answer,
		Before: map[string]any{"asked_by": r.AskedBy, "reason": r.Reason}, After: map[string]any{"request": id, "state": state}})
	kind := notices.ResetApproved
	if state == ResetRefused {
		kind = notices.ResetRefused
	}
	err = notices.Tell(ctx, tx, kind, notices.Params{"name": r.GivenName + " " + r.FamilyName, "id": r.UserID.String(), "day": until.Format(time.DateOnly)}, asker, now)
	if err != nil {
		return r, err
	}
	return ResetRequestByID(ctx, tx, id, now)
}

// UseApproval uses up the approval that lets the actor print a new card for an account. It returns domain.Conflict when there is
// none that still stands.
func UseApproval(ctx context.Context, tx *tenants.Tx, user uuid.UUID, now time.Time) error {
	n, err := tx.Exec(ctx, `UPDATE reset_requests SET state = 'used' WHERE user_id = $1::uuid AND asked_by = $2::uuid AND state = 'approved' AND expires_at > $3::timestamptz`,
		user.String(), tx.Who().ID.String(), now)
	if err == nil && n == 0 {
		return domain.Refuse(domain.Conflict, "identity.the_schools_approval_was_used")
	}
	return err
}

// unclaimed reports whether nobody has ever chosen a password for an account.
func unclaimed(ctx context.Context, q tenants.Querier, user uuid.UUID) (bool, error) {
	return exists(ctx, q, `SELECT NOT claimed FROM users WHERE id = $1::uuid`, user.String())
}
