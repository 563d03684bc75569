package growth

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"lignum/domain/demo/rows"
	"lignum/tenants"
	"lignum/tenants/audit"
	"lignum/tests/school"
)

func (c Country) coaches() int { return c.Learners/60 + 1 }

func (c Country) guardians() int { return max(1, c.Learners/10) }

var (
	givenNames  = []string{"Aaliyah", "Brianna", "Carlton", "Damion", "Errol", "Gabrielle", "Janelle", "Jermaine", "Keisha", "Marcus", "Oneil", "Shanice", "Tajay", "Zion"}
	familyNames = []string{"Allen", "Bailey", "Brown", "Campbell", "Clarke", "Davis", "Edwards", "Francis", "Grant", "Henry", "Johnson", "Lewis", "Morgan", "Palmer", "Reid", "Smith", "Thompson", "Williams", "Wright", "Young"}
)

// somePassword is a hash that no password has.
const somePassword = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

// numbered is id as a value: the n-th of a kind.
func numbered(kind string, n int) uuid.UUID {
	return uuid.MustParse(fmt.Sprintf("%s0000000-0000-7000-8000-%012x", kind, n))
}

// everybody is all the people of the country. One in a hundred is suspended, one learner in five has no password yet, one in three is on
// the leaderboards.
func (c Country) everybody() (list []school.Person) {
	add := func(kind, role, stem string, count int, at func(n int) uuid.UUID) {
		for n := 1; n <= count; n++ {
			p := school.Person{ID: numbered(kind, n), UserName: fmt.Sprint(stem, n), GivenName: givenNames[n%len(givenNames)], FamilyName: familyNames[n/len(givenNames)%len(familyNames)],
				Roles: []string{role}, SchoolID: at(n), PasswordHash: somePassword}
			if n%97 == 20 {
				p.State = "suspended"
			}
			if role == "student" {
				p.Grade, p.Listed = fmt.Sprint(7+n%5), n%3 == 1
				if n%5 == 3 {
					p.PasswordHash = ""
				}
			}
			list = append(list, p)
		}
	}
	nowhere := func(int) uuid.UUID { return uuid.Nil }
	own := func(n int) uuid.UUID { return numbered("a", n) }
	add("b", "student", "student", c.Learners, func(n int) uuid.UUID { return numbered("a", 1+n%c.Schools) })
	add("c", "teacher", "teacher", c.Schools, own)
	add("d", "school_administrator", "head", c.Schools, own)
	add("e", "coach", "coach", c.coaches(), nowhere)
	add("f", "guardian", "guardian", c.guardians(), nowhere)
	add("9", "ministry_official", "official", 1, nowhere)
	ruler := school.Person{ID: numbered("9", 2), UserName: "ruler1", GivenName: givenNames[1], FamilyName: familyNames[0], Roles: []string{"tenant_administrator"}, PasswordHash: somePassword}
	return append(list, ruler)
}

// people makes schools, people who are all signed in, and the ties of guardians, some thousands in a transaction.
func (c Country) people(ctx context.Context, db *tenants.DB) error {
	write := func(fn func(tx *tenants.Tx) error) error {
		return db.Write(ctx, audit.Actor{Name: "growth"}, func(tx *tenants.Tx) error {
			tx.Record(audit.Entry{Action: "growth.people"})
			return fn(tx)
		})
	}
	schools := make([]school.School, c.Schools)
	for i := range schools {
		n := i + 1
		schools[i] = school.School{ID: numbered("a", n), SourceID: fmt.Sprintf("s%d", n), Name: fmt.Sprintf("School %d", n), Region: fmt.Sprintf("Region %d", 1+n%14)}
	}
	if err := write(func(tx *tenants.Tx) error { return rows.Schools(ctx, tx, schools) }); err != nil {
		return err
	}
	const chunk = 5_000
	now := time.Now().UTC()
	all := c.everybody()
	for from := 0; from < len(all); from += chunk {
		some := all[from:min(from+chunk, len(all))]
		sessions := make([]school.Session, len(some))
		for i, p := range some {
			sessions[i] = school.Session{ID: uuid.New(), User: p.ID, ExpiresAt: now.AddDate(0, 0, 30)}
		}
		err := write(func(tx *tenants.Tx) error {
			if err := rows.People(ctx, tx, db.Realm(), now, some); err != nil {
				return err
			}
			return school.OpenSessions(ctx, tx, sessions...)
		})
		if err != nil {
			return err
		}
	}
	ties := make([]rows.Guardianship, c.guardians())
	for i := range ties {
		ties[i] = rows.Guardianship{Guardian: numbered("f", i+1), Learner: numbered("b", i+1), ConsentAt: now}
	}
	return write(func(tx *tenants.Tx) error { return rows.Guardianships(ctx, tx, ties) })
}
