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

// Parameters are the parameters $1 and $2 of every statement that writes an entry, with their types: its id, and all else as a document. Args
// are the arguments.
const Parameters = "$1::uuid, $2::jsonb"

// Insert is the statement that writes an entry and nothing else, in the realm of the connection. Args are its arguments.
const Insert = `SELECT record_entry(` + Parameters + `)`

// InsertInto is Insert in a schema that the connection does not begin with. schema is an identifier as SQL has it, with its quotes where it
// needs them.
func InsertInto(schema string) string {
	return "SELECT " + schema + ".record_entry(" + Parameters + ")"
}

// document is an entry as record_entry takes it. What is empty is left out.
type document struct {
	ActorID    string `json:"actor_id,omitempty"`
	ActorName  string `json:"actor_name,omitempty"`
	ActorRoles string `json:"actor_roles,omitempty"` // comma-separated
	ActorRealm string `json:"actor_realm,omitempty"`
	Address    string `json:"address,omitempty"`
	Action     string `json:"action"`
	Outcome    string `json:"outcome,omitempty"` // "refused"; empty: done
	ObjectKind string `json:"object_kind,omitempty"`
	ObjectID   string `json:"object_id,omitempty"`
	Before     any    `json:"before,omitempty"`
	After      any    `json:"after,omitempty"`
	Reason     string `json:"reason,omitempty"`
	RequestID  string `json:"request_id,omitempty"`
}

// Args gives the arguments of a statement that writes the entry, two of them. Each call gives it another id. A Before or After that cannot be
// marshalled is a fault of the program and panics.
func (e *Entry) Args(who Actor) []any {
	d := document{ActorName: who.Name, ActorRoles: strings.Join(who.Roles, ","), ActorRealm: who.Realm, Address: who.Address, Action: e.Action,
		ObjectKind: e.ObjectKind, ObjectID: e.ObjectID, Before: domain.FullLists(e.Before), After: domain.FullLists(e.After), Reason: clip(e.Reason, 1000), RequestID: who.RequestID}
	if e.Refused {
		d.Outcome = "refused"
	}
	if who.ID != uuid.Nil {
		d.ActorID = who.ID.String()
	}
	raw, err := json.Marshal(d)
	if err != nil {
		panic(err)
	}
	return []any{NewID().String(), string(raw)}
}

// NewID makes a UUIDv7 (RFC 9562): ids in the order of time.
func NewID() uuid.UUID {
	id, err := uuid.NewV7()
	if err != nil {
		panic(err) // the system has no random numbers
	}
	return id
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
