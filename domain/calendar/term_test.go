package calendar_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/uuid"

	"lignum/domain"
	"lignum/domain/calendar"
	"lignum/tenants"
	"lignum/tenants/audit"
	"lignum/tests/school"
	"lignum/tests/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

type world struct {
	*testkit.World
	t  *testing.T
	db *tenants.DB
}

func newWorld(t *testing.T) *world {
	w := testkit.New(t)
	return &world{w, t, w.DB("jamaica")}
}

func (w *world) put(terms ...*calendar.Term) {
	w.t.Helper()
	if err := w.db.Write(w.t.Context(), w.Actor, func(tx *tenants.Tx) error {
		tx.Record(audit.Entry{Action: "test"})
		return calendar.PutTerms(w.t.Context(), tx, terms)
	}); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) read(fn func(ctx context.Context, q tenants.Querier) error) {
	w.t.Helper()
	if err := w.db.ReadFresh(w.t.Context(), func(r *tenants.Reader) error { return fn(w.t.Context(), r) }); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) create(f calendar.TermFields) (t calendar.Term, err error) {
	err = w.db.Write(w.t.Context(), w.Actor, func(tx *tenants.Tx) (err error) { t, err = calendar.CreateTerm(w.t.Context(), tx, f); return err })
	return t, err
}

func (w *world) change(id uuid.UUID, f calendar.TermFields, version string) (t calendar.Term, err error) {
	err = w.db.Write(w.t.Context(), w.Actor, func(tx *tenants.Tx) (err error) {
		t, err = calendar.ChangeTerm(w.t.Context(), tx, id, f, version)
		return err
	})
	return t, err
}

func (w *world) remove(id uuid.UUID) error {
	return w.db.Write(w.t.Context(), w.Actor, func(tx *tenants.Tx) error { return calendar.RemoveTerm(w.t.Context(), tx, id) })
}

func (w *world) exec(sql string, args ...any) {
	w.t.Helper()
	if err := w.db.Write(w.t.Context(), w.Actor, func(tx *tenants.Tx) error {
		tx.Record(audit.Entry{Action: "test"})
		_, err := tx.Exec(w.t.Context(), sql, args...)
		return err
	}); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) text(sql string, args ...any) (text string) {
	w.t.Helper()
	w.read(func(ctx context.Context, q tenants.Querier) error { return q.QueryRow(ctx, sql, args...).Scan(&text) })
	return text
}

func (w *world) wants(what string, err error, code domain.Code) {
	w.t.Helper()
	if domain.CodeOf(err) != code {
		w.t.Errorf("%s: %v, want %s", what, err, code)
	}
}

func fields(title, startsOn, endsOn string) calendar.TermFields {
	return calendar.TermFields{Title: title, StartsOn: startsOn, EndsOn: endsOn}
}

func TestTermsOfTheCountrysRecords(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	christmas := calendar.Term{ID: audit.NewID(), SourceID: "t1", TermFields: fields("Christmas Term", "2026-09-07", "2026-12-18")}
	easter := calendar.Term{ID: audit.NewID(), SourceID: "t2", TermFields: fields("Easter Term", "2027-01-04", "2027-03-26")}
	w.put(&christmas, &easter)
	w.put()
	longer := easter
	longer.Title, longer.EndsOn = "Second Term", "2027-04-01"
	w.put(&longer)
	var terms map[string]*calendar.Term
	w.read(func(ctx context.Context, q tenants.Querier) (err error) {
		terms, err = calendar.TermsBySource(ctx, q, []string{"t2", "t1", "never"})
		return err
	})
	if len(terms) != 2 || *terms["t1"] != christmas || *terms["t2"] != longer {
		t.Errorf("%+v", terms)
	}
	// By hand they are taken out, and not changed.
	_, err := w.change(christmas.ID, fields("Advent", "2026-09-07", "2026-12-18"), "")
	w.wants("a change of the records' term", err, domain.Conflict)
	if err := w.remove(christmas.ID); err != nil {
		t.Error(err)
	}
	w.put(&christmas) // as the next import does
}

func TestTermsAreKeptByHand(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	one, err := w.create(fields("Christmas", "2026-09-07", "2026-12-18"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.create(fields("Christmas", "2026-09-07", "2026-12-18")); err != nil {
		t.Errorf("two without an id in the records: %v", err)
	}
	two, err := w.change(one.ID, fields("Michaelmas", "2026-09-01", "2026-12-11"), one.Version)
	if err != nil || two.Version == one.Version || two.Title != "Michaelmas" {
		t.Errorf("%+v, %v", two, err)
	}
	_, err = w.change(one.ID, fields("Advent", "2026-09-01", "2026-12-11"), one.Version)
	w.wants("of an old version", err, domain.Conflict)
	_, err = w.change(audit.NewID(), fields("Advent", "2026-09-01", "2026-12-11"), "")
	w.wants("a term that is not there", err, domain.NotFound)
	w.read(func(ctx context.Context, q tenants.Querier) error {
		is, err := calendar.TermByID(ctx, q, one.ID)
		if is != two {
			t.Errorf("stored %+v, want %+v", is, two)
		}
		return err
	})

	class := school.Classes(t, w.db, school.Class{TermID: one.ID})[0]
	w.wants("a term with a class", w.remove(one.ID), domain.Conflict)
	w.exec(`UPDATE classes SET term_id = NULL WHERE id = $1::uuid`, class.String())
	if err := w.remove(one.ID); err != nil {
		t.Error(err)
	}
	w.wants("removed before", w.remove(one.ID), domain.NotFound)
	for action, want := range map[string]string{
		"term.create": `null {"title": "Christmas", "ends_on": "2026-12-18", "starts_on": "2026-09-07"}`,
		"term.change": `{"title": "Christmas", "ends_on": "2026-12-18", "starts_on": "2026-09-07"} {"title": "Michaelmas", "ends_on": "2026-12-11", "starts_on": "2026-09-01"}`,
		"term.remove": `{"title": "Michaelmas", "ends_on": "2026-12-11", "starts_on": "2026-09-01"} null`,
	} {
		if got := w.text(`SELECT coalesce(before::text, 'null') || ' ' || coalesce(after::text, 'null') FROM audit_trail
			WHERE action = $1::text AND object_kind = 'term' AND object_id = $2::text`, action, one.ID.String()); got != want {
			t.Errorf("%s tells %s, want %s", action, got, want)
		}
	}
}

func TestTermsThatAreRefused(t *testing.T) {
	for what, c := range map[string]struct {
		f     calendar.TermFields
		wrong string
	}{
		"good":               {fields("T", "2026-09-07", "2026-09-08"), ""},
		"two years":          {fields("T", "2026-09-07", "2028-09-07"), ""},
		"longer":             {fields("T", "2026-09-07", "2028-09-08"), "ends_on"},
		"one day":            {fields("T", "2026-09-07", "2026-09-07"), "ends_on"},
		"back to front":      {fields("T", "2026-09-07", "2026-09-06"), "ends_on"},
		"nothing":            {fields("", "", ""), "title starts_on ends_on"},
		"no such days":       {fields("T", "2026-02-30", "7.9.2026"), "starts_on ends_on"},
		"of other centuries": {fields("T", "1989-12-31", "2201-01-01"), "starts_on ends_on"},
		"a long title":       {fields(strings.Repeat("é", 101), "2026-09-07", "2026-12-18"), "title"},
		"two lines":          {fields("a\nb", "2026-09-07", "2026-12-18"), "title"},
	} {
		var names []string
		var d *domain.Error
		if err := c.f.Validate(); errors.As(err, &d) {
			for _, f := range d.Fields {
				names = append(names, f.Name)
			}
		}
		if got := strings.Join(names, " "); got != c.wrong {
			t.Errorf("%s: %q is wrong, want %q", what, got, c.wrong)
		}
	}
}

// A list goes on where the page before ended, also between terms that begin on one day, whatever is added meanwhile.
func TestTermsAreListedInTheirOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var list []school.Term
	for i := range 12 {
		day := school.Date(t, fmt.Sprintf("20%02d-09-01", 20+i/3))
		list = append(list, school.Term{Title: fmt.Sprint("T", i), From: day, To: day.AddDate(0, 3, 0)})
	}
	school.Terms(t, w.db, list...)
	all := func(from string, part domain.Page) (titles []string, pages int) {
		for {
			w.read(func(ctx context.Context, q tenants.Querier) error {
				list, err := calendar.Terms(ctx, q, from, part)
				for i, term := range list.Items {
					if term.Version == "" || i > 0 && list.Items[i-1].StartsOn > term.StartsOn {
						t.Errorf("%+v", list.Items)
					}
					titles = append(titles, term.Title)
				}
				part.After = list.Next
				return err
			})
			if pages++; part.After == "" {
				return titles, pages
			}
		}
	}
	seen := map[string]bool{}
	titles, pages := all("", domain.Page{Limit: 5})
	for _, title := range titles {
		seen[title] = true
	}
	if len(seen) != 12 || len(titles) != 12 || pages != 3 {
		t.Errorf("%d pages with %v", pages, titles)
	}
	if titles, _ = all("2021-12-01", domain.Page{}); len(titles) != 9 {
		t.Errorf("that end on 1 December 2021 or later: %v", titles)
	}
	if titles, _ = all("2021-12-02", domain.Page{}); len(titles) != 6 {
		t.Errorf("that end later: %v", titles)
	}
	w.read(func(ctx context.Context, q tenants.Querier) error {
		for _, part := range []domain.Page{{Limit: 201}, {Limit: -1}, {After: "x"}, {After: domain.Cursor("2020-09-01", "x")}, {After: domain.Cursor("x", uuid.Nil.String())}} {
			_, err := calendar.Terms(ctx, q, "", part)
			w.wants(fmt.Sprint(part), err, domain.Invalid)
		}
		_, err := calendar.Terms(ctx, q, "soon", domain.Page{})
		w.wants("soon", err, domain.Invalid)
		return nil
	})
}

func TestTermsThatCrossAreTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	day := func(text string) (d school.Term) {
		d.From = school.Date(t, text[:10])
		d.To = school.Date(t, text[11:])
		d.Title = text
		return d
	}
	school.Terms(t, w.db, day("2026-01-01 2026-12-31"), day("2026-03-01 2026-03-31"), day("2026-02-01 2026-02-20"), day("2026-02-20 2026-03-15"))
	for span, want := range map[string]string{
		"2026-02-01 2026-02-20": "2026-02-01 2026-02-20; 2026-02-20 2026-03-15", // the same days, and one day of another's
		"2026-02-02 2026-02-19": "",                                             // within two of them
		"2026-02-02 2026-02-20": "2026-02-20 2026-03-15",
		"2025-12-01 2026-01-01": "2026-01-01 2026-12-31",
		"2025-12-01 2025-12-31": "",
		"2026-03-15 2026-03-31": "2026-02-20 2026-03-15",
		"2025-12-31 2027-01-01": "", // all lie within it
	} {
		w.read(func(ctx context.Context, q tenants.Querier) error {
			got, err := calendar.Crossing(ctx, q, calendar.Term{ID: audit.NewID(), TermFields: fields("", span[:10], span[11:])})
			if text := strings.Join(got, "; "); text != want {
				t.Errorf("%s crosses %q, want %q", span, text, want)
			}
			return err
		})
	}
	own := school.Terms(t, w.db, day("2030-01-01 2030-02-01"))[0]
	w.read(func(ctx context.Context, q tenants.Querier) error {
		got, err := calendar.Crossing(ctx, q, calendar.Term{ID: own, TermFields: fields("", "2030-01-01", "2030-02-01")})
		if len(got) > 0 {
			t.Errorf("crosses itself: %v", got)
		}
		return err
	})
}
