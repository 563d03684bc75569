package people

import (
	"context"
	"strings"

	"github.com/google/uuid"

	"lignum/domain"
	"lignum/tenants"
)

// RecordQuery names one learner: by user name, or by full name and school.
type RecordQuery struct {
	UserName   string     `json:"user_name,omitempty" maxLength:"64" doc:"The exact user name; small and capital letters are the same"`
	GivenName  string     `json:"given_name,omitempty" maxLength:"100" doc:"The full given name, together with family_name and school_id"`
	FamilyName string     `json:"family_name,omitempty" maxLength:"100" doc:"The full family name"`
	SchoolID   *uuid.UUID `json:"school_id,omitempty" format:"uuid" doc:"The id of the learner's school"`
	Grade      string     `json:"grade,omitempty" maxLength:"20" doc:"With the names: the grade, where a school has two learners of one name"`
}

// Validate puts the query into normal form. A user name and a name at once, or half a name, is domain.Invalid.
func (q *RecordQuery) Validate() error {
	join := func(s string) string { return strings.Join(strings.Fields(s), " ") }
	q.UserName, q.GivenName, q.FamilyName, q.Grade = FoldUserName(q.UserName), join(q.GivenName), join(q.FamilyName), join(q.Grade)
	var p domain.Problems
	p.Text("user_name", q.UserName, 0, 64)
	p.Text("given_name", q.GivenName, 0, 100)
	p.Text("family_name", q.FamilyName, 0, 100)
	p.Text("grade", q.Grade, 0, 20)
	named := q.GivenName != "" || q.FamilyName != ""
	switch {
	case q.UserName == "" && !named:
		p.Add("user_name", "people.must_be_given_or_else")
	case q.UserName != "" && named:
		p.Add("user_name", "people.must_be_given_alone_or")
	case named:
		if q.GivenName == "" {
			p.Add("given_name", "people.must_be_given_with_the")
		}
		if q.FamilyName == "" {
			p.Add("family_name", "people.must_be_given_with_the_given")
		}
		if q.SchoolID == nil {
			p.Add("school_id", "people.must_be_chosen_with_a")
		}
	}
	return p.Err()
}

// FindRecord returns the one learner that a query names. Nobody, and more than one, are the same domain.NotFound: nothing is said of
// who is nearly meant.
func FindRecord(ctx context.Context, q tenants.Querier, in RecordQuery) (uuid.UUID, error) {
	meant := tenants.Entity[User](q).Select("id").Where("state <> ? AND EXISTS (SELECT FROM user_roles r WHERE r.user_id = users.id AND r.role = ?)", UserErased, Student).Limit(2)
	if in.UserName != "" { // a condition of its own each, so that each has its index
		meant = meant.Where("user_name_key = ?", in.UserName)
	} else {
		meant = meant.Where("lower(family_name) = lower(?::text) AND lower(given_name) = lower(?::text) AND school_id = ?", in.FamilyName, in.GivenName, in.SchoolID)
		if in.Grade != "" {
			meant = meant.Where("grade = ?", in.Grade)
		}
	}
	found, err := meant.Find(ctx)
	if err != nil {
		return uuid.Nil, err
	}
	if len(found) != 1 {
		return uuid.Nil, domain.Refuse(domain.NotFound, "people.no_record_was_found_or")
	}
	return found[0].ID, nil
}
