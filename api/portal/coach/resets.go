package coach

import (
	"context"
	"net/http"
	"strings"

	"github.com/gofiber/fiber/v2"
	"github.com/google/uuid"

	"lignum/api"
	peopleapi "lignum/api/people"
	"lignum/api/web"
	"lignum/domain/identity"
	"lignum/policy"
	"lignum/tenants"
)

var (
	resetAsked    = web.Notice("reset-asked", "coach.your_school_was_asked_you")
	resetApproved = web.Notice("reset-approved", "coach.the_teacher_can_print_one")
	resetRefused  = web.Notice("reset-refused", "coach.the_request_is_refused_and")
)

// resetPages is the way back in for a learner who forgot the password: the teacher's page, and the school's.
func resetPages(s *api.Server) {
	api.Page(s, api.Route{Path: "/learners/{learner}/card", Permission: policy.ResetAsk, Summary: "A new sign-in card for a learner"},
		func(ctx context.Context, c *api.Call, fc *fiber.Ctx) error {
			return showLearnerCard(ctx, c, fc, &web.Form{})
		})
	api.Page(s, api.Route{Method: http.MethodPost, Path: "/learners/{learner}/card", Permission: policy.UserReset, Parts: []policy.Permission{policy.ResetAsk}, Summary: "Print a new sign-in card for a learner"}, printLearnerCard)
	api.Form(s, api.Route{Path: "/learners/{learner}/card/ask", Permission: policy.ResetAsk, Summary: "Ask the school for a new sign-in card"}, askReset)
	api.Page(s, api.Route{Path: "/resets", Permission: policy.ResetRead, Summary: "Requests for new sign-in cards"},
		func(ctx context.Context, c *api.Call, fc *fiber.Ctx) error {
			return showResets(ctx, c, fc, &web.Form{})
		})
	api.Form(s, api.Route{Path: "/resets/{request}/approve", Permission: policy.UserReset, Parts: []policy.Permission{policy.ResetRead}, Summary: "Approve a new sign-in card"},
		decideReset(resetApproved, func(ctx context.Context, c *api.Call, tx *tenants.Tx, fc *fiber.Ctx, _ *web.Form) error {
			id, err := web.PathID(fc, "request")
			if err == nil {
				_, err = peopleapi.ApproveReset(ctx, c, tx, id)
			}
			return err
		}))
	api.Form(s, api.Route{Path: "/resets/{request}/refuse", Permission: policy.UserReset, Parts: []policy.Permission{policy.ResetRead}, Summary: "Refuse a new sign-in card"},
		decideReset(resetRefused, func(ctx context.Context, c *api.Call, tx *tenants.Tx, fc *fiber.Ctx, f *web.Form) error {
			id, err := web.PathID(fc, "request")
			if err == nil {
				_, err = peopleapi.RefuseReset(ctx, c, tx, id, f.Text("reason"))
			}
			return err
		}))
}

func showLearnerCard(ctx context.Context, c *api.Call, fc *fiber.Ctx, f *web.Form) error {
	id, err := web.PathID(fc, "learner")
	if err != nil {
		return err
	}
	asking, err := c.Under(policy.ResetAsk) // also when a form of this page is shown again
	if err != nil {
		return err
	}
	d, err := peopleapi.CardPage(ctx, asking, id)
	if err != nil {
		return err
	}
	return pages.Render(c, fc, "staff_card", web.Page{Title: c.Say("coach.new_sign_in_card_for", "GivenName", d.User.GivenName, "FamilyName", d.User.FamilyName), Form: f, Data: d})
}

func printLearnerCard(ctx context.Context, c *api.Call, fc *fiber.Ctx) error {
	id, err := web.PathID(fc, "learner")
	if err != nil {
		return err
	}
	(&web.Form{}).Again(fc, func(f *web.Form) error { return showLearnerCard(ctx, c, fc, f) })
	var card *identity.Card
	err = c.DB.Write(ctx, c.Actor, func(tx *tenants.Tx) (err error) {
		card, err = peopleapi.ResetUser(ctx, c, tx, id)
		return err
	})
	if err != nil {
		return err
	}
	return ShowCards(c, fc, c.Say("coach.sign_in_card_of", "GivenName", card.GivenName, "FamilyName", card.FamilyName), "/learners/"+id.String(), []identity.Card{*card})
}

func askReset(ctx context.Context, c *api.Call, tx *tenants.Tx, fc *fiber.Ctx) (string, error) {
	id, err := web.PathID(fc, "learner")
	if err != nil {
		return "", err
	}
	f := web.ReadForm(fc)
	f.Again(fc, func(f *web.Form) error { return showLearnerCard(ctx, c, fc, f) })
	if _, err := peopleapi.AskReset(ctx, c, tx, id, f.Text("reason")); err != nil {
		return "", err
	}
	web.Notify(c, fc, resetAsked)
	return "/learners/" + id.String() + "/card", nil
}

// mostCards is how many requests a page has, each a card with what was asked and two forms.
const mostCards = 15

type resetsData struct {
	Resets       []identity.ResetRequest
	Decides      bool // the viewer answers requests
	Newer, Older string
}

// CardPath is the page that leads to a new sign-in card for a learner; "" when there is no way.
func CardPath(learner uuid.UUID, how peopleapi.CardAccess) string {
	switch how {
	case peopleapi.CardByReset:
		return "/people/" + learner.String()
	case peopleapi.CardByAsking:
		return "/learners/" + learner.String() + "/card"
	}
	return ""
}

func showResets(ctx context.Context, c *api.Call, fc *fiber.Ctx, f *web.Form) error {
	reading, err := c.Under(policy.ResetRead) // also when a form of this page is shown again
	if err != nil {
		return err
	}
	list, err := peopleapi.ListResets(ctx, reading, peopleapi.ResetFilter{}, api.Paging{Cursor: fc.Query("cursor"), Limit: mostCards})
	if err != nil {
		return err
	}
	d := resetsData{Resets: list.Items, Decides: c.May(policy.UserRead), Newer: web.FirstPage(fc), Older: web.NextPage(fc, list.Next)}
	return pages.Render(c, fc, "staff_resets", web.Page{Title: c.Say("coach.requests_for_sign_in_cards"), Form: f, Data: d})
}

// decideReset is a form of the page of requests: it answers one, and goes back to the page.
func decideReset(notice string, change func(context.Context, *api.Call, *tenants.Tx, *fiber.Ctx, *web.Form) error) func(context.Context, *api.Call, *tenants.Tx, *fiber.Ctx) (string, error) {
	return func(ctx context.Context, c *api.Call, tx *tenants.Tx, fc *fiber.Ctx) (string, error) {
		f := web.ReadForm(fc)
		f.Again(fc, func(f *web.Form) error { return showResets(ctx, c, fc, f) })
		if err := change(ctx, c, tx, fc, f); err != nil {
			return "", err
		}
		web.Notify(c, fc, notice)
		return "/resets", nil
	}
}

// cardsData is a sheet of cards. Codes are in no table, so the page that shows them is the answer to the form itself.
type cardsData struct {
	Cards       []identity.Card
	Where, Back string
}

// ShowCards shows cards to print, and leads back to a page.
func ShowCards(c *api.Call, fc *fiber.Ctx, title, back string, cards []identity.Card) error {
	_, where, _ := strings.Cut(c.URL(c.Tenant.Slug)+"/card", "://")
	return pages.Render(c, fc, "staff_cards", web.Page{Title: title, Data: cardsData{cards, where, back}})
}
