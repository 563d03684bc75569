package people_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lignum/domain"
	"lignum/domain/people"
	"lignum/tenants"
	"lignum/tenants/audit"
	"lignum/tests/school"
	"lignum/tests/testkit"
)

// told is a trail with entries of both forms by and about two people, who have each other's names in them.
type told struct {
	*testkit.World
	t        *testing.T
	conn     *pgx.Conn
	pat, kim audit.Actor
}

func newTold(t *testing.T) *told {
	t.Helper()
	w := testkit.New(t)
	s := &told{w, t, w.Direct(t), person("pat-secret", "10.9.8.7"), person("kim-other", "10.1.1.1")}
	s.exec("SET search_path = tenant_jamaica")
	school.People(t, w.DB("jamaica"), school.Person{ID: s.pat.ID, UserName: s.pat.Name}, school.Person{ID: s.kim.ID, UserName: s.kim.Name})
	// As a program from before writes them.
	const before = `INSERT INTO audit_entries (id, actor_id, actor_name, actor_roles, actor_realm, address, action, object_kind, object_id, before, after, reason)
		VALUES ($1, $2, $3, 'student', 'jamaica', $4, 'user.change', $5, $6, $7, $8, $9)`
	for _, e := range []struct {
		by           audit.Actor
		kind, id     string
		was, is, why any
	}{
		{s.pat, "class", "a class", nil, `{"title": "Maths"}`, "the class of old"},
		{s.kim, "user", s.pat.ID.String(), `{"name": "pat-secret"}`, `{"name": "pat-secret-2"}`, "pat-secret married"},
		{s.kim, "user", s.kim.ID.String(), nil, `{"name": "kim-other"}`, ""},
		{audit.Actor{}, "user", s.pat.ID.String(), nil, nil, ""},
	} {
		var by *uuid.UUID
		if e.by.ID != uuid.Nil {
			by = &e.by.ID
		}
		s.exec(before, audit.NewID(), by, e.by.Name, e.by.Address, e.kind, e.id, e.was, e.is, e.why)
	}
	elsewhere := s.pat
	elsewhere.Address = "10.9.8.8"
	for _, e := range []struct {
		by audit.Actor
		e  audit.Entry
	}{
		{s.pat, audit.Entry{Action: "progress.record", ObjectKind: "lesson", ObjectID: "a lesson", After: map[string]int{"counter": 7}, Plain: true}},
		{s.pat, audit.Entry{Action: "class.manage", ObjectKind: "class", ObjectID: "a class", Before: map[string]string{"title": "Maths"}, After: map[string]string{"title": "Sums"}, Reason: "easier"}},
		{elsewhere, audit.Entry{Action: "user.change", ObjectKind: "user", ObjectID: s.kim.ID.String(), After: map[string]string{"name": "kim-other"}, Plain: true}},
		{s.kim, audit.Entry{Action: "user.change", ObjectKind: "user", ObjectID: s.pat.ID.String(), Before: map[string]string{"name": "pat-secret"}, After: map[string]string{"name": "pat-secret-3"}, Reason: "pat-secret asked"}},
		{audit.Actor{Realm: "jamaica", Address: "10.9.8.7"}, audit.Entry{Action: "sign_in.failed", ObjectKind: "user", ObjectID: s.pat.ID.String(), After: map[string]string{"wrong": "pat-secret's password"}, Plain: true, Refused: true}},
		{audit.Actor{}, audit.Entry{Action: "figures.keep", ObjectKind: "month", ObjectID: "2026-11"}},
	} {
		s.write(e.by, func(tx *tenants.Tx) error { tx.Record(e.e); return nil })
	}
	return s
}

func person(name, address string) audit.Actor {
	return audit.Actor{ID: audit.NewID(), Name: name, Roles: []string{"student"}, Realm: "jamaica", Address: address}
}

func (s *told) exec(sql string, args ...any) {
	s.t.Helper()
	if _, err := s.conn.Exec(s.t.Context(), sql, args...); err != nil {
		s.t.Fatal(sql, err)
	}
}

func (s *told) write(who audit.Actor, fn func(tx *tenants.Tx) error) {
	s.t.Helper()
	if err := s.DB("jamaica").Write(s.t.Context(), who, fn); err != nil {
		s.t.Fatal(err)
	}
}

func (s *told) erase(why string) error {
	return s.DB("jamaica").Write(s.t.Context(), s.kim, func(tx *tenants.Tx) error {
		return people.EraseFromTrail(context.Background(), tx, s.pat.ID, why)
	})
}

// trail gives all entries, the oldest first.
func (s *told) trail() (list []audit.Stored) {
	s.t.Helper()
	err := s.DB("jamaica").ReadFresh(s.t.Context(), func(r *tenants.Reader) (err error) {
		list, _, err = tenants.Trail(s.t.Context(), r, tenants.TrailFilter{Limit: 200})
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
	slices.Reverse(list)
	return list
}

// rows are entries as their table has them.
func (s *told) rows() map[uuid.UUID]string {
	s.t.Helper()
	rows, err := s.conn.Query(s.t.Context(), "SELECT id, e::text FROM audit_entries e")
	if err != nil {
		s.t.Fatal(err)
	}
	list, id, text := map[uuid.UUID]string{}, uuid.UUID{}, ""
	if _, err := pgx.ForEachRow(rows, []any{&id, &text}, func() error { list[id] = text; return nil }); err != nil {
		s.t.Fatal(err)
	}
	return list
}

// verify computes the commitments of all entries anew, as the package audit describes them, and gives how many fit: of actors, and of contents.
func (s *told) verify() (actors, contents int) {
	s.t.Helper()
	rows, err := s.conn.Query(s.t.Context(), `SELECT e.id, e.actor_commitment, a.salt, coalesce(a.name, ''), coalesce(a.address, ''), e.content_commitment, t.salt, coalesce(t.content, '')
		FROM audit_entries e LEFT JOIN audit_actors a ON a.commitment = e.actor_commitment LEFT JOIN audit_texts t ON t.entry_id = e.id`)
	if err != nil {
		s.t.Fatal(err)
	}
	var id uuid.UUID
	var toActor, actorSalt, toContent, contentSalt []byte
	var name, address, content string
	fits := func(commitment, salt []byte, text string) int {
		if salt == nil {
			return 0
		}
		if sum := sha256.Sum256(append(slices.Clone(salt), text...)); !bytes.Equal(sum[:], commitment) || len(salt) < 16 {
			s.t.Errorf("the entry %s commits to something else than %q", id, text)
		}
		return 1
	}
	if _, err := pgx.ForEachRow(rows, []any{&id, &toActor, &actorSalt, &name, &address, &toContent, &contentSalt, &content}, func() error {
		actors += fits(toActor, actorSalt, name+"\x00"+address)
		contents += fits(toContent, contentSalt, content)
		return nil
	}); err != nil {
		s.t.Fatal(err)
	}
	return actors, contents
}

// Whoever was erased is named nowhere in the trail any more: not where they acted, and not in what is told of them, in old entries and in new ones. All other
// words stay, and no entry of the new form is touched: it holds the commitment that it held.
func TestAnErasedPersonIsOutOfTheTrail(t *testing.T) {
	t.Parallel()
	s := newTold(t)
	before, rows := s.trail(), s.rows()
	if a, c := s.verify(); a < 5 || c < 4 {
		t.Errorf("%d commitments to actors and %d to contents fit", a, c)
	}
	for _, e := range before {
		if e.ActorErased || e.ContentErased {
			t.Errorf("erased before anybody was: %+v", e)
		}
	}

	if err := s.erase("too soon"); domain.CodeOf(err) != domain.Conflict {
		t.Errorf("somebody who is not erased: %v", err)
	}
	if now := s.trail(); len(now) != len(before) || fmt.Sprint(s.rows()) != fmt.Sprint(rows) {
		t.Error("a refused erasure changed something")
	}
	school.SetState(t, s.DB("jamaica"), "erased", s.pat.ID)
	before, rows = s.trail(), s.rows()
	if err := s.erase("asked for on 3 November"); err != nil {
		t.Fatal(err)
	}

	after, changed := s.trail(), s.rows()
	if len(after) != len(before)+1 {
		t.Fatalf("%d entries, were %d", len(after), len(before))
	}
	own := after[len(after)-1]
	if own.Action != "user.erase" || own.ObjectID != s.pat.ID.String() || own.ActorName != "kim-other" || own.Reason != "asked for on 3 November" || string(own.After) != `{"names": 3, "texts": 3}` {
		t.Errorf("the erasure's own entry: %+v %s", own, own.After)
	}
	for i, e := range before {
		want := e
		byPat, ofPat := e.ActorID != nil && *e.ActorID == s.pat.ID, e.ObjectKind == "user" && e.ObjectID == s.pat.ID.String()
		if byPat {
			want.ActorName, want.Address, want.ActorErased = "", "", true
		}
		if ofPat && (e.Before != nil || e.After != nil || e.Reason != "") {
			want.Before, want.After, want.Reason, want.ContentErased = nil, nil, "", true
		}
		if got, want := said(t, after[i]), said(t, want); got != want {
			t.Errorf("an entry is\n%s, want\n%s", got, want)
		}
		old := strings.Contains(rows[e.ID], "pat-secret")
		if same := rows[e.ID] == changed[e.ID]; same == old {
			t.Errorf("changed: %t, of old: %t: %s", !same, old, rows[e.ID])
		}
	}
	for _, table := range []string{"audit_entries", "audit_actors", "audit_texts"} {
		var n int
		if err := s.conn.QueryRow(t.Context(), "SELECT count(*) FROM "+table+" x WHERE x::text LIKE '%pat-secret%' OR x::text LIKE '%10.9.8.8%'").Scan(&n); err != nil || n != 0 {
			t.Errorf("%d rows of %s name who was erased, %v", n, table, err)
		}
	}
	s.verify()
	// What came since is taken the next time, and nothing else.
	s.write(s.pat, func(tx *tenants.Tx) error { tx.Record(audit.Entry{Action: "late"}); return nil })
	if err := s.erase("once more"); err != nil {
		t.Fatal(err)
	}
	last := s.trail()
	if own := last[len(last)-1]; string(own.After) != `{"names": 1, "texts": 1}` || !last[len(last)-2].ActorErased || !last[len(last)-3].ContentErased {
		t.Errorf("the second time: %s %+v", own.After, last[len(last)-3:])
	}
}

func said(t *testing.T, e audit.Stored) string {
	t.Helper()
	raw, err := domain.JSON(e)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// No entry of the new form has anything in itself that names somebody, however it came there; and one who acts again and again from the same
// place is named once.
func TestNamesStandApartFromEntries(t *testing.T) {
	t.Parallel()
	s := newTold(t)
	var within, names, actors, plain int
	if err := s.conn.QueryRow(t.Context(), `SELECT count(*) FILTER (WHERE e::text LIKE '%secret%' OR e::text LIKE '%kim-other%' OR e::text LIKE '%10.9.8.%' OR e::text LIKE '%easier%' OR e::text LIKE '%Sums%' OR e::text LIKE '%Maths%'),
			(SELECT count(*) FROM audit_actors WHERE actor_id = $1), count(DISTINCT actor_commitment) FILTER (WHERE actor_id = $1), count(*) FILTER (WHERE after = '{"counter": 7}' AND content_commitment IS NULL)
		FROM audit_entries e WHERE id NOT IN (SELECT id FROM audit_entries WHERE actor_name <> '')`, s.pat.ID).Scan(&within, &names, &actors, &plain); err != nil {
		t.Fatal(err)
	}
	if within != 0 || names != 2 || actors != 2 || plain != 1 {
		t.Errorf("%d entries name somebody, %d rows of one who acted from two places, %d commitments to them, %d plain entries", within, names, actors, plain)
	}
	if a, c := s.verify(); a < 5 || c < 4 {
		t.Errorf("%d actors and %d contents fit", a, c)
	}
	if _, err := s.conn.Exec(t.Context(), `SELECT record_entry(gen_random_uuid(), '{"action": "user.change", "object_kind": "user", "object_id": "x", "after": {"name": "pat-secret"}}')`); err == nil {
		t.Error("an entry about a person that has its content within is taken")
	}
	s.exec("UPDATE audit_texts SET content = replace(content, 'Sums', 'Sins')")
	var fits bool
	if err := s.conn.QueryRow(t.Context(), `SELECT bool_and(sha256(t.salt || convert_to(t.content, 'UTF8')) = e.content_commitment) FROM audit_texts t JOIN audit_entries e ON e.id = t.entry_id`).Scan(&fits); err != nil || fits {
		t.Errorf("a text that was altered fits: %t, %v", fits, err)
	}
}
