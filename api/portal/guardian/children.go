package guardian

import (
	"context"

	"github.com/gofiber/fiber/v2"

	"lignum/api"
	"lignum/api/guardians"
	pointsapi "lignum/api/points"
	"lignum/api/web"
	"lignum/domain/people"
	"lignum/policy"
	"lignum/tenants"
)

var (
	childJoined = web.Notice("child-joined", "guardian.saved_your_child_takes_part")
	childLeft   = web.Notice("child-left", "guardian.saved_your_child_is_not")
)

// childPages is what guardians see and decide.
func childPages(s *api.Server) {
	api.Page(s, api.Route{Path: "/children", Permission: policy.ChildRead, Summary: "A guardian's children"}, showChildren)
	api.Form(s, api.Route{Path: "/children/{child}/listed", Permission: policy.ConsentChange, Parts: []policy.Permission{policy.ChildRead}, Summary: "Let a child take part in the leaderboard, or leave it"}, changeChildListed)
}

type childrenData struct {
	Children []people.Child
	Decides  bool // the guardian, and not the learner
}

func showChildren(ctx context.Context, c *api.Call, fc *fiber.Ctx) error {
	return showChildrenAgain(ctx, c, fc, &web.Form{})
}

func showChildrenAgain(ctx context.Context, c *api.Call, fc *fiber.Ctx, f *web.Form) error {
	reading, err := c.Under(policy.ChildRead)
	if err != nil {
		return err
	}
	list, err := guardians.MyChildren(ctx, reading)
	if err != nil {
		return err
	}
	d := childrenData{Children: list.Items, Decides: c.State.Branding.LeaderboardBy == people.ByGuardian}
	return pages.Render(c, fc, "children", web.Page{Title: c.Say("guardian.my_children"), Form: f, Data: d})
}

func changeChildListed(ctx context.Context, c *api.Call, tx *tenants.Tx, fc *fiber.Ctx) (string, error) {
	id, err := web.PathID(fc, "child")
	if err != nil {
		return "", err
	}
	f := web.ReadForm(fc)
	f.Again(fc, func(f *web.Form) error { return showChildrenAgain(ctx, c, fc, f) })
	listed := f.Get("listed") == "yes"
	if _, err := pointsapi.SetChildListed(ctx, c, tx, id, listed); err != nil {
		return "", err
	}
	if listed {
		web.Notify(c, fc, childJoined)
	} else {
		web.Notify(c, fc, childLeft)
	}
	return "/children", nil
}
