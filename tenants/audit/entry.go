// Package audit is the trail: what was done, by whom, to what, and why. An entry is a row of the realm's schema,
// written in the change's own transaction and never changed again.
//
// One pen writes it, the function record_entry of the schema: it takes an entry's id and a document, which Args makes, and nobody else
// names the columns. What stores something together with its entry in one statement hands both on to it.
//
// # What names people
//
// An entry stays for good, and yet a person may have to be forgotten. So what may name somebody is not in the entry: the entry holds commitments,
// and what they are to stands in tables of its own, with its salts. They are two, because they are forgotten apart:
//
//   - actor_commitment, to the actor's user name and address. They are in audit_actors, a row for each name and address of an actor, with one salt for all
//     their entries. The commitment is SHA-256(salt, name, one zero byte, address), name and address in UTF-8; either may be empty, and where nobody acts both are.
//   - content_commitment, to what was before, what is after, and the reason. They are in audit_texts, a row for each entry that has any of them apart, in
//     the column content, with a salt of its own. It is SHA-256(salt, content), to the byte as content stands there: JSON, an object with the
//     keys before, after and reason, of which those without a value are missing. Null: the entry has none.
//
// A salt is at least 16 bytes long; ours are 32, of which 244 bits are random. Ids, roles, action, outcome, object, request and time stand in the entry itself: an id is
// a pseudonym, and leads to nobody once the account is erased. So do before and after of entries that are Plain, which never tell of a person; their
// content is the reason alone.
//
// Whoever verifies an entry and has its text computes the commitment anew, and compares. Where the text is gone the person was erased: a later entry
// user.erase has the person as its object, and the entry's actor or its object is that person. A text that is gone without one was taken away.
//
// Entries from before commitments have all of this in columns of their own (actor_name, address, before, after, reason) and no commitment. When
// they are erased they get one, whose salt nobody keeps. The view audit_trail reads both kinds.
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

// Person is the kind of an object that is somebody with an account.
const Person = "user"

// Entry is one thing that was done, or refused.
type Entry struct {
	Action     string // a permission's name, or an event such as "sign_in.failed"
	Refused    bool
	ObjectKind string // "class", "user", "attempt" ...
	ObjectID   string
	Before     any    // what it was: marshalled to JSON; nil: nothing
	After      any    // what it became
	Reason     string // stated by the actor, where the rule asks for one
	// Plain says that Before and After hold ids, counts and times alone, and stay in the entry for good, which saves a row where entries are
	// many. Of an entry about a person nothing does.
	Plain bool
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
	Before     any    `json:"before,omitempty"` // these two: what is plain
	After      any    `json:"after,omitempty"`
	RequestID  string `json:"request_id,omitempty"`

	Content *content `json:"content,omitempty"`
}

// content is what an entry commits to and has apart.
type content struct {
	Before any    `json:"before,omitempty"`
	After  any    `json:"after,omitempty"`
	Reason string `json:"reason,omitempty"`
}

// Args returns the arguments of a statement that writes the entry, two of them. Each call gives it another id. A Before or After that cannot be
// marshalled is a fault of the program and panics.
func (e *Entry) Args(who Actor) []any {
	d := document{ActorName: who.Name, ActorRoles: strings.Join(who.Roles, ","), ActorRealm: who.Realm, Address: who.Address, Action: e.Action,
		ObjectKind: e.ObjectKind, ObjectID: e.ObjectID, RequestID: who.RequestID}
	apart := content{domain.FullLists(e.Before), domain.FullLists(e.After), clip(e.Reason, 1000)}
	if e.Plain && e.ObjectKind != Person {
		d.Before, d.After, apart.Before, apart.After = apart.Before, apart.After, nil, nil
	}
	if apart.Before != nil || apart.After != nil || apart.Reason != "" {
		d.Content = &apart
	}
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
	// Of a person who was erased no names, texts and figures are left in the trail.
	ActorErased   bool `json:"actor_erased,omitempty" doc:"The actor's name and address were erased"`
	ContentErased bool `json:"content_erased,omitempty" doc:"What was changed, and why, was erased"`
}
