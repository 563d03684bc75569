package apitest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lignum/api/account"
	"lignum/domain/identity"
	"lignum/domain/people"
	"lignum/tenants"
	"lignum/tenants/audit"
	"lignum/tests/school"
)

// User is somebody with an account and a valid token. The zero User is nobody: a request without a token.
type User struct {
	Slug     string // the tenant; "" is the platform
	ID       uuid.UUID
	UserName string
	Roles    []string
	SchoolID *uuid.UUID
	Token    string
	Card     string // the code with which this person can choose a password
}

// Anonymous is nobody, at a tenant's host.
func Anonymous(slug string) User { return User{Slug: slug} }

// Option changes a person before the account is made.
type Option func(*people.NewUser, *identity.SignedIn)

// At puts a person into a school.
func At(id uuid.UUID) Option {
	return func(u *people.NewUser, _ *identity.SignedIn) { u.SchoolID = &id }
}

// Named returns a person names.
func Named(given, family string) Option {
	return func(u *people.NewUser, _ *identity.SignedIn) { u.GivenName, u.FamilyName = given, family }
}

// SecondFactor says that the session was opened with a second factor.
func SecondFactor() Option {
	return func(_ *people.NewUser, s *identity.SignedIn) { s.SecondFactor = true }
}

// NoSecondFactor says that the session of somebody of the platform was opened without one.
func NoSecondFactor() Option {
	return func(_ *people.NewUser, s *identity.SignedIn) { s.SecondFactor = false }
}

// MustChangePassword says that the password was only given.
func MustChangePassword() Option {
	return func(_ *people.NewUser, s *identity.SignedIn) { s.MustChangePassword = true }
}

var userCount atomic.Int64

// User makes an account with a role, or several, in a tenant ("": on the platform, with a second factor, which is always asked
// for there) and a session with a token. No password is hashed: argon2 would take longer than the test.
func (s *Server) User(slug string, roles ...string) User {
	s.T.Helper()
	return s.UserWith(slug, roles)
}

// UserWith is User with options.
func (s *Server) UserWith(slug string, roles []string, options ...Option) User {
	s.T.Helper()
	ctx, now := context.Background(), time.Now().UTC()
	n := userCount.Add(1)
	in := people.NewUser{UserName: fmt.Sprintf("%s%d", roles[0], n), GivenName: "Given", FamilyName: fmt.Sprintf("Family%04d", n), Roles: roles}
	signedIn := identity.SignedIn{SessionID: audit.NewID(), SessionVersion: 1, SecondFactor: slug == "", RefreshExpires: now.Add(time.Hour)}
	for _, o := range options {
		o(&in, &signedIn)
	}
	db := s.DB(slug)
	u := User{Slug: slug, Roles: roles, SchoolID: in.SchoolID}
	err := db.Write(ctx, s.Actor, func(tx *tenants.Tx) error {
		made, card, err := identity.CreateUser(ctx, tx, db.Realm(), in, now)
		if err != nil {
			return err
		}
		u.ID, u.UserName, u.Card = made.ID, made.UserName, card.Code
		return school.OpenSessions(ctx, tx, school.Session{ID: signedIn.SessionID, User: u.ID, SecondFactor: signedIn.SecondFactor, OpenedAt: now, ExpiresAt: signedIn.RefreshExpires})
	})
	if err != nil {
		s.T.Fatalf("user of %q: %v", slug, err)
	}
	signedIn.UserID, signedIn.UserName, signedIn.Roles, signedIn.SchoolID = u.ID, u.UserName, roles, in.SchoolID
	u.Token = s.sign(slug, signedIn)
	return u
}

// Again gives somebody a session as one has it who has other roles now, or is of another school; nil: of none. The account stays as it was.
func (s *Server) Again(u User, at *uuid.UUID, roles ...string) User {
	s.T.Helper()
	signedIn := identity.SignedIn{UserID: u.ID, UserName: u.UserName, Roles: roles, SchoolID: at, SessionID: audit.NewID(), SessionVersion: 1, SecondFactor: u.Slug == "", RefreshExpires: time.Now().Add(time.Hour)}
	u.Roles, u.SchoolID, u.Token = roles, at, s.sign(u.Slug, signedIn)
	return u
}

// keyRing is a realm's ("": the platform's) own, read once a server.
func (s *Server) keyRing(slug string) *identity.KeyRing {
	s.T.Helper()
	if ring, known := s.keys.Load(slug); known {
		return ring.(*identity.KeyRing)
	}
	ctx, db := context.Background(), s.DB(slug)
	if err := identity.EnsureKeys(ctx, db, time.Now().UTC()); err != nil {
		s.T.Fatal(err)
	}
	var ring *identity.KeyRing
	err := db.ReadFresh(ctx, func(r *tenants.Reader) (err error) {
		ring, err = identity.LoadKeys(ctx, r, db.Vault(), db.Realm().Name())
		return err
	})
	if err != nil {
		s.T.Fatal(err)
	}
	s.keys.Store(slug, ring)
	return ring
}

// sign makes a token with the realm's own keys.
func (s *Server) sign(slug string, who identity.SignedIn) string {
	s.T.Helper()
	ring := s.keyRing(slug)
	tokens, err := ring.Issue(who, s.URL(slug), time.Now().UTC()) // a key signs nothing from before it was made
	if err != nil {
		s.T.Fatal(err)
	}
	return tokens.Access
}

// School adds a school to a tenant.
func (s *Server) School(slug, name string) uuid.UUID {
	s.T.Helper()
	return school.Schools(s.T, s.DB(slug), school.School{Name: name, Region: "Kingston"})[0]
}

// Write runs fn in one transaction of a tenant ("": of the platform), for set-up. What fn changes needs no audit entry.
func (s *Server) Write(slug string, fn func(tx *tenants.Tx) error) {
	s.T.Helper()
	err := s.DB(slug).Write(context.Background(), s.Actor, func(tx *tenants.Tx) error {
		tx.Record(audit.Entry{Action: "test.setup"})
		return fn(tx)
	})
	if err != nil {
		s.T.Fatal(err)
	}
}

// Exec runs one statement in a tenant ("": on the platform), for set-up.
func (s *Server) Exec(slug, sql string, args ...any) {
	s.T.Helper()
	s.Write(slug, func(tx *tenants.Tx) error {
		_, err := tx.Exec(context.Background(), sql, args...)
		return err
	})
}

// Text reads one text of a tenant; "" when there is none.
func (s *Server) Text(slug, sql string, args ...any) (text string) {
	s.T.Helper()
	err := s.DB(slug).ReadFresh(context.Background(), func(r *tenants.Reader) error {
		return r.QueryRow(context.Background(), sql, args...).Scan(&text)
	})
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		s.T.Fatalf("%s: %v", sql, err)
	}
	return text
}

// Number asks a tenant's database for one number.
func (s *Server) Number(slug, sql string, args ...any) (n int) {
	s.T.Helper()
	err := s.DB(slug).ReadFresh(context.Background(), func(r *tenants.Reader) error {
		return r.QueryRow(context.Background(), sql, args...).Scan(&n)
	})
	if err != nil {
		s.T.Fatalf("%s: %v", sql, err)
	}
	return n
}

// Trail counts entries of an action with an outcome, such as "done", in a tenant's trail ("": in the platform's).
func (s *Server) Trail(slug, action, outcome string) int {
	s.T.Helper()
	return s.Number(slug, `SELECT count(*) FROM audit_entries WHERE action = $1::text AND outcome = $2::text`, action, outcome)
}

// Told gives the sentences on somebody's home page that they have not seen yet, a line each. Who is told may have been signed out by what they are told of.
func (s *Server) Told(u User) string {
	s.T.Helper()
	var all []string
	err := s.DB(u.Slug).ReadFresh(context.Background(), func(r *tenants.Reader) error {
		list, err := school.Unseen(context.Background(), r, u.ID)
		for _, n := range list {
			all = append(all, n.Text.String())
		}
		return err
	})
	if err != nil {
		s.T.Fatal(err)
	}
	return strings.Join(all, "\n")
}

// Password is what ChoosePassword chooses.
const Password = "seven grey herons wade at noon"

// ChoosePassword uses a person's card as they would, so that they can sign in with Password: for tests of pages and of
// signing in. It and SignIn are the only places here that hash.
func (s *Server) ChoosePassword(u User) {
	s.T.Helper()
	anonymous := Anonymous(u.Slug)
	s.Post(anonymous, "/api/v1/sign-in/card", map[string]string{"code": u.Card, "password": Password}).Want(200)
}

// SignIn signs a person in who chose Password, as they would.
func (s *Server) SignIn(u User) account.TokenAnswer {
	s.T.Helper()
	return As[account.TokenAnswer](s.Post(Anonymous(u.Slug), "/api/v1/sign-in", map[string]string{"user_name": u.UserName, "password": Password}))
}

// HasPassword makes an account one that its owner uses, without hashing: nobody can sign in with its password.
func (s *Server) HasPassword(u User) {
	s.T.Helper()
	school.GivePassword(s.T, s.DB(u.Slug), "x", u.ID)
	s.Exec(u.Slug, `DELETE FROM sign_in_cards WHERE user_id = $1::uuid`, u.ID.String())
}
