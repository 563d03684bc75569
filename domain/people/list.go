package people

import (
	"context"
	"fmt"
	"slices"
	"strconv"
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
	State    UserState   // of this state; those that are erased are never listed
	SchoolID *uuid.UUID  // of this school
	Region   string      // of a school of this region; tenants only
	In       []Group     // is in each of these; tenants only
	NotIn    []Group     // is in none of these; tenants only
	Grade    string      // of this form
	Child    *uuid.UUID  // is tied to this guardian; tenants only
	Self     *uuid.UUID  // is this one
	NoCard   bool        // has not chosen a password yet
	IDs      []uuid.UUID // is one of these; nil: anybody
}

const userSQL = `SELECT u.id, u.source_id, u.user_name, u.given_name, u.family_name, u.email, u.state, u.state_reason, u.school_id, u.grade, u.locale,
	ARRAY(SELECT role FROM user_roles r WHERE r.user_id = u.id ORDER BY role), u.has_password, u.second_factor,
	u.created_at, u.updated_at FROM users u`

// Users lists accounts by name; those that were looked for by a beginning of a name, first the ones whose family name begins so, then given
// names, then user names. What it reads depends on the page and not on how many accounts there are. It gives domain.Invalid for a filter or cursor that makes no sense.
func Users(ctx context.Context, q tenants.Querier, f UserFilter, page domain.Page) (domain.List[User], error) {
	var none domain.List[User]
	texts := 2
	if parts, _ := f.words(); parts != nil {
		texts = 3
	}
	limit, after, err := page.Read(texts, 1)
	if err != nil {
		return none, err
	}
	if err := f.Check(); err != nil {
		return none, err
	}
	sql, args, err := f.statement(limit, after)
	if err != nil {
		return none, err
	}
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		return none, err
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[User])
	for i := range list {
		list[i].Version = list[i].version()
	}
	return domain.Cut(list, limit, f.key), err
}

// Check gives domain.Invalid for a filter that makes no sense. A state or role that is none just finds nobody.
func (f *UserFilter) Check() error {
	var p domain.Problems
	if utf8.RuneCountInString(f.Prefix) > 100 || !utf8.ValidString(f.Prefix) || strings.ContainsRune(f.Prefix, 0) {
		p.Add("prefix", "people.must_have_at_most_100")
	}
	for name, v := range map[string]string{"role": f.Role, "state": string(f.State)} {
		if len(v) > 64 || !utf8.ValidString(v) || strings.ContainsRune(v, 0) {
			p.Add(name, "domain.must_be_one_of_those")
		}
	}
	if len(p) == 0 && f.State != "" && f.State != UserActive && f.State != UserSuspended {
		p.Add("state", "domain.must_be_one_of_those")
	}
	return p.Err()
}

// searched is one part of a search: what must begin so, and the order of the part, in which an index has it.
type searched struct{ begins, first, second string }

var (
	familyKey = `lower(u.family_name) COLLATE "C"`
	givenKey  = `lower(u.given_name) COLLATE "C"`
	searches  = []searched{{familyKey + " LIKE ?::text", familyKey, givenKey}, {givenKey + " LIKE ?::text", givenKey, familyKey}, {`u.user_name_key COLLATE "C" LIKE ?::text`, `u.user_name_key COLLATE "C"`, "''"}}
	bothNames = []searched{{givenKey + " LIKE ?::text AND " + familyKey + " LIKE ?::text", givenKey, familyKey}}
)

// words returns what is looked for, in lower case; two of them are a given and a family name.
func (f *UserFilter) words() (parts []searched, begin []string) {
	p := strings.ToLower(strings.Join(strings.Fields(f.Prefix), " "))
	if given, family, two := strings.Cut(p, " "); two {
		return bothNames, []string{given, family}
	}
	if p == "" {
		return nil, nil
	}
	return searches, []string{p}
}

// key is where an account stands in the list: in which part of a search, and in its order.
func (f *UserFilter) key(u User) []string {
	parts, words := f.words()
	family, given, name := strings.ToLower(u.FamilyName), strings.ToLower(u.GivenName), strings.ToLower(u.UserName)
	switch {
	case parts == nil:
		return []string{u.FamilyName, u.GivenName, u.ID.String()}
	case len(words) == 2:
		return []string{"0", given, family, u.ID.String()}
	case strings.HasPrefix(family, words[0]):
		return []string{"0", family, given, u.ID.String()}
	case strings.HasPrefix(given, words[0]):
		return []string{"1", given, family, u.ID.String()}
	}
	return []string{"2", name, "", u.ID.String()}
}

const hasRole = "EXISTS (SELECT FROM user_roles r WHERE r.user_id = u.id AND r.role = ?::text)"

// few tells whether those whom the filter leaves are few enough to look at all of them, or have an index of their own.
func (f *UserFilter) few() bool { return f.NoCard || f.State == UserSuspended || f.tied() }

// tied reports whether the filter names a school, a group or the like.
func (f *UserFilter) tied() bool {
	return f.Grade != "" || f.SchoolID != nil || len(f.In) > 0 || f.Child != nil || f.Self != nil
}

// statement makes the statement of a filter, for one more than limit of those who stand after a key; nil: from the start.
func (f *UserFilter) statement(limit int, at []string) (string, []any, error) {
	asked, rare := *f, "" // of a role, those who are suspended or wait for a card have an index: what it says is not asked of the account again
	parts, words := f.words()
	if parts == nil && !f.tied() {
		switch {
		case f.Role == "":
		case f.State == UserSuspended:
			asked.State, rare = "", " AND n.suspended"
		case f.NoCard:
			asked.NoCard, rare = false, " AND n.waiting"
		}
	}
	conditions, args := asked.where()
	arg := func(sql string, values ...string) string { return bind(&args, sql, values...) }
	args = append(args, limit+1)
	most := fmt.Sprintf(" LIMIT $%d::integer", len(args))
	if parts == nil {
		from, family, given, id := "", "u.family_name", "u.given_name", "u.id"
		switch {
		case f.Role == "":
		case f.tied():
			conditions = append(conditions, arg(hasRole, f.Role))
		default: // those who have a role are in the order of their names too
			from, family, given, id = arg(" JOIN user_roles n ON n.user_id = u.id AND n.role = ?::text", f.Role)+rare, "n.family_name", "n.given_name", "n.user_id"
		}
		if at != nil {
			conditions = append(conditions, arg("("+family+", "+given+", "+id+") > (?::text, ?::text, ?::uuid)", at...))
		}
		return userSQL + from + " WHERE " + strings.Join(conditions, " AND ") + " ORDER BY " + family + ", " + given + ", " + id + most, args, nil
	}
	// Those who have a role have an index of each part too.
	of, person, id := strings.NewReplacer(), "users u", "u.id"
	if f.Role != "" && f.few() {
		conditions = append(conditions, arg(hasRole, f.Role))
	} else if f.Role != "" {
		of, person, id = strings.NewReplacer("u.", "n."), arg("user_roles n JOIN users u ON u.id = n.user_id AND n.role = ?::text", f.Role), "n.user_id"
	}
	var begin []string
	for _, w := range words {
		begin = append(begin, like(w))
	}
	from := 0
	if at != nil {
		var err error
		if from, err = strconv.Atoi(at[0]); err != nil || from < 0 || from >= len(parts) {
			return "", nil, domain.BadCursor()
		}
	}
	var found []string
	for i, p := range parts {
		if i < from {
			continue
		}
		first, second := of.Replace(p.first), of.Replace(p.second)
		where := append(slices.Clone(conditions), arg(of.Replace(p.begins), begin...))
		for _, before := range parts[:i] { // those that the parts before have
			where = append(where, "NOT ("+arg(of.Replace(before.begins), begin...)+")")
		}
		if at != nil && i == from {
			where = append(where, arg("("+first+", "+second+", "+id+") > (?::text, ?::text, ?::uuid)", at[1:]...))
		}
		found = append(found, fmt.Sprintf("(SELECT %s AS id, %d AS part, %s AS first, %s AS second FROM %s WHERE %s ORDER BY first, second, %s%s)",
			id, i, first, second, person, strings.Join(where, " AND "), id, most))
	}
	return strings.TrimSuffix(userSQL, " FROM users u") + " FROM (SELECT * FROM (" + strings.Join(found, " UNION ALL ") + ") f ORDER BY part, first, second, id" + most +
		") f JOIN users u ON u.id = f.id ORDER BY f.part, f.first, f.second, f.id", args, nil
}

// bind adds values to a statement's, and puts their numbers in the place of a condition's question marks.
func bind[T any](args *[]any, sql string, values ...T) string {
	for _, v := range values {
		*args = append(*args, v)
		sql = strings.Replace(sql, "?", fmt.Sprintf("$%d", len(*args)), 1)
	}
	return sql
}

func (f *UserFilter) where() ([]string, []any) {
	conditions, args := []string{"u.state <> 'erased'"}, []any{}
	add := func(sql string, values ...any) { conditions = append(conditions, bind(&args, sql, values...)) }
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
		add("NOT u.has_password")
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
		{f.Child, "u.id IN (SELECT learner_id FROM guardianships WHERE guardian_id = ?::uuid AND ended_at IS NULL)"},
	} {
		if c.id != nil {
			add(c.sql, c.id.String())
		}
	}
	for _, g := range f.In {
		sql, of := g.Has("u.id", len(args)+1)
		conditions, args = append(conditions, sql), append(args, of...)
	}
	for _, g := range f.NotIn {
		sql, of := g.lacks("u.id", len(args)+1)
		conditions, args = append(conditions, sql), append(args, of...)
	}
	return conditions, args
}
