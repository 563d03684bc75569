package identity

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lignum/domain"
	"lignum/domain/people"
	"lignum/tenants"
	"lignum/tenants/audit"
)

// Lifetimes are how long sessions last.
type Lifetimes struct {
	LearnerIdle time.Duration // without a refresh, for students and guardians
	StaffIdle   time.Duration // for everybody who has another role
	Longest     time.Duration // from sign-in, however busy (SP 800-63B-4 section 2.1.3: 30 days)
	TwoTabs     time.Duration // how long the token just rotated away is forgiven: two tabs, an answer lost on a weak network
}

// DefaultLifetimes are what a Desk starts with.
var DefaultLifetimes = Lifetimes{LearnerIdle: 14 * 24 * time.Hour, StaffIdle: 12 * time.Hour, Longest: 30 * 24 * time.Hour, TwoTabs: 20 * time.Second}

func (l Lifetimes) idle(roles []string) time.Duration {
	for _, r := range roles {
		if r != people.Student && r != people.Guardian {
			return l.StaffIdle
		}
	}
	return l.LearnerIdle
}

// Device is where a request comes from, for the trail, the list of sessions and the count of failures.
type Device struct {
	Address   string // IP address
	UserAgent string
	RequestID string
	Tokens    string // the device tokens that it shows, as DeviceTokens joins them; never logged
}

// SignedIn is an open session, as the account is at this moment.
type SignedIn struct {
	SessionID          uuid.UUID
	UserID             uuid.UUID
	UserName           string
	Roles              []string
	SchoolID           *uuid.UUID
	SessionVersion     int
	SecondFactor       bool
	MustChangePassword bool
	Locale             string    // the language that the person chose, BCP 47; "": none
	Refresh            string    // the refresh token; shown to its owner alone
	RefreshExpires     time.Time // moves on with every refresh
	Device             string    // a device token, after a sign-in; empty after a refresh
}

// A refresh token is session id | secret | tag in base64url. The tag is a keyed hash, so that made-up tokens cost no query and
// cannot end anybody's session. The first secret is random; each next one is a keyed hash of the one before, so that
// the answer to a repeated refresh can be the same answer.
const refreshBytes = 16 + 32 + 16

func refreshToken(db *tenants.DB, session uuid.UUID, secret []byte) string {
	raw := append(append(make([]byte, 0, refreshBytes), session[:]...), secret...)
	raw = append(raw, db.Vault().MAC(db.Realm().Name(), "refresh-tag", string(raw))[:16]...)
	return base64.RawURLEncoding.EncodeToString(raw)
}

func parseRefresh(db *tenants.DB, token string) (session uuid.UUID, secret []byte, ok bool) {
	if len(token) != base64.RawURLEncoding.EncodedLen(refreshBytes) {
		return session, nil, false
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(token)
	// The decoder passes over line ends, so the right length of text may still be too few bytes.
	if err != nil || len(raw) != refreshBytes || subtle.ConstantTimeCompare(raw[48:], db.Vault().MAC(db.Realm().Name(), "refresh-tag", string(raw[:48]))[:16]) != 1 {
		return session, nil, false
	}
	return uuid.UUID(raw[:16]), raw[16:48], true
}

// RefreshSession reads which session a refresh token is of, and whether it is one that was given out here: without a query.
func RefreshSession(db *tenants.DB, token string) (session uuid.UUID, genuine bool) {
	session, _, genuine = parseRefresh(db, token)
	return session, genuine
}

func hashSecret(secret []byte) []byte {
	sum := sha256.Sum256(secret)
	return sum[:]
}

// openSession stores a new session of an account whose owner is proven, and marks the day.
func (d *Desk) openSession(ctx context.Context, tx *tenants.Tx, db *tenants.DB, a account, secondFactor bool, dev Device, day, now time.Time) (SignedIn, error) {
	secret := make([]byte, 32)
	rand.Read(secret)
	s := SignedIn{SessionID: audit.NewID(), UserID: a.ID, UserName: a.UserName, Roles: a.Roles, SchoolID: a.SchoolID, SessionVersion: a.SessionVersion,
		SecondFactor: secondFactor, MustChangePassword: a.MustChange, Locale: a.Locale, RefreshExpires: now.Add(min(d.Lifetimes.idle(a.Roles), d.Lifetimes.Longest))}
	s.Refresh, s.Device = refreshToken(db, s.SessionID, secret), newDeviceToken(db, a.ID, now)
	agent := []rune(dev.UserAgent)
	b := &pgx.Batch{}
	b.Queue(`INSERT INTO sessions (id, user_id, refresh_hash, rotated_at, second_factor, user_agent, address, created_at, expires_at)
		VALUES ($1::uuid, $2::uuid, $3::bytea, $4::timestamptz, $5::boolean, $6::text, $7::text, $4::timestamptz, $8::timestamptz)`,
		s.SessionID.String(), a.ID.String(), hashSecret(secret), now, secondFactor, string(agent[:min(len(agent), 300)]), dev.Address, s.RefreshExpires)
	if !db.Realm().IsPlatform() && !day.IsZero() {
		b.Queue(`INSERT INTO active_days (day, user_id, school_id) SELECT $1::text::date, id, school_id FROM users WHERE id = $2::uuid ON CONFLICT DO NOTHING`, day.Format(time.DateOnly), a.ID.String())
	}
	return s, tx.SendBatch(ctx, b).Close()
}

// sessionNow is a session with what its account is now.
type sessionNow struct {
	SignedIn
	current, previous []byte
	rotated           time.Time
	ended             *time.Time
	state             people.UserState
}

// Refresh takes a refresh token and gives the session with its next one; the account's roles, state and version are read
// anew. The token just rotated away gives the same answer again for Lifetimes.TwoTabs, without rotating; any
// earlier one is proof that a token was copied, and ends the session, with an entry in the trail (RFC 9700 section 4.14.2).
// Every failure is the same domain.Unauthentic. day is the tenant's date, for the count of active users. A rotation itself
// changes nothing that anybody could want to know, so it has no entry.
func (d *Desk) Refresh(ctx context.Context, db *tenants.DB, token string, dev Device, day, now time.Time) (SignedIn, error) {
	id, secret, ok := parseRefresh(db, token)
	if !ok {
		return SignedIn{}, signInAgain(nil)
	}
	next := db.Vault().MAC(db.Realm().Name(), "refresh-next", string(secret))
	presented, successor := hashSecret(secret), hashSecret(next)
	b := &pgx.Batch{}
	b.Queue(`UPDATE sessions s SET previous_hash = s.refresh_hash, refresh_hash = $3::bytea, rotated_at = $4::timestamptz,
			expires_at = least(s.created_at + $5::double precision * interval '1 second', $4::timestamptz + interval '1 second' *
				CASE WHEN EXISTS (SELECT FROM user_roles r WHERE r.user_id = s.user_id AND r.role NOT IN ('student', 'guardian'))
				THEN $6::double precision ELSE $7::double precision END)
		WHERE s.id = $1::uuid AND s.refresh_hash = $2::bytea AND s.ended_at IS NULL AND s.expires_at > $4::timestamptz
			AND EXISTS (SELECT FROM users u WHERE u.id = s.user_id AND u.state = 'active')`,
		id.String(), presented, successor, now, d.Lifetimes.Longest.Seconds(), d.Lifetimes.StaffIdle.Seconds(), d.Lifetimes.LearnerIdle.Seconds())
	b.Queue(`SELECT s.user_id, u.user_name, ARRAY(SELECT role FROM user_roles r WHERE r.user_id = u.id ORDER BY role), u.school_id, u.session_version,
			s.second_factor, coalesce(c.must_change_password, false), s.expires_at, s.refresh_hash, s.previous_hash, s.rotated_at, s.ended_at, u.state, coalesce(u.locale, '')
		FROM sessions s JOIN users u ON u.id = s.user_id LEFT JOIN credentials c ON c.user_id = s.user_id WHERE s.id = $1::uuid`, id.String())
	if !db.Realm().IsPlatform() && !day.IsZero() {
		b.Queue(`INSERT INTO active_days (day, user_id, school_id) SELECT $2::text::date, s.user_id, u.school_id FROM sessions s JOIN users u ON u.id = s.user_id
			WHERE s.id = $1::uuid AND s.refresh_hash = $3::bytea AND s.ended_at IS NULL ON CONFLICT DO NOTHING`, id.String(), day.Format(time.DateOnly), successor)
	}
	var s sessionNow
	var rotated bool
	err := db.WriteOneTrip(ctx, b, func(res pgx.BatchResults) error {
		tag, err := res.Exec()
		if err != nil {
			return err
		}
		rotated = tag.RowsAffected() == 1
		return res.QueryRow().Scan(&s.UserID, &s.UserName, &s.Roles, &s.SchoolID, &s.SessionVersion, &s.SecondFactor, &s.MustChangePassword,
			&s.RefreshExpires, &s.current, &s.previous, &s.rotated, &s.ended, &s.state, &s.Locale)
	})
	switch {
	case err == pgx.ErrNoRows:
		return SignedIn{}, signInAgain(nil)
	case err != nil:
		return SignedIn{}, err
	case s.ended != nil, !s.RefreshExpires.After(now), s.state != people.UserActive:
		return SignedIn{}, signInAgain(nil)
	}
	s.SessionID, s.Refresh = id, refreshToken(db, id, next)
	justRotated := bytes.Equal(s.current, successor) && bytes.Equal(s.previous, presented) && now.Sub(s.rotated) <= d.Lifetimes.TwoTabs
	if rotated || justRotated {
		return s.SignedIn, nil
	}
	return SignedIn{}, endReused(ctx, db, s, dev, now)
}

// endReused ends a session whose old token was presented again.
func endReused(ctx context.Context, db *tenants.DB, s sessionNow, dev Device, now time.Time) error {
	who := audit.Actor{Realm: db.Realm().Name(), Address: dev.Address, RequestID: dev.RequestID} // nobody is proven
	err := db.Write(ctx, who, func(tx *tenants.Tx) error {
		n, err := tx.Exec(ctx, `UPDATE sessions SET ended_at = $2::timestamptz, ended_reason = 'reuse' WHERE id = $1::uuid AND ended_at IS NULL`, s.SessionID.String(), now)
		if err != nil {
			return err
		}
		if n == 0 {
			return signInAgain(nil) // another request ended it
		}
		tx.Record(audit.Entry{Action: "session.reuse", ObjectKind: "user", ObjectID: s.UserID.String(), Refused: true,
			After: map[string]any{"session": s.SessionID, "user_name": s.UserName}})
		tx.Bump("sessions")
		return nil
	})
	if err != nil {
		return err
	}
	return signInAgain(nil)
}

// Session is one signed-in browser or device, for its owner to look at.
type Session struct {
	ID           uuid.UUID `json:"id"`
	UserAgent    string    `json:"user_agent"`
	Address      string    `json:"address"`
	SecondFactor bool      `json:"second_factor"`
	CreatedAt    time.Time `json:"created_at"`
	LastUsedAt   time.Time `json:"last_used_at"`
	ExpiresAt    time.Time `json:"expires_at"`
}

// Sessions are a user's open ones, the last used first, at most a hundred.
func Sessions(ctx context.Context, q tenants.Querier, user uuid.UUID, now time.Time) ([]Session, error) {
	rows, err := q.Query(ctx, `SELECT id, user_agent, address, second_factor, created_at, rotated_at, expires_at FROM sessions
		WHERE user_id = $1::uuid AND ended_at IS NULL AND expires_at > $2::timestamptz ORDER BY rotated_at DESC, id LIMIT 100`, user.String(), now)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Session])
}

// EndSession signs one device of a user out. It returns domain.NotFound when the user has no such open session.
func EndSession(ctx context.Context, tx *tenants.Tx, user, session uuid.UUID, now time.Time) error {
	n, err := tx.Exec(ctx, `UPDATE sessions SET ended_at = $3::timestamptz, ended_reason = 'signed_out'
		WHERE id = $1::uuid AND user_id = $2::uuid AND ended_at IS NULL`, session.String(), user.String(), now)
	if err != nil {
		return err
	}
	if n == 0 {
		return domain.Refuse(domain.NotFound, "identity.there_is_no_such_open")
	}
	tx.Record(audit.Entry{Action: "session.end", ObjectKind: "user", ObjectID: user.String(), After: map[string]any{"session": session}})
	tx.Bump("sessions")
	return nil
}

// EndAllSessions signs a user out everywhere, at once. why is 'signed_out_everywhere', 'suspended', 'password' and the like.
func EndAllSessions(ctx context.Context, tx *tenants.Tx, user uuid.UUID, why string, now time.Time) error {
	n, err := EndSessions(ctx, tx, []string{user.String()}, why, now)
	if err != nil {
		return err
	}
	tx.Record(audit.Entry{Action: "session.end_all", ObjectKind: "user", ObjectID: user.String(), After: map[string]any{"sessions": n, "reason": why}})
	return nil
}

// endSessions ends all sessions of users but the one to keep, and tells how many it ended. With none to keep it voids
// the access tokens as well.
func endSessions(ctx context.Context, tx *tenants.Tx, users []string, keep uuid.UUID, why string, now time.Time) (int64, error) {
	n, err := tx.Exec(ctx, `UPDATE sessions SET ended_at = $3::timestamptz, ended_reason = $4::text
		WHERE user_id = ANY($1::text[]::uuid[]) AND id <> $2::uuid AND ended_at IS NULL`, users, keep.String(), now, why)
	if err != nil {
		return n, err
	}
	if keep != uuid.Nil {
		tx.Bump("sessions")
		return n, nil
	}
	return n, people.VoidTokens(ctx, tx, users, now)
}

// EndSessions ends all sessions of users, voids their access tokens, and tells how many it ended. It is the people.Ending of whoever suspends.
func EndSessions(ctx context.Context, tx *tenants.Tx, users []string, why string, now time.Time) (int64, error) {
	return endSessions(ctx, tx, users, uuid.Nil, why, now)
}

// Revocations are what makes an access token void before it expires.
type Revocations struct {
	Sessions []uuid.UUID       // ended sessions
	Users    map[uuid.UUID]int // the least session version that still counts
}

// RevocationWindow is how far back Revoked must look: longer than any access token lives.
const RevocationWindow = 20 * time.Minute

// Revoked lists what was ended since; a process asks for since = now minus RevocationWindow whenever 'sessions' moves.
func Revoked(ctx context.Context, q tenants.Querier, since time.Time) (Revocations, error) {
	r := Revocations{Users: map[uuid.UUID]int{}}
	rows, err := q.Query(ctx, `SELECT id, 0 FROM sessions WHERE ended_at >= $1::timestamptz
		UNION ALL SELECT id, session_version FROM users WHERE tokens_voided_at >= $1::timestamptz`, since)
	if err != nil {
		return r, err
	}
	var id uuid.UUID
	var version int
	_, err = pgx.ForEachRow(rows, []any{&id, &version}, func() error {
		if version == 0 {
			r.Sessions = append(r.Sessions, id)
		} else {
			r.Users[id] = version
		}
		return nil
	})
	return r, err
}

// Sweep removes what is over and needed no more: failures and unused cards a day after they stopped to count, sessions and
// used cards after ninety days. For a daily job.
func Sweep(ctx context.Context, tx *tenants.Tx, now time.Time) error {
	long, short := now.Add(-90*24*time.Hour), now.Add(-24*time.Hour)
	var failures, cards, sessions int64
	for _, s := range []struct {
		n    *int64
		sql  string
		args []any
	}{
		{&failures, `DELETE FROM sign_in_failures WHERE last_at < $1::timestamptz AND coalesce(blocked_until, last_at) < $1::timestamptz`, []any{short}},
		{&cards, `DELETE FROM sign_in_cards WHERE used_at IS NULL AND expires_at < $1::timestamptz OR used_at < $2::timestamptz`, []any{short, long}},
		{&sessions, `DELETE FROM sessions WHERE ended_at < $1::timestamptz OR expires_at < $1::timestamptz`, []any{long}},
	} {
		var err error
		if *s.n, err = tx.Exec(ctx, s.sql, s.args...); err != nil {
			return err
		}
	}
	tx.Record(audit.Entry{Action: "sign_in.sweep", After: map[string]any{"failures": failures, "cards": cards, "sessions": sessions}})
	return nil
}
