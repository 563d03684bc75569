package identity

import (
	"testing"

	"github.com/google/uuid"

	"lignum/domain/people"
	"lignum/tenants"
	"lignum/tests/school"
)

// An answer reaches whoever asked, as long as they are there; it is given all the same.
func TestAnAnswerReachesAskersWhoAreThere(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	here, erased, deleted := r.user("here", "teacher"), r.user("erased", "teacher"), r.user("deleted", "teacher")
	told := map[uuid.UUID]int{here: 1, erased: 0, deleted: 0}
	for asker := range told {
		learner := r.user("learner."+asker.String()[:13]+asker.String()[24:], people.Student)
		var asked ResetRequest
		actor := r.World.Actor
		actor.ID = asker
		r.OK(r.DB.Write(r.Ctx, actor, func(tx *tenants.Tx) (err error) {
			asked, err = AskReset(r.Ctx, tx, learner, "Lost the card", r.Now)
			return err
		}))
		switch asker {
		case erased:
			r.Do(`UPDATE users SET state = 'erased' WHERE id = $1::uuid`, asker.String())
		case deleted:
			r.Do(`DELETE FROM users WHERE id = $1::uuid`, asker.String())
		}
		r.OK(r.Write(func(tx *tenants.Tx) error {
			answered, err := ApproveReset(r.Ctx, tx, asked.ID, r.Now)
			if answered.State != ResetApproved {
				t.Errorf("answered %+v", answered)
			}
			return err
		}))
	}
	for asker, want := range told {
		r.Read(func(q *tenants.Reader) error {
			list, err := school.Unseen(r.Ctx, q, asker)
			if len(list) != want {
				t.Errorf("told %v, want %d", list, want)
			}
			return err
		})
	}
}
