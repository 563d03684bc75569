package letters_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"lignum/domain/letters"
	"lignum/domain/notices"
	"lignum/infra/mailcatcher"
	"lignum/tenants"
	"lignum/tenants/audit"
	"lignum/tenants/jobs"
	"lignum/tenants/mail"
	"lignum/tests/school"
	"lignum/tests/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// room is a tenant with people of all sorts.
type room struct {
	*testkit.Room
	coach, silent, gone, child uuid.UUID
}

func newRoom(t *testing.T) *room {
	t.Helper()
	r := &room{Room: testkit.NewRoom(t)}
	ids := school.People(t, r.DB, school.Person{UserName: "coach", GivenName: "Ada", FamilyName: "Adams", Email: "ada@moe.example", Roles: []string{"coach"}},
		school.Person{UserName: "silent", GivenName: "Bo", FamilyName: "Bell", Email: "bo@moe.example", Roles: []string{"coach"}},
		school.Person{UserName: "gone", GivenName: "Cy", FamilyName: "Cole", Email: "cy@moe.example", Roles: []string{"coach"}},
		school.Person{UserName: "child", GivenName: "Di", FamilyName: "Dale", Roles: []string{"student"}})
	r.coach, r.silent, r.gone, r.child = ids[0], ids[1], ids[2], ids[3]
	school.SetState(t, r.DB, "suspended", r.gone)
	r.OK(r.Write(func(tx *tenants.Tx) error { return mail.Wish(r.Ctx, tx, r.silent, mail.Wishes{}) }))
	return r
}

func (r *room) tell(k notices.Kind, p notices.Params) {
	r.T.Helper()
	r.OK(r.Write(func(tx *tenants.Tx) error {
		tx.Record(audit.Entry{Action: "notice.seen", ObjectKind: "notice"})
		return notices.Tell(r.Ctx, tx, k, p, []uuid.UUID{r.coach, r.silent, r.gone, r.child}, r.Now)
	}))
}

func (r *room) digest() {
	r.T.Helper()
	for range 2 { // it may run twice
		r.OK(letters.Digest(r.Ctx, &jobs.Job{ID: 1, Kind: "mail.digest", Tenant: r.Tenant("jamaica"), DB: r.DB, Due: r.Now, Now: r.Now}))
	}
}

// sent sends what waits, and gives it.
func (r *room) sent() []mailcatcher.Letter {
	r.T.Helper()
	c, err := mailcatcher.Start(mailcatcher.Options{})
	r.OK(err)
	defer c.Close()
	post, err := mail.NewPost(mail.Settings{Server: "smtp+plain://" + c.Address(), From: "no-reply@lignum.example"}, func(*tenants.Tenant) string { return "https://jamaica.lignum.example" })
	r.OK(err)
	defer post.Close()
	var ids []string
	r.Read(func(q *tenants.Reader) error {
		return q.QueryRow(r.Ctx, "SELECT coalesce(array_agg(id::text ORDER BY id), '{}') FROM mails WHERE state = 'waiting'").Scan(&ids)
	})
	for _, id := range ids {
		r.OK(post.Send(r.Ctx, &jobs.Job{ID: 2, About: id, Tenant: r.Tenant("jamaica"), DB: r.DB, Now: r.Now}))
	}
	return c.Letters()
}

func TestADigestCountsAndNamesNothing(t *testing.T) {
	r := newRoom(t)
	r.digest()
	if n := len(r.sent()); n != 0 {
		t.Fatalf("nothing is new, and %d letters go out", n)
	}
	r.tell(notices.ClassCancelled, notices.Params{"class": "Biology 3", "class_id": "x", "reason": "Mr Brown has the measles"})
	r.tell(notices.ClassMoved, notices.Params{"class": "Biology 3", "class_id": "x", "when": "later"})
	r.tell(notices.AccountReset, notices.Params{"who": "Mr Brown", "name": "Di Dale", "id": "x"})
	r.tell(notices.PasswordChanged, notices.Params{"day": "2026-09-07"}) // which is told at once
	r.Now = r.Now.Add(time.Hour)
	r.digest()
	got := r.sent()
	if len(got) != 1 || got[0].To[0] != "ada@moe.example" {
		t.Fatalf("the letters went to %v", got)
	}
	for _, form := range []string{got[0].Text, got[0].HTML} {
		for _, want := range []string{"2 notices about your classes", "1 notice about an account", "https://jamaica.lignum.example/notices"} {
			if !strings.Contains(form, want) {
				t.Errorf("it lacks %q:\n%s", want, form)
			}
		}
		for _, never := range []string{"Biology", "measles", "Brown", "Di", "Dale"} {
			if strings.Contains(strings.ReplaceAll(form, "display", ""), never) {
				t.Errorf("it says %q:\n%s", never, form)
			}
		}
	}
	if got[0].Subject != "3 new notices for you" {
		t.Errorf("its subject is %q", got[0].Subject)
	}
	// What a letter has told of is not told of again; what came since is.
	r.Now = r.Now.Add(24 * time.Hour)
	r.digest()
	if n := len(r.sent()); n != 0 {
		t.Errorf("%d letters tell of it again", n)
	}
	r.tell(notices.ClassCoach, notices.Params{"class": "Biology 3", "class_id": "x", "who": "Mr Brown"})
	r.Now = r.Now.Add(24 * time.Hour)
	r.digest()
	if got := r.sent(); len(got) != 1 || got[0].Subject != "1 new notice for you" {
		t.Errorf("of what came since, they are told %v", got)
	}
	// And what was seen is not.
	r.tell(notices.ClassCoach, notices.Params{"class": "Biology 3", "class_id": "x", "who": "Mr Brown"})
	r.Do("UPDATE notices SET seen_at = $1::timestamptz", r.Now)
	r.Now = r.Now.Add(24 * time.Hour)
	r.digest()
	if n := len(r.sent()); n != 0 {
		t.Errorf("%d letters tell of what was seen", n)
	}
}

func TestManyAreWrittenToInBatches(t *testing.T) {
	r := testkit.NewRoom(t)
	var many []school.Person
	for i := range 1203 {
		name := "p" + strings.Repeat("a", i%5) + uuid.NewString()[:8]
		many = append(many, school.Person{UserName: name, GivenName: "A", FamilyName: "B", Email: name + "@moe.example", Roles: []string{"teacher"}})
	}
	ids := school.People(t, r.DB, many...)
	r.OK(r.Write(func(tx *tenants.Tx) error {
		tx.Record(audit.Entry{Action: "notice.seen", ObjectKind: "notice"})
		return notices.Tell(r.Ctx, tx, notices.TestMarked, notices.Params{"test": "x"}, ids, r.Now)
	}))
	r.Now = r.Now.Add(time.Hour)
	r.OK(letters.Digest(r.Ctx, &jobs.Job{ID: 1, Tenant: r.Tenant("jamaica"), DB: r.DB, Due: r.Now, Now: r.Now}))
	if n := r.Number("SELECT count(DISTINCT user_id) FROM mails WHERE kind = 'digest'"); n != len(ids) {
		t.Errorf("%d of %d are written to", n, len(ids))
	}
}

func TestOnesAccountIsToldOfAtOnce(t *testing.T) {
	r := newRoom(t)
	for _, owner := range []uuid.UUID{r.coach, r.silent, r.gone, r.child} { // whoever wants no digest has this
		r.OK(r.Write(func(tx *tenants.Tx) error {
			tx.Record(audit.Entry{Action: "user.totp.confirm", ObjectKind: "user"})
			return letters.Tell(r.Ctx, tx, notices.SecondFactorAdded, notices.Params{"day": "2026-09-07"}, owner, r.Now)
		}))
	}
	got := r.sent()
	if len(got) != 2 || got[0].To[0] != "ada@moe.example" || got[1].To[0] != "bo@moe.example" {
		t.Fatalf("the letters are %v", got)
	}
	if !strings.Contains(got[0].Text, "An authenticator app was added to your account on 7 September 2026") || got[0].Head.Get("List-Unsubscribe") != "" {
		t.Errorf("it says:\n%s", got[0].Text)
	}
}
