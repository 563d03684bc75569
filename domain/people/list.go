package people

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lignum/domain"
	"lignum/tenants"
)

// UserFilter says which accounts to list. Conditions add up; the zero value lists everybody who is not erased.
type UserFilter struct {
	Prefix   string      // of the given, family or user name, or "given family"; case does not matter
	Role     string      // has this role
	State    string      // active or suspended
	SchoolID *uuid.UUID  // of this school
	Region   string      // of a school of this region; tenants only
	CoachID  *uuid.UUID  // learns in an active class of this coach; tenants only
	ClassID  *uuid.UUID  // has a place in this class; tenants only
	NotIn    *uuid.UUID  // has no place in this class; tenants only
	Grade    string      // of this form
	Child    *uuid.UUID  // is tied to this guardian; tenants only
	Self     *uuid.UUID  // is this one
	NoCard   bool        // has not chosen a password yet
	IDs      []uuid.UUID // is one of these; nil: anybody
	After    string      // the cursor of the page before
	Limit    int         // 1 to 200; 0: 50
}

// UserPage is a page of accounts in the order of their names.
type UserPage struct {
	Users []User `json:"users"`
	Next  string `json:"next,omitempty"` // empty: this is the last page
}

// Users lists accounts. It gives domain.Invalid for a filter or cursor that makes no sense.
func Users(ctx context.Context, q tenants.Querier, f UserFilter) (UserPage, error) {
	var page UserPage
	if f.Limit == 0 {
		f.Limit = 50
	}
	if f.Limit < 1 || f.Limit > 200 {
		return page, domain.InvalidField("limit", "must be 1 to 200")
	}
	if utf8.RuneCountInString(f.Prefix) > 100 || !utf8.ValidString(f.Prefix) || strings.ContainsRune(f.Prefix, 0) {
		return page, domain.InvalidField("prefix", "must have at most 100 characters")
	}
	where, args, err := f.where()
	if err != nil {
		return page, err
	}
	args = append(args, f.Limit+1)
	rows, err := q.Query(ctx, fmt.Sprintf("%s WHERE %s ORDER BY u.family_name, u.given_name, u.id LIMIT $%d::integer", userSQL, where, len(args)), args...)
	if err != nil {
		return page, err
	}
	if page.Users, err = pgx.CollectRows(rows, pgx.RowToStructByPos[User]); err != nil {
		return page, err
	}
	for i := range page.Users {
		page.Users[i].Version = page.Users[i].version()
	}
	if len(page.Users) > f.Limit {
		page.Users = page.Users[:f.Limit]
		last := page.Users[f.Limit-1]
		page.Next = cursor(last.FamilyName, last.GivenName, last.ID.String())
	}
	return page, nil
}

func (f UserFilter) where() (string, []any, error) {
	conditions, args := []string{"u.state <> 'erased'"}, []any{}
	add := func(sql string, values ...any) {
		for _, v := range values {
			args = append(args, v)
			sql = strings.Replace(sql, "?", fmt.Sprintf("$%d", len(args)), 1)
		}
		conditions = append(conditions, sql)
	}
	if p := strings.ToLower(strings.Join(strings.Fields(f.Prefix), " ")); p != "" {
		given, family, two := strings.Cut(p, " ")
		if two {
			add("lower(u.given_name) LIKE ?::text AND lower(u.family_name) LIKE ?::text", like(given), like(family))
		} else {
			add("(lower(u.family_name) LIKE ?::text OR lower(u.given_name) LIKE ?::text OR u.user_name_key LIKE ?::text)", like(p), like(p), like(p))
		}
	}
	if f.Role != "" {
		add("EXISTS (SELECT FROM user_roles r WHERE r.user_id = u.id AND r.role = ?::text)", f.Role)
	}
	if f.State != "" {
		add("u.state = ?::text", f.State)
	}
	if f.Grade != "" {
		add("u.grade = ?::text", f.Grade)
	}
	if f.Region != "" {
		add("u.school_id IN (SELECT id FROM schools WHERE region = ?::text)", f.Region)
	}
	if f.NoCard {
		add("u.password_hash IS NULL")
	}
	if f.IDs != nil {
		ids := make([]string, len(f.IDs))
		for i, id := range f.IDs {
			ids[i] = id.String()
		}
		add("u.id = ANY(?::text[]::uuid[])", ids)
	}
	for _, c := range []struct {
		id  *uuid.UUID
		sql string
	}{
		{f.Self, "u.id = ?::uuid"},
		{f.SchoolID, "u.school_id = ?::uuid"},
		{f.ClassID, "u.id IN (SELECT learner_id FROM enrolments WHERE class_id = ?::uuid AND state = 'active')"},
		{f.NotIn, "u.id NOT IN (SELECT learner_id FROM enrolments WHERE class_id = ?::uuid AND state = 'active')"},
		{f.CoachID, `u.id IN (SELECT e.learner_id FROM enrolments e JOIN classes c ON c.id = e.class_id
			WHERE c.coach_id = ?::uuid AND c.state = 'active' AND e.state = 'active')`},
		{f.Child, "u.id IN (SELECT learner_id FROM guardianships WHERE guardian_id = ?::uuid AND ended_at IS NULL)"},
	} {
		if c.id != nil {
			add(c.sql, c.id.String())
		}
	}
	if f.After != "" {
		at, err := readCursor(f.After, 3)
		if err != nil {
			return "", nil, err
		}
		if _, err := uuid.Parse(at[2]); err != nil {
			return "", nil, badCursor()
		}
		add("(u.family_name, u.given_name, u.id) > (?::text, ?::text, ?::uuid)", at[0], at[1], at[2])
	}
	return strings.Join(conditions, " AND "), args, nil
}

func cursor(parts ...string) string {
	raw, err := json.Marshal(parts)
	if err != nil {
		panic(err) // strings only
	}
	return base64.RawURLEncoding.EncodeToString(raw)
}

func badCursor() error {
	return domain.InvalidField("after", "is not a cursor that a page before this one gave")
}

func readCursor(text string, n int) ([]string, error) {
	var parts []string
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(text) > 2000 || json.Unmarshal(raw, &parts) != nil || len(parts) != n {
		return nil, badCursor()
	}
	for _, p := range parts {
		if !utf8.ValidString(p) || strings.ContainsRune(p, 0) {
			return nil, badCursor()
		}
	}
	return parts, nil
}
