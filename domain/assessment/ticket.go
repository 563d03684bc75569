package assessment

import (
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"time"

	"github.com/google/uuid"

	"lignum/domain"
	"lignum/tenants"
)

// Ticket carries an attempt's facts, signed, from the start to each save: the policy decides on it, and the statement
// that saves repeats owner, state and deadline against the row. It is no secret and opens nothing by itself: the learner
// must be signed in as well.
type Ticket struct {
	AttemptID uuid.UUID
	LearnerID uuid.UUID
	TestID    uuid.UUID
	Deadline  time.Time // UTC, whole microseconds, as the row has it
	Items     int       // how many positions the paper has
}

const (
	ticketVersion = 1
	ticketPurpose = "attempt-ticket"
	ticketBody    = 1 + 3*16 + 8 + 2
	ticketSize    = ticketBody + 32
)

// Seal signs the ticket for one realm: HMAC-SHA-256 with a key derived for the realm and this purpose, in base64url
// without padding (RFC 4648), 122 characters.
func (t Ticket) Seal(v *tenants.Vault, realm string) string {
	raw := make([]byte, 0, ticketSize)
	raw = append(raw, ticketVersion)
	raw = append(raw, t.AttemptID[:]...)
	raw = append(raw, t.LearnerID[:]...)
	raw = append(raw, t.TestID[:]...)
	raw = binary.BigEndian.AppendUint64(raw, uint64(t.Deadline.UnixMicro()))
	raw = binary.BigEndian.AppendUint16(raw, uint16(t.Items))
	return base64.RawURLEncoding.EncodeToString(append(raw, v.MAC(realm, ticketPurpose, string(raw))...))
}

var ticketEncoding = base64.RawURLEncoding.Strict() // one ticket has one spelling

// OpenTicket checks and reads a ticket. One that is forged, of another realm or of another version is domain.Forbidden.
func OpenTicket(v *tenants.Vault, realm, sealed string) (Ticket, error) {
	refused := domain.Refuse(domain.Forbidden, "assessment.the_ticket_of_this_attempt")
	if len(sealed) != ticketEncoding.EncodedLen(ticketSize) {
		return Ticket{}, refused
	}
	raw, err := ticketEncoding.DecodeString(sealed)
	if err != nil || len(raw) != ticketSize || raw[0] != ticketVersion {
		return Ticket{}, refused
	}
	body, mac := raw[:ticketBody], raw[ticketBody:]
	if subtle.ConstantTimeCompare(mac, v.MAC(realm, ticketPurpose, string(body))) != 1 {
		return Ticket{}, refused
	}
	t := Ticket{Deadline: time.UnixMicro(int64(binary.BigEndian.Uint64(body[49:]))).UTC(), Items: int(binary.BigEndian.Uint16(body[57:]))}
	copy(t.AttemptID[:], body[1:])
	copy(t.LearnerID[:], body[17:])
	copy(t.TestID[:], body[33:])
	return t, nil
}

// Facts are what the policy asks about the viewer and the attempt, without a query. An attempt that was handed in since
// is found out by the statement that saves.
func (t Ticket) Facts(viewerID uuid.UUID, now time.Time) AttemptFacts {
	return AttemptFacts{LearnerID: t.LearnerID, TestID: t.TestID, Owner: t.LearnerID == viewerID, AttemptOpen: true,
		WithinDeadline: !now.After(t.Deadline.Add(SaveGrace)), WithinGrace: !now.After(t.Deadline.Add(SubmitGrace))}
}
