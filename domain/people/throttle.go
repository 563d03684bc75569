package people

import (
	"context"
	"net/netip"
	"time"

	"github.com/jackc/pgx/v5"

	"lignum/domain"
	"lignum/tenants"
)

// Throttle is how failed sign-ins slow down the next ones (SP 800-63B-4 section 3.2.2). Free failures cost nothing; the next
// one blocks for Block, each further one twice as long, up to Longest. One failure is forgotten per Decay.
type Throttle struct {
	Free    int
	Block   time.Duration
	Longest time.Duration
	Decay   time.Duration
}

// AccountThrottle and AddressThrottle are what a Desk starts with. A whole school may stand behind one address, so
// an address has more room and is blocked for less.
var (
	AccountThrottle = Throttle{Free: 5, Block: 30 * time.Second, Longest: 15 * time.Minute, Decay: 30 * time.Minute}
	AddressThrottle = Throttle{Free: 50, Block: 30 * time.Second, Longest: 5 * time.Minute, Decay: 5 * time.Second}
)

// subjects are the keyed hashes under which failures are counted: of an account's name, known or not, and of an address.
func accountSubject(db *tenants.DB, userNameKey string) []byte {
	return db.Vault().MAC(db.Realm().Name(), "sign-in-account", userNameKey)
}

// addressSubject takes an IPv6 network of /64 for one address: that is what one household is given.
func addressSubject(db *tenants.DB, address string) []byte {
	if ip, err := netip.ParseAddr(address); err == nil && ip.Unmap().Is6() {
		if net, err := ip.WithZone("").Prefix(64); err == nil {
			address = net.String()
		}
	}
	return db.Vault().MAC(db.Realm().Name(), "sign-in-address", address)
}

// blockedSQL gives until when one of two subjects is blocked, or null.
const blockedSQL = `SELECT max(blocked_until) FROM sign_in_failures WHERE subject IN ($1::bytea, $2::bytea) AND blocked_until > $3::timestamptz`

// countSQL counts a failure of subject $1 unless it is blocked, or $7 is.
const countSQL = `INSERT INTO sign_in_failures AS f (subject, failures, last_at)
	SELECT $1::bytea, 1, $2::timestamptz WHERE NOT EXISTS (SELECT FROM sign_in_failures WHERE subject = $7::bytea AND blocked_until > $2::timestamptz)
	ON CONFLICT (subject) DO UPDATE SET last_at = $2::timestamptz, (failures, blocked_until) = (SELECT n,
		CASE WHEN n >= $3::integer THEN $2::timestamptz + interval '1 second' * least($5::double precision, $4::double precision * 2 ^ least(n - $3::integer, 30)) END
		FROM (SELECT greatest(0, f.failures - greatest(0, floor(extract(epoch FROM $2::timestamptz - f.last_at) / $6::double precision))::integer) + 1) AS c(n))
	WHERE f.blocked_until IS NULL OR f.blocked_until <= $2::timestamptz
	RETURNING failures`

func (t Throttle) queueCount(b *pgx.Batch, subject, unless []byte, now time.Time) {
	b.Queue(countSQL, subject, now, t.Free, t.Block.Seconds(), t.Longest.Seconds(), t.Decay.Seconds(), unless)
}

// tooMany is the answer to a blocked subject, the same for an account that does not exist.
func tooMany(until, now time.Time) error {
	wait := max(until.Sub(now), time.Second).Round(time.Second)
	return &domain.Error{Code: domain.OverQuota, Message: "There were too many failed attempts. Please wait a little and try again.", RetryAfter: wait}
}

// reserve counts a failure of the account before the password is compared, so that parallel guesses are counted too; a
// success takes it back. It gives the account found, in the same round trip, or domain.OverQuota with RetryAfter.
func (d *Desk) reserve(ctx context.Context, db *tenants.DB, key string, dev Device, now time.Time) (a account, found bool, err error) {
	who, where := accountSubject(db, key), addressSubject(db, dev.Address)
	b := &pgx.Batch{}
	b.Queue(blockedSQL, who, where, now)
	d.Account.queueCount(b, who, where, now)
	b.Queue(accountSQL+` WHERE user_name_key = $1::text AND state <> 'erased'`, key)
	var until *time.Time
	counted := 0
	err = db.WriteOneTrip(ctx, b, func(res pgx.BatchResults) error {
		if err := res.QueryRow().Scan(&until); err != nil {
			return err
		}
		if err := res.QueryRow().Scan(&counted); err != nil && err != pgx.ErrNoRows {
			return err
		}
		rows, err := res.Query()
		if err != nil {
			return err
		}
		found, err = oneAccount(rows, &a)
		return err
	})
	if err == nil && counted == 0 {
		if until == nil { // a parallel attempt blocked it at this moment
			blocked := now.Add(d.Account.Block)
			until = &blocked
		}
		return a, false, tooMany(*until, now)
	}
	return a, found, err
}

// addressFree gives domain.OverQuota when the address is blocked: for what names no account.
func (d *Desk) addressFree(ctx context.Context, q tenants.Querier, db *tenants.DB, dev Device, now time.Time) error {
	var until *time.Time
	where := addressSubject(db, dev.Address)
	if err := q.QueryRow(ctx, blockedSQL, where, where, now).Scan(&until); err != nil {
		return err
	}
	if until != nil {
		return tooMany(*until, now)
	}
	return nil
}
