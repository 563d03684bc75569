// Package audit is the trail: what was done, by whom, to what, and why. An entry is a row of the realm's schema,
// written in the change's own transaction and never changed again.
package audit

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/google/uuid"

	"lignum/domain"
)

// Actor is who acts, as the token proved it. The zero Actor is the platform's own work without a person.
type Actor struct {
	ID        uuid.UUID
	Name      string // the user name
	Roles     []string
	Realm     string // "platform", or the tenant's slug
	Address   string // IP address
	RequestID string
}

// Entry is one thing that was done, or refused.
type Entry struct {
	Action     string // a permission's name, or an event such as "sign_in.failed"
	Refused    bool
	ObjectKind string // "class", "user", "attempt" ...
	ObjectID   string
	Before     any    // what it was: marshalled to JSON; nil: nothing
	After      any    // what it became
	Reason     string // stated by the actor, where the rule asks for one
}

// Parameters are the parameters $1 to $14 of a statement that stores an entry, with their types. Args are the arguments.
const Parameters = "$1::uuid, $2::uuid, $3::text, $4::text, $5::text, $6::text, $7::text, $8::text, $9::text, $10::text, $11::jsonb, $12::jsonb, $13::text, $14::text"

// Insert is the statement that stores an entry. Args are its arguments.
const Insert = `INSERT INTO audit_entries (id, actor_id, actor_name, actor_roles, actor_realm, address, action, outcome, object_kind, object_id, before, after, reason, request_id)
VALUES (` + Parameters + `)`

// Args gives Insert's arguments. A Before or After that cannot be marshalled is a fault of the program and panics.
func (e *Entry) Args(who Actor) []any {
	outcome := "done"
	if e.Refused {
		outcome = "refused"
	}
	var actor *string
	if who.ID != uuid.Nil {
		s := who.ID.String()
		actor = &s
	}
	return []any{NewID().String(), actor, who.Name, strings.Join(who.Roles, ","), who.Realm, who.Address, e.Action, outcome,
		e.ObjectKind, e.ObjectID, jsonText(e.Before), jsonText(e.After), clip(e.Reason, 1000), who.RequestID}
}

// NewID makes a UUIDv7 (RFC 9562): ids in the order of time.
func NewID() uuid.UUID {
	id, err := uuid.NewV7()
	if err != nil {
		panic(err) // the system has no random numbers
	}
	return id
}

func jsonText(v any) *string {
	if v == nil {
		return nil
	}
	raw, err := domain.JSON(v)
	if err != nil {
		panic(err)
	}
	s := string(raw)
	return &s
}

func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	if r := []rune(s); len(r) > n {
		return string(r[:n])
	}
	return s
}

// Stored is an entry as the trail has it.
type Stored struct {
	ID         uuid.UUID       `json:"id"`
	At         time.Time       `json:"at"`
	ActorID    *uuid.UUID      `json:"actor_id,omitempty"`
	ActorName  string          `json:"actor_name"`
	ActorRoles string          `json:"actor_roles"`
	ActorRealm string          `json:"actor_realm"`
	Address    string          `json:"address"`
	Action     string          `json:"action"`
	Outcome    string          `json:"outcome"`
	ObjectKind string          `json:"object_kind"`
	ObjectID   string          `json:"object_id"`
	Before     json.RawMessage `json:"before,omitempty" gorm:"type:jsonb"`
	After      json.RawMessage `json:"after,omitempty" gorm:"type:jsonb"`
	Reason     string          `json:"reason,omitempty"`
	RequestID  string          `json:"request_id,omitempty"`
}
