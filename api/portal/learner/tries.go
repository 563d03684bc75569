package learner

import (
	"context"
	"time"

	"github.com/gofiber/fiber/v2"

	"lignum/api"
	"lignum/api/attempts"
	"lignum/api/web"
	"lignum/domain/assessment"
	"lignum/policy"
)

func triesPages(s *api.Server) {
	api.Page(s, api.Route{Path: "/attempts", Permission: policy.AttemptRead, Summary: "List your attempts, newest first"}, showTries)
}

// try is an attempt as its learner's list shows it.
type try struct {
	assessment.Summary
	Running bool // there is still time to answer
}

type triesData struct {
	Tries        []try
	Newer, Older string // addresses of the first page and of the next one
}

// triesShown is how many attempts a page shows.
const triesShown = 20

func showTries(ctx context.Context, c *api.Call, fc *fiber.Ctx) error {
	list, err := attempts.MyAttempts(ctx, c, api.Paging{Limit: triesShown, Cursor: fc.Query("cursor")})
	if err != nil {
		return err
	}
	return pages.Render(c, fc, "tries", web.Page{Title: c.Say("learner.my_tests"), Data: triesData{tries(list.Items, c.Now), web.FirstPage(fc), web.NextPage(fc, list.Next)}})
}

func tries(list []assessment.Summary, now time.Time) []try {
	all := make([]try, len(list))
	for i, a := range list {
		all[i] = try{a, a.State == assessment.Open && a.Deadline.After(now)}
	}
	return all
}
