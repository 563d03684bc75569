package identity

import (
	"context"
	"net/netip"
	"time"

	"github.com/jackc/pgx/v5"

	"lignum/domain"
	"lignum/domain/words"
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

// AccountThrottle, DeviceThrottle and AddressThrottle are what a Desk starts with. A whole school may stand behind one address, so
// an address has more room and is blocked for less. A device that has used its room up is not shut out: while it is blocked, it is
// counted as a stranger.
var (
	AccountThrottle = Throttle{Free: 5, Block: 30 * time.Second, Longest: 15 * time.Minute, Decay: 30 * time.Minute}
	DeviceThrottle  = Throttle{Free: 10, Block: 15 * time.Minute, Longest: 12 * time.Hour, Decay: 30 * time.Minute}
	AddressThrottle = Throttle{Free: 50, Block: 30 * time.Second, Longest: 5 * time.Minute, Decay: 5 * time.Second}
)

// Failures are counted under keyed hashes: of an account's name, known or not, of an address, and of a device that has signed in to the account
// before (device.go).

// accountSubject returns the hash for an account's name, known or not.
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

// onFailure counts one more failure at $2 of a subject that is not blocked. $3 to $6 are the Throttle.
const onFailure = ` ON CONFLICT (subject) DO UPDATE SET last_at = $2::timestamptz, (failures, blocked_until) = (SELECT n,
		CASE WHEN n >= $3::integer THEN $2::timestamptz + interval '1 second' * least($5::double precision, $4::double precision * 2 ^ least(n - $3::integer, 30)) END
		FROM (SELECT greatest(0, f.failures - greatest(0, floor(extract(epoch FROM $2::timestamptz - f.last_at) / $6::double precision))::integer) + 1) AS c(n))
	WHERE f.blocked_until IS NULL OR f.blocked_until <= $2::timestamptz
	RETURNING subject`

// countSQL counts a failure of subject $1 unless it is blocked, or $7 is, or one of the devices $8 was counted in this very
// transaction.
const countSQL = `INSERT INTO sign_in_failures AS f (subject, failures, last_at)
	SELECT $1::bytea, 1, $2::timestamptz WHERE NOT EXISTS (SELECT FROM sign_in_failures WHERE subject = $7::bytea AND blocked_until > $2::timestamptz)
		AND NOT EXISTS (SELECT FROM sign_in_failures d JOIN unnest($8::text[]) k ON d.subject = decode(k, 'hex') WHERE d.xmin = pg_current_xact_id()::xid)` + onFailure

// countDeviceSQL counts a failure of the device, of those in $7 (accounts) and $8 (subjects), that has signed in to the account
// named $1 before. It counts none when the device is blocked, or is of other accounts alone.
const countDeviceSQL = `INSERT INTO sign_in_failures AS f (subject, failures, last_at)
	SELECT decode(k.subject, 'hex'), 1, $2::timestamptz FROM unnest($7::text[], $8::text[]) WITH ORDINALITY AS k(user_id, subject, n)
		JOIN users u ON u.id = k.user_id::uuid AND u.user_name_key = $1::text ORDER BY k.n LIMIT 1` + onFailure

func (t Throttle) queue(b *pgx.Batch, sql string, subject any, now time.Time, more ...any) {
	b.Queue(sql, append([]any{subject, now, t.Free, t.Block.Seconds(), t.Longest.Seconds(), t.Decay.Seconds()}, more...)...)
}

func (t Throttle) queueCount(b *pgx.Batch, subject, unless []byte, now time.Time) {
	t.queue(b, countSQL, subject, now, unless, []string{})
}

// tooMany is the answer to a blocked subject, the same for an account that does not exist.
func tooMany(until, now time.Time) error {
	wait := max(until.Sub(now), time.Second).Round(time.Second)
	return &domain.Error{Code: domain.OverQuota, Message: words.Say("identity.there_were_too_many_failed"), RetryAfter: wait}
}

// reserve counts a failure before the password is compared, so that parallel guesses are counted too; a success takes it back with
// forgive. It is counted for the device when that has signed in to the account before, and neither the account's nor the
// address's block stops it; otherwise for the account. reserve gives the account found, in the same round trip, or
// domain.OverQuota with RetryAfter.
func (d *Desk) reserve(ctx context.Context, db *tenants.DB, key string, dev Device, now time.Time) (a account, counted reserved, err error) {
	who, where := accountSubject(db, key), addressSubject(db, dev.Address)
	users, devices := []string{}, []string{}
	for _, k := range knownDevices(db, dev.Tokens, now) {
		users, devices = append(users, k.user), append(devices, k.subject)
	}
	b := &pgx.Batch{}
	b.Queue(blockedSQL, who, where, now)
	d.Device.queue(b, countDeviceSQL, key, now, users, devices)
	d.Account.queue(b, countSQL, who, now, where, devices)
	b.Queue(accountSQL+` WHERE u.user_name_key = $1::text AND u.state <> 'erased'`, key)
	var until *time.Time
	err = db.WriteOneTrip(ctx, b, func(res pgx.BatchResults) error {
		if err := res.QueryRow().Scan(&until); err != nil {
			return err
		}
		for range 2 {
			if err := res.QueryRow().Scan(&counted.subject); err != nil && err != pgx.ErrNoRows {
				return err
			}
		}
		rows, err := res.Query()
		if err != nil {
			return err
		}
		counted.found, err = oneAccount(rows, &a)
		return err
	})
	if err == nil && counted.subject == nil {
		if until == nil { // a parallel attempt blocked it at this moment
			blocked := now.Add(d.Account.Block)
			until = &blocked
		}
		return account{}, reserved{}, tooMany(*until, now)
	}
	return a, counted, err
}

// reserved is where an attempt was counted as a failure, and whether there is an account of that name.
type reserved struct {
	subject []byte
	found   bool
}

// forgive takes the failure back, and those before it of the same subject, with the commit of the success.
func (r reserved) forgive(tx *tenants.Tx) {
	tx.Last(`DELETE FROM sign_in_failures WHERE subject = $1::bytea`, r.subject)
}

// addressFree returns domain.OverQuota when the address is blocked: for what names no account.
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
