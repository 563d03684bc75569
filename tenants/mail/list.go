package mail

import (
	"context"
	"crypto/hmac"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"lignum/domain"
	"lignum/tenants"
	"lignum/tenants/audit"
	"lignum/tenants/jobs"
)

// Stored is a letter as it is listed, without what it says.
type Stored struct {
	ID        uuid.UUID  `json:"id"`
	UserID    *uuid.UUID `json:"user_id,omitempty" doc:"Whose account it was written to"`
	Address   string     `json:"address"`
	Kind      string     `json:"kind"`
	State     State      `json:"state" enum:"waiting,sending,sent,refused,suppressed,failed,late"`
	Tries     int        `json:"tries" doc:"How often it was handed to the mail server"`
	Doubtful  bool       `json:"doubtful" doc:"True when it may have arrived twice: the program ended while it sent it"`
	Fault     string     `json:"fault" doc:"What the mail server said last"`
	CreatedAt time.Time  `json:"created_at"`
	ChangedAt time.Time  `json:"changed_at"`
	Until     time.Time  `json:"until" doc:"How long it makes sense"`
	Kept      bool       `json:"may_retry" gorm:"->" doc:"True when it can be started again"`
}

// TableName is GORM's.
func (Stored) TableName() string { return "mails" }

// Filter narrows a list of letters. Empty fields narrow nothing.
type Filter struct {
	State State
	User  uuid.UUID
}

// List lists letters, newest first.
func List(ctx context.Context, q tenants.Querier, f Filter, page domain.Page) (domain.List[Stored], error) {
	limit, after, err := page.Read(0, 1)
	if err != nil {
		return domain.List[Stored]{}, err
	}
	found := tenants.Entity[Stored](q).Scopes(func(s *gorm.Statement) {
		s.Select("*", "sealed IS NOT NULL AND state IN ('refused', 'suppressed', 'failed') AND until > now() AS kept")
	})
	if f.State != "" {
		found = found.Where("state = ?", f.State)
	}
	if f.User != uuid.Nil {
		found = found.Where("user_id = ?", f.User)
	}
	if after != nil {
		found = found.Where("id < ?", after[0])
	}
	list, err := found.Order("id DESC").Limit(limit + 1).Find(ctx)
	return domain.Cut(list, limit, func(s Stored) []string { return []string{s.ID.String()} }), err
}

// Retry lets a letter that was not taken be tried again now. It gives domain.NotFound for one that cannot be: it has gone, or what it said is erased. One whose address is
// suppressed stays so: Allow it first.
func Retry(ctx context.Context, tx *tenants.Tx, id uuid.UUID) error {
	n, err := tx.Exec(ctx, `UPDATE mails SET state = 'waiting', changed_at = now() WHERE id = $1::uuid AND sealed IS NOT NULL AND state IN ('refused', 'suppressed', 'failed') AND until > now()`, id.String())
	if err != nil {
		return err
	}
	if n == 0 {
		return domain.Refuse(domain.NotFound, "mail.there_is_no_such_letter")
	}
	jobs.Queue(tx, "mail.send", id.String())
	tx.Record(audit.Entry{Action: "mail.retry", ObjectKind: "mail", ObjectID: id.String()})
	return nil
}

// Suppressed is an address that no letter goes to.
type Suppressed struct {
	Address string    `json:"address" gorm:"primaryKey" doc:"In lower case"`
	Reason  string    `json:"reason" enum:"refused,bounced,complained" doc:"refused: by the mail server; bounced: it came back later; complained: its owner called it unwanted"`
	Fault   string    `json:"fault" doc:"What was said"`
	Since   time.Time `json:"since"`
}

// TableName is GORM's.
func (Suppressed) TableName() string { return "mail_suppressed" }

// ListSuppressed lists the addresses that no letter goes to, by address.
func ListSuppressed(ctx context.Context, q tenants.Querier, page domain.Page) (domain.List[Suppressed], error) {
	limit, after, err := page.Read(1, 0)
	if err != nil {
		return domain.List[Suppressed]{}, err
	}
	found := tenants.Entity[Suppressed](q).Order("address").Limit(limit + 1)
	if after != nil {
		found = found.Where("address > ?", after[0])
	}
	list, err := found.Find(ctx)
	return domain.Cut(list, limit, func(s Suppressed) []string { return []string{s.Address} }), err
}

// QueueSuppressed asks for the first page of ListSuppressed in a batch. The list is there when the batch is closed.
func QueueSuppressed(b *pgx.Batch, list *domain.List[Suppressed]) {
	const most = domain.Rows
	b.Queue("SELECT address, reason, fault, since FROM mail_suppressed ORDER BY address LIMIT $1::integer", most+1).Query(func(rows pgx.Rows) error {
		found, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Suppressed])
		*list = domain.Cut(found, most, func(s Suppressed) []string { return []string{s.Address} })
		return err
	})
}

// suppress keeps letters from an address.
func suppress(ctx context.Context, tx *tenants.Tx, address, reason, why string, now time.Time) error {
	err := tenants.Entity[Suppressed](tx, clause.OnConflict{DoNothing: true}).Create(ctx, &Suppressed{Fold(address), reason, why, now.UTC()})
	tx.Record(audit.Entry{Action: "mail.suppress", ObjectKind: "mail_address", ObjectID: Fold(address), Reason: reason})
	return err
}

// Allow lets letters go to an address again. It gives domain.NotFound when nothing keeps them from it.
func Allow(ctx context.Context, tx *tenants.Tx, address string) error {
	n, err := tenants.Entity[Suppressed](tx).Where("address = ?", Fold(address)).Delete(ctx)
	if err != nil {
		return err
	}
	if n == 0 {
		return domain.Refuse(domain.NotFound, "mail.nothing_keeps_letters_from")
	}
	tx.Record(audit.Entry{Action: "mail.allow", ObjectKind: "mail_address", ObjectID: Fold(address)})
	return nil
}

// Wishes are which letters somebody wants, of those that they need not have.
type Wishes struct {
	Digest  bool `json:"digest" doc:"True: once a day an e-mail that says that there is something new among the notices"`
	Figures bool `json:"figures" doc:"True: once a week an e-mail with the figures, for those who may see them"`
}

// WishesOf gives what somebody wants; who never said has everything.
func WishesOf(ctx context.Context, q tenants.Querier, user uuid.UUID) (Wishes, error) {
	w := Wishes{true, true}
	err := q.QueryRow(ctx, `SELECT digest, figures FROM mail_wishes WHERE user_id = $1::uuid`, user.String()).Scan(&w.Digest, &w.Figures)
	if errors.Is(err, pgx.ErrNoRows) {
		err = nil
	}
	return w, err
}

// Wish stores what somebody wants.
func Wish(ctx context.Context, tx *tenants.Tx, user uuid.UUID, w Wishes) error {
	was, err := WishesOf(ctx, tx, user)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO mail_wishes (user_id, digest, figures, changed_at) VALUES ($1::uuid, $2::boolean, $3::boolean, now())
		ON CONFLICT (user_id) DO UPDATE SET digest = excluded.digest, figures = excluded.figures, changed_at = excluded.changed_at`, user.String(), w.Digest, w.Figures)
	tx.Record(audit.Entry{Action: "mail.wish", ObjectKind: "user", ObjectID: user.String(), Before: was, After: w})
	return err
}

// CheckStop tells whose wish a link of a letter is for, and about what; domain.NotFound for one that this installation did not make for this realm.
func CheckStop(db *tenants.DB, topic, user, signature string) (uuid.UUID, Topic, error) {
	id, err := uuid.Parse(user)
	t := Topic(topic)
	if err != nil || id.String() != user || t != Digest && t != Figures || !hmac.Equal([]byte(signature), []byte(stopSignature(db, id, t))) {
		return uuid.Nil, "", domain.Refuse(domain.NotFound, "mail.the_link_is_not_whole")
	}
	return id, t, nil
}

// Stop notes that somebody wants no more letters of a topic.
func Stop(ctx context.Context, tx *tenants.Tx, user uuid.UUID, t Topic) error {
	w, err := WishesOf(ctx, tx, user)
	if err != nil {
		return err
	}
	switch t {
	case Digest:
		w.Digest = false
	case Figures:
		w.Figures = false
	}
	err = Wish(ctx, tx, user, w)
	if tenants.IsViolation(err, "mail_wishes_user_id_fkey") {
		return domain.Refuse(domain.NotFound, "mail.the_link_is_not_whole")
	}
	return err
}
