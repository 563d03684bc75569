package people

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"lignum/domain"
	"lignum/tenants"
)

func (r *room) create(in NewUser) (u User, err error) {
	err = r.Write(func(tx *tenants.Tx) (err error) {
		u, err = CreateUser(r.Ctx, tx, r.DB.Realm(), in, r.Now)
		return err
	})
	return u, err
}

func (r *room) used(kind string) int {
	return r.Number("SELECT n FROM usage_counts WHERE kind = $1::text", kind)
}

// limit leaves room for n more of a kind.
func (r *room) limit(kind string, n int) {
	r.T.Helper()
	_, err := r.World.Direct(r.T).Exec(r.Ctx, fmt.Sprintf(`UPDATE tenant_jamaica.settings SET limits = jsonb_set(limits, '{%s}', to_jsonb((SELECT n FROM tenant_jamaica.usage_counts WHERE kind = '%s') + %d))`, kind, kind, n))
	r.OK(err)
}

func TestCreateUser(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	_, err := r.create(NewUser{UserName: "has space", GivenName: "", FamilyName: "x\ny", Email: "no", Roles: []string{"No"}, Locale: "?"})
	if e, ok := err.(*domain.Error); !ok || e.Code != domain.Invalid || len(e.Fields) != 6 {
		t.Errorf("a bad account gives %v", err)
	}
	in := NewUser{GivenName: "Akeem", FamilyName: "Brown", Roles: []string{Student}}
	var names []string
	for range 3 {
		u, err := r.create(in)
		r.OK(err)
		names = append(names, u.UserName)
	}
	if !slices.Equal(names, []string{"akeem.brown", "akeem.brown2", "akeem.brown3"}) {
		t.Errorf("user names %v", names)
	}
	if _, err := r.create(NewUser{UserName: "Akeem.Brown", GivenName: "A", FamilyName: "B", Roles: []string{Student}}); domain.CodeOf(err) != domain.Conflict {
		t.Errorf("a taken name gives %v", err)
	}
	nowhere := uuid.New()
	if _, err := r.create(NewUser{GivenName: "A", FamilyName: "B", Roles: []string{Student}, SchoolID: &nowhere}); domain.CodeOf(err) != domain.Invalid {
		t.Errorf("an unknown school gives %v", err)
	}
	if n := r.used("learners"); n != 3 {
		t.Errorf("%d learners are counted, want 3", n)
	}
}

func TestLearnersQuotaIsExact(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	r.limit("learners", 3)
	var wg sync.WaitGroup
	errs := make([]error, 12)
	for i := range errs {
		wg.Go(func() {
			_, errs[i] = r.create(NewUser{GivenName: "Akeem", FamilyName: "Brown", Roles: []string{Student}})
		})
	}
	wg.Wait()
	made := 0
	for _, err := range errs {
		switch {
		case err == nil:
			made++
		case domain.CodeOf(err) != domain.OverQuota:
			t.Error(err)
		}
	}
	if made != 3 || r.used("learners") != 3 {
		t.Errorf("%d made, %d counted, 3 allowed", made, r.used("learners"))
	}
	var u User
	r.Read(func(q *tenants.Reader) error {
		page, err := Users(r.Ctx, q, UserFilter{Role: Student}, domain.Page{Limit: 1})
		u = page.Items[0]
		return err
	})
	// Suspended, the account takes no seat; somebody else may have it, and then it cannot come back.
	r.OK(r.Write(func(tx *tenants.Tx) error {
		_, err := SuspendUser(r.Ctx, tx, r.DB.Realm(), u.ID, "moved away", nothingOpen, r.Now)
		return err
	}))
	_, err := r.create(NewUser{GivenName: "Next", FamilyName: "One", Roles: []string{Student}})
	r.OK(err)
	err = r.Write(func(tx *tenants.Tx) error { _, err := ResumeUser(r.Ctx, tx, r.DB.Realm(), u.ID, r.Now); return err })
	if domain.CodeOf(err) != domain.OverQuota {
		t.Errorf("resumed without a seat: %v", err)
	}
}

// nothingOpen is an Ending where nobody is signed in.
func nothingOpen(context.Context, *tenants.Tx, []string, string, time.Time) (int64, error) {
	return 0, nil
}

func TestRolesAndTheLastAdministrator(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	id := r.user("teach", "teacher")
	set := func(id uuid.UUID, roles ...string) error {
		return r.Write(func(tx *tenants.Tx) error {
			_, err := SetRoles(r.Ctx, tx, r.DB.Realm(), id, roles, r.Now)
			return err
		})
	}
	staff := r.used("staff")
	r.OK(set(id, Student))
	if r.used("staff") != staff-1 || r.used("learners") != 1 {
		t.Errorf("staff %d, learners %d", r.used("staff"), r.used("learners"))
	}
	if err := set(id); domain.CodeOf(err) != domain.Invalid {
		t.Errorf("no roles at all: %v", err)
	}
	if err := set(uuid.New(), "teacher"); domain.CodeOf(err) != domain.NotFound {
		t.Errorf("nobody: %v", err)
	}
	var admin User
	r.Read(func(q *tenants.Reader) error {
		page, err := Users(r.Ctx, q, UserFilter{Role: "tenant_administrator"}, domain.Page{})
		admin = page.Items[0]
		return err
	})
	if err := set(admin.ID, "teacher"); domain.CodeOf(err) != domain.Conflict {
		t.Errorf("the last administrator lost the role: %v", err)
	}
	r.OK(set(id, "tenant_administrator"))
	r.OK(set(admin.ID, "teacher"))
}

func TestListUsers(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	var school School
	r.OK(r.Write(func(tx *tenants.Tx) (err error) {
		school, err = CreateSchool(r.Ctx, tx, SchoolFields{Name: "Kingston College", Kind: "secondary", Region: "Kingston"})
		return err
	}))
	for i := range 7 {
		in := NewUser{GivenName: fmt.Sprintf("Given%d", i), FamilyName: "Whyte", Roles: []string{Student}}
		if i%2 == 0 {
			in.SchoolID = &school.ID
		}
		_, err := r.create(in)
		r.OK(err)
	}
	count := func(f UserFilter) (n int) {
		t.Helper()
		for part := (domain.Page{Limit: 2}); ; {
			var list domain.List[User]
			r.Read(func(q *tenants.Reader) (err error) { list, err = Users(r.Ctx, q, f, part); return err })
			n += len(list.Items)
			if list.Next == "" {
				return n
			}
			part.After = list.Next
		}
	}
	for want, f := range map[int]UserFilter{7: {Prefix: "WHYT"}, 4: {SchoolID: &school.ID}, 1: {Prefix: "given3 why"}, 0: {Prefix: "whyt%"}, 8: {}} {
		if got := count(f); got != want {
			t.Errorf("%+v lists %d, want %d", f, got, want)
		}
	}
	if got := count(UserFilter{Region: "Kingston", Role: Student, State: "active", NoCard: true}); got != 4 {
		t.Errorf("a region's learners: %d", got)
	}
	err := r.DB.ReadFresh(r.Ctx, func(q *tenants.Reader) error {
		_, err := Users(r.Ctx, q, UserFilter{}, domain.Page{After: "bm90IGEgY3Vyc29y"})
		return err
	})
	if domain.CodeOf(err) != domain.Invalid {
		t.Errorf("a made-up cursor gives %v", err)
	}
}

func TestGuardians(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	parent, child := r.user("parent", Guardian), r.user("child", Student)
	link := func(g, l uuid.UUID) error {
		return r.Write(func(tx *tenants.Tx) error { return LinkGuardian(r.Ctx, tx, g, l, "mother", r.Now) })
	}
	if err := link(child, parent); domain.CodeOf(err) != domain.Invalid {
		t.Errorf("the wrong way round: %v", err)
	}
	r.OK(link(parent, child))
	if err := link(parent, child); domain.CodeOf(err) != domain.Conflict {
		t.Errorf("twice: %v", err)
	}
	ties := func() (linked, consent bool) {
		r.Read(func(q *tenants.Reader) (err error) {
			linked, consent, err = GuardianOf(r.Ctx, q, parent, child)
			return err
		})
		return linked, consent
	}
	if linked, consent := ties(); !linked || consent {
		t.Errorf("linked %v, consent %v", linked, consent)
	}
	r.OK(r.Write(func(tx *tenants.Tx) error { return SetConsent(r.Ctx, tx, parent, child, true, r.Now) }))
	if _, consent := ties(); !consent {
		t.Error("no consent")
	}
	r.OK(r.Write(func(tx *tenants.Tx) error { return UnlinkGuardian(r.Ctx, tx, parent, child, r.Now) }))
	r.OK(link(parent, child))
	if linked, consent := ties(); consent || !linked {
		t.Errorf("consent outlived the tie: %v, %v", linked, consent)
	}
}
