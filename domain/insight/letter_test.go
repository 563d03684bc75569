package insight_test

import (
	"strings"
	"testing"
	"time"

	"lignum/domain/insight"
	"lignum/infra/mailcatcher"
	"lignum/tenants"
	"lignum/tenants/jobs"
	"lignum/tenants/mail"
	"lignum/tests/school"
	"lignum/tests/testkit"
)

func TestOfficialsAreWrittenTheWeek(t *testing.T) {
	r := testkit.NewRoom(t) // on a Monday
	school.People(t, r.DB, school.Person{UserName: "official", GivenName: "Ada", FamilyName: "Adams", Email: "ada@moe.example", Roles: []string{"ministry_official"}},
		school.Person{UserName: "other", GivenName: "Bo", FamilyName: "Bell", Email: "bo@moe.example", Roles: []string{"teacher"}},
		school.Person{UserName: "unreachable", GivenName: "Cy", FamilyName: "Cole", Roles: []string{"ministry_official"}})
	learners := school.Learners(t, r.DB, 12, school.Schools(t, r.DB, school.School{Name: "One"})[0])
	var days []school.Day
	for i, learner := range learners {
		days = append(days, school.Day{User: learner, Day: school.Date(t, "2026-09-02")})
		if i < 3 {
			days = append(days, school.Day{User: learner, Day: school.Date(t, "2026-09-03")})
		}
	}
	school.Attendance(t, r.DB, days...)
	write := func(now time.Time) {
		t.Helper()
		for range 2 { // it may run twice
			r.OK(insight.WriteWeek(r.Ctx, &jobs.Job{ID: 1, Kind: "mail.figures", Tenant: r.Tenant("jamaica"), DB: r.DB, Due: now, Now: now}))
		}
	}
	write(r.Now.AddDate(0, 0, 1))
	if n := r.Number("SELECT count(*) FROM mails"); n != 0 {
		t.Fatalf("%d letters on a Tuesday", n)
	}
	write(r.Now)
	if n := r.Number("SELECT count(*) FROM mails"); n != 2 { // an administrator's role includes the official's
		t.Fatalf("%d letters", n)
	}
	c, err := mailcatcher.Start(mailcatcher.Options{})
	r.OK(err)
	defer c.Close()
	post, err := mail.NewPost(mail.Settings{Server: "smtp+plain://" + c.Address(), From: "no-reply@lignum.example"}, func(*tenants.Tenant) string { return "https://jamaica.lignum.example" })
	r.OK(err)
	defer post.Close()
	var id string
	r.Read(func(q *tenants.Reader) error {
		return q.QueryRow(r.Ctx, "SELECT id::text FROM mails WHERE address = 'ada@moe.example'").Scan(&id)
	})
	r.OK(post.Send(r.Ctx, &jobs.Job{ID: 2, About: id, Tenant: r.Tenant("jamaica"), DB: r.DB, Now: r.Now}))
	got := c.Letters()
	if len(got) != 1 || got[0].To[0] != "ada@moe.example" {
		t.Fatalf("the letters are %v", got)
	}
	for _, want := range []string{"from 31 August 2026 to 6 September 2026", "Learners in class on 2 September 2026: 12", "Learners in class on 3 September 2026: fewer than 5", "Learners: 12", "https://jamaica.lignum.example/figures", "/mail/stop?"} {
		if !strings.Contains(got[0].Text+got[0].Subject, want) {
			t.Errorf("it lacks %q:\n%s\n%s", want, got[0].Subject, got[0].Text)
		}
	}
	// Who wants it no more has none.
	r.OK(r.Write(func(tx *tenants.Tx) error {
		return mail.Wish(r.Ctx, tx, school.ID(t, r.DB, "official"), mail.Wishes{Digest: true})
	}))
	write(r.Now.AddDate(0, 0, 7))
	if n := r.Number("SELECT count(*) FROM mails WHERE address = 'ada@moe.example'"); n != 1 {
		t.Errorf("%d letters after they were stopped", n)
	}
}
