package assessment_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"lignum/domain"
	"lignum/domain/assessment"
	"lignum/tenants"
)

func vault(t *testing.T) *tenants.Vault {
	t.Helper()
	v, err := tenants.NewVault([]byte("a master key of at least thirty-two bytes"))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestATicketOpensAsItWasSealedAndNoOther(t *testing.T) {
	v := vault(t)
	rapid.Check(t, func(rt *rapid.T) {
		id := func(name string) uuid.UUID {
			return uuid.UUID(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(rt, name))
		}
		want := assessment.Ticket{AttemptID: id("attempt"), LearnerID: id("learner"), TestID: id("test"),
			Deadline: time.UnixMicro(rapid.Int64Range(0, 1<<52).Draw(rt, "deadline")).UTC(), Items: rapid.IntRange(0, 65535).Draw(rt, "items")}
		sealed := want.Seal(v, "jamaica")
		if len(sealed) > 300 {
			rt.Fatalf("%d bytes", len(sealed))
		}
		got, err := assessment.OpenTicket(v, "jamaica", sealed)
		if err != nil || got != want {
			rt.Fatalf("%+v %v, want %+v", got, err, want)
		}
		if _, err := assessment.OpenTicket(v, "bahamas", sealed); domain.CodeOf(err) != domain.Forbidden {
			rt.Fatalf("in another realm: %v", err)
		}
		forged := []byte(sealed)
		at := rapid.IntRange(0, len(forged)-1).Draw(rt, "at")
		forged[at] = rapid.SampledFrom([]byte("ABCDEFxyz019-_=\n ")).Filter(func(b byte) bool { return b != sealed[at] }).Draw(rt, "to")
		if _, err := assessment.OpenTicket(v, "jamaica", string(forged)); domain.CodeOf(err) != domain.Forbidden {
			rt.Fatalf("forged: %v", err)
		}
	})
	for _, text := range []string{"", "x", string(make([]byte, 122)), string(make([]byte, 10_000))} {
		if _, err := assessment.OpenTicket(v, "jamaica", text); domain.CodeOf(err) != domain.Forbidden {
			t.Errorf("%.20q: %v", text, err)
		}
	}
}

func TestATicketsFacts(t *testing.T) {
	me := uuid.New()
	ticket := assessment.Ticket{LearnerID: me, Deadline: now}
	if f := ticket.Facts(me, now.Add(assessment.SaveGrace)); !f.Owner || !f.AttemptOpen || !f.WithinDeadline || !f.WithinGrace {
		t.Errorf("%+v", f)
	}
	if f := ticket.Facts(uuid.New(), now.Add(assessment.SaveGrace+1)); f.Owner || f.WithinDeadline || !f.WithinGrace {
		t.Errorf("%+v", f)
	}
	if f := ticket.Facts(me, now.Add(assessment.SubmitGrace+1)); f.WithinGrace {
		t.Errorf("%+v", f)
	}
}
