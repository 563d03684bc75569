package policy

import (
	"context"
	"math/rand/v2"
	"reflect"
	"testing"
)

// Whatever of an input the rules see must tell two questions apart, or one person gets the other's answer: each field is changed
// on its own, those that somebody adds later too.
func TestEveryFieldOfAnInputIsPartOfTheQuestion(t *testing.T) {
	base := Input{Permission: AttemptAnswer, Realm: Tenant, Roles: []string{"student"}, TenantTakes: TakesChanges, ActorState: "active"}
	change := func(v reflect.Value, name string, in *Input) {
		switch v.Kind() {
		case reflect.Bool:
			v.SetBool(!v.Bool())
		case reflect.Int:
			v.SetInt(v.Int() + 1)
		case reflect.String:
			v.SetString(v.String() + "x")
		case reflect.Slice:
			in.Roles = []string{"student", "coach"}
		case reflect.Uint8, reflect.Uint, reflect.Uint32:
			v.SetUint(v.Uint() + 1)
		case reflect.Struct:
			if name != "Permission" {
				t.Fatalf("%s is of a kind that this test does not know", name)
			}
			in.Permission = AttemptStart
		default:
			t.Fatalf("%s is of a kind that this test does not know", name)
		}
	}
	before, ok := base.question()
	if !ok {
		t.Fatal("a plain input is no question")
	}
	check := func(name string, in Input) {
		if after, _ := in.question(); after == before {
			t.Errorf("with another %s it is the same question", name)
		}
		if in.value().Compare((&base).value()) == 0 {
			t.Errorf("the rules are not told of %s", name)
		}
	}
	for i := range reflect.TypeFor[Input]().NumField() {
		field := reflect.TypeFor[Input]().Field(i)
		if field.Name == "Facts" {
			continue
		}
		in := base
		change(reflect.ValueOf(&in).Elem().Field(i), field.Name, &in)
		check(field.Name, in)
	}
	for i := range reflect.TypeFor[Facts]().NumField() {
		in := base
		change(reflect.ValueOf(&in.Facts).Elem().Field(i), reflect.TypeFor[Facts]().Field(i).Name, &in)
		check(reflect.TypeFor[Facts]().Field(i).Name, in)
	}
}

// A role that would run into its neighbour is asked about each time.
func TestRolesCannotPoseAsOthers(t *testing.T) {
	for _, roles := range [][]string{{"student,coach"}, {""}, {"student", ""}} {
		if _, ok := (&Input{Permission: CourseRead, Realm: Tenant, Roles: roles}).question(); ok {
			t.Errorf("%q is remembered", roles)
		}
	}
}

// What is remembered is what the rules say, for any question, and after the rules were replaced.
func TestTheRememberedAnswerIsTheRules(t *testing.T) {
	e, ctx := newEngine(t), context.Background()
	roles := append(SystemRoles(Tenant), SystemRoles(Platform)...)
	random := rand.New(rand.NewPCG(1, 2))
	flip := func() bool { return random.IntN(3) > 0 }
	rarely := func() bool { return random.IntN(9) == 0 }
	var asked []Input
	for range 3000 {
		in := Input{Permission: registry[random.IntN(len(registry))], Realm: []RealmKind{Tenant, Platform}[random.IntN(2)],
			Roles: []string{roles[random.IntN(len(roles))], "member"}, TenantTakes: []Takes{TakesChanges, TakesChanges, TakesReads, TakesAdministrators, TakesNothing}[random.IntN(5)],
			ActorState: "active", MustChangePassword: rarely(), SecondFactorRequired: !flip(), SecondFactor: flip()}
		facts := reflect.ValueOf(&in.Facts).Elem()
		for i := range facts.NumField() {
			if f := facts.Field(i); f.Kind() == reflect.Bool {
				f.SetBool(flip())
			} else {
				f.SetInt(int64(random.IntN(120)))
			}
		}
		asked = append(asked, in)
	}
	compare := func() (allowed int) {
		for range 2 { // asked, then remembered
			for _, in := range asked {
				got, err := e.Decide(ctx, in)
				want, werr := e.current.Load().decide(ctx, &in)
				if err != nil || werr != nil || got != want {
					t.Fatalf("%+v: %+v %v, the rules say %+v %v", in, got, err, want, werr)
				}
				if got.Allow {
					allowed++
				}
			}
		}
		return allowed
	}
	if n := compare(); n < 100 || n > 2*len(asked)-100 {
		t.Fatalf("%d of %d are allowed: this tries only one side", n, 2*len(asked))
	}
	if n := e.current.Load().kept.Len(); n < 2000 {
		t.Errorf("%d are remembered", n)
	}
	old := e.current.Load()
	if err := e.Reload(ctx, embedded(t)); err != nil {
		t.Fatal(err)
	}
	if e.current.Load() == old || e.current.Load().kept.Len() != 0 {
		t.Error("new rules begin with the old ones' answers")
	}
	compare()
}
