package identity

import (
	"testing"

	"github.com/google/uuid"

	"lignum/domain"
	"lignum/domain/people"
	"lignum/tenants"
	"lignum/tests/school"
)

// create opens an account, and gives it with its card.
func (r *room) create(given string, roles ...string) (u people.User, c Card) {
	r.T.Helper()
	r.OK(r.Write(func(tx *tenants.Tx) (err error) {
		u, c, err = CreateUser(r.Ctx, tx, r.DB.Realm(), people.NewUser{GivenName: given, FamilyName: "Brown", Roles: roles}, r.Now)
		return err
	}))
	return u, c
}

func TestClassCards(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	_, old := r.create("Akeem", people.Student)
	staff, _ := r.create("Tia", "teacher")
	has := r.user("has.password", people.Student)
	var cards []Card
	r.OK(r.Write(func(tx *tenants.Tx) (err error) {
		cards, err = Cards(r.Ctx, tx, []uuid.UUID{old.UserID, staff.ID, has}, r.Now)
		return err
	}))
	if len(cards) != 1 || cards[0].UserID != old.UserID || cards[0].Code == old.Code {
		t.Fatalf("cards %+v", cards)
	}
	redeem := func(code string) error {
		_, err := r.desk.RedeemCard(r.Ctx, r.DB, RedeemCard{Code: code, Password: goodPassword}, r.Now)
		return err
	}
	if err := redeem(old.Code); domain.CodeOf(err) != domain.Invalid {
		t.Errorf("the card before: %v", err)
	}
	r.OK(redeem(cards[0].Code))
}

func TestCardsOfAGroup(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	at := school.Schools(t, r.DB, school.School{Name: "Harbour High"})[0]
	var ids []uuid.UUID
	for _, name := range []string{"Ann", "Ben", "Cleo"} {
		u, _ := r.create(name, people.Student)
		ids = append(ids, u.ID)
	}
	head := r.user("head", "school_administrator")
	r.Do(`UPDATE users SET school_id = $1::uuid WHERE id IN ($2::uuid, $3::uuid)`, at.String(), head.String(), ids[0].String())
	group := people.GroupOf(`SELECT id FROM users WHERE id IN (?::uuid, ?::uuid)`, ids[0], ids[1])
	for reach, want := range map[CardReach]int{{}: 2, {SchoolOf: head}: 1, {SchoolOf: head, Unclaimed: true}: 1} {
		r.OK(r.Write(func(tx *tenants.Tx) error {
			cards, err := reach.GroupCards(r.Ctx, tx, group, "class", "a class", r.Now)
			if len(cards) != want {
				t.Errorf("%+v: %d cards, want %d", reach, len(cards), want)
			}
			return err
		}))
	}
	if n := r.Number(`SELECT count(*) FROM audit_entries WHERE action = 'user.cards' AND object_kind = 'class' AND object_id = 'a class'`); n != 3 {
		t.Errorf("%d entries", n)
	}
}
