package tenants

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"lignum/domain"
)

// readsIDs lets a connection read PostgreSQL's uuid straight into a uuid.UUID. pgx knows that only as something that database/sql could fill, and
// makes two strings and a list of bytes of each on the way: a quarter of what a page of rows allocates.
func readsIDs(_ context.Context, conn *pgx.Conn) error {
	conn.TypeMap().RegisterType(&pgtype.Type{Name: "uuid", OID: pgtype.UUIDOID, Codec: idCodec{}})
	return nil
}

type idCodec struct{ pgtype.UUIDCodec }

func (c idCodec) PlanScan(m *pgtype.Map, oid uint32, format int16, target any) pgtype.ScanPlan {
	if _, ok := target.(*uuid.UUID); ok && format == pgtype.TextFormatCode {
		return scanID{}
	}
	return c.UUIDCodec.PlanScan(m, oid, format, target)
}

type scanID struct{}

// Scan reads the text of an id; NULL is uuid.Nil.
func (scanID) Scan(text []byte, target any) (err error) {
	id := target.(*uuid.UUID)
	*id = uuid.Nil
	if text != nil {
		*id, err = uuid.ParseBytes(text)
	}
	return err
}

// ParseID reads a UUID that came from outside.
func ParseID(field, text string) (uuid.UUID, error) {
	id, err := uuid.Parse(text)
	if err != nil || len(text) != 36 {
		return uuid.Nil, domain.InvalidField(field, "tenants.must_be_a_uuid_such")
	}
	return id, nil
}
