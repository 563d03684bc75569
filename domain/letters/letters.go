// Package letters says who is written to by mail, in which language, and what the letters say that come of notices: at once of what was done to somebody's account,
// and once a day that there is something new. How they are kept and sent is tenants/mail.
//
// A letter of this room names nobody but its reader, and gives no reason and no mark: what is new is counted, and stands on the page of notices. It stands above people and
// notices, of whom it reads, and below the rooms that write letters of their own.
package letters

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lignum/domain/notices"
	"lignum/domain/words"
	"lignum/tenants"
	"lignum/tenants/audit"
	"lignum/tenants/jobs"
	"lignum/tenants/mail"
)

// To is how those of some people are written to who have an address and an account in good standing, by their ids.
func To(ctx context.Context, q tenants.Querier, users ...uuid.UUID) (map[uuid.UUID]mail.To, error) {
	ids := make([]string, len(users))
	for i, id := range users {
		ids[i] = id.String()
	}
	rows, err := q.Query(ctx, `SELECT id, email, given_name || ' ' || family_name, coalesce(locale, '') FROM users
		WHERE id = ANY($1::text[]::uuid[]) AND email IS NOT NULL AND state = 'active'`, ids)
	if err != nil {
		return nil, err
	}
	to := map[uuid.UUID]mail.To{}
	var r mail.To
	var own string
	wants := map[uuid.UUID]string{}
	if _, err := pgx.ForEachRow(rows, []any{&r.UserID, &r.Address, &r.Name, &own}, func() error {
		to[r.UserID], wants[r.UserID] = r, own
		return nil
	}); err != nil || len(to) == 0 {
		return to, err
	}
	spoken, err := spokenIn(ctx, q)
	for id, r := range to {
		r.Language = words.Choose(wants[id], "", spoken)
		to[id] = r
	}
	return to, err
}

// spokenIn are the languages of a realm.
func spokenIn(ctx context.Context, q tenants.Querier) ([]words.Language, error) {
	b, err := tenants.ReadBranding(ctx, q)
	return b.Languages, err
}

// Tell writes what somebody is told of their own account at once, beside the notice: it may be that they cannot sign in any more.
func Tell(ctx context.Context, tx *tenants.Tx, k notices.Kind, p notices.Params, owner uuid.UUID, now time.Time) error {
	to, err := To(ctx, tx, owner)
	if err != nil || len(to) == 0 {
		return err
	}
	return mail.Write(ctx, tx, now, mail.Letter{Kind: "account", To: to[owner], Subject: words.Say("letters.about_your_account"),
		Lines: []words.Text{k.Sentence(p)}, Button: words.Say("letters.sign_in"), Path: "/account"})
}

// batch is how many people one transaction writes to.
const batch = 500

// recent is how old what is new may be.
const recent = 7 * 24 * time.Hour

// Digest writes to everybody who has an address, wants it, and has something new among their notices that no letter has told of. It may run twice: a person has one such letter a
// day.
func Digest(ctx context.Context, j *jobs.Job) error {
	day := j.Due.UTC().Format(time.DateOnly)
	for after := uuid.Nil; ; {
		var news []newFor
		if err := j.DB.ReadFresh(ctx, func(r *tenants.Reader) (err error) {
			news, err = newsAfter(ctx, r, after, j.Now)
			return err
		}); err != nil || len(news) == 0 {
			return err
		}
		if err := j.DB.Write(ctx, j.Actor(), func(tx *tenants.Tx) error {
			spoken, err := spokenIn(ctx, tx)
			if err != nil {
				return err
			}
			list := make([]mail.Letter, len(news))
			for i, n := range news {
				n.To.Language = words.Choose(n.locale, "", spoken)
				list[i] = mail.Letter{Kind: "digest", To: n.To, Subject: words.Say("letters.new_among_your_notices", "N", n.accounts+n.classes+n.work+n.plans), Lines: n.lines(),
					Button: words.Say("letters.see_your_notices"), Path: "/notices", Topic: mail.Digest, Once: "digest:" + day, Life: 20 * time.Hour}
			}
			tx.Record(audit.Entry{Action: "mail.digest", ObjectKind: "mail", After: map[string]any{"letters": len(list)}})
			return mail.Write(ctx, tx, j.Now, list...)
		}); err != nil {
			return err
		}
		if after = news[len(news)-1].To.UserID; len(news) < batch {
			return nil
		}
	}
}

// newFor is how much is new for somebody, of each sort.
type newFor struct {
	mail.To
	locale                         string
	accounts, classes, work, plans int
}

func (n newFor) lines() []words.Text {
	list := []words.Text{words.Say("letters.since_you_looked")}
	for _, sort := range []struct {
		key string
		n   int
	}{{"letters.about_accounts", n.accounts}, {"letters.about_classes", n.classes}, {"letters.about_work", n.work}, {"letters.about_plans", n.plans}} {
		if sort.n > 0 {
			list = append(list, words.Say(sort.key, "N", sort.n))
		}
	}
	return list
}

// newsAfter gives the next people, by id, for whom something is new, a batch of them.
func newsAfter(ctx context.Context, q tenants.Querier, after uuid.UUID, now time.Time) ([]newFor, error) {
	rows, err := q.Query(ctx, `SELECT u.id, u.email, u.given_name || ' ' || u.family_name, coalesce(u.locale, ''), n.accounts, n.classes, n.work, n.plans
		FROM users u LEFT JOIN mail_wishes w ON w.user_id = u.id
		CROSS JOIN LATERAL (SELECT count(*) FILTER (WHERE kind = ANY($3::text[])) AS accounts, count(*) FILTER (WHERE kind = ANY($4::text[])) AS classes,
				count(*) FILTER (WHERE kind = ANY($5::text[])) AS work, count(*) FILTER (WHERE kind = ANY($7::text[])) AS plans
			FROM (SELECT kind FROM notices WHERE user_id = u.id AND seen_at IS NULL AND created_at > $2::timestamptz
				AND created_at > coalesce((SELECT m.created_at FROM mails m WHERE m.user_id = u.id AND m.kind = 'digest' ORDER BY m.id DESC LIMIT 1), '-infinity') LIMIT 1000) AS unseen) AS n
		WHERE u.email IS NOT NULL AND u.state = 'active' AND u.id > $1::uuid AND w.digest IS DISTINCT FROM false AND n.accounts + n.classes + n.work + n.plans > 0
		ORDER BY u.id LIMIT $6::integer`, after.String(), now.Add(-recent), notices.KindsAbout(notices.Accounts), notices.KindsAbout(notices.Classes), notices.KindsAbout(notices.Work), batch, notices.KindsAbout(notices.Plans))
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (n newFor, err error) {
		err = row.Scan(&n.UserID, &n.Address, &n.Name, &n.locale, &n.accounts, &n.classes, &n.work, &n.plans)
		return n, err
	})
}
