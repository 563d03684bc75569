package learner

import (
	"context"

	"github.com/gofiber/fiber/v2"

	"lignum/api"
	classesapi "lignum/api/classes"
	pointsapi "lignum/api/points"
	"lignum/api/web"
	"lignum/domain/classes"
	"lignum/domain/points"
	"lignum/policy"
	"lignum/tenants"
)

var (
	joinedBoard = web.Notice("board-joined", "learner.you_take_part_in_the")
	leftBoard   = web.Notice("board-left", "learner.you_have_left_the_leaderboard")
)

func pointPages(s *api.Server) {
	api.Page(s, api.Route{Path: "/points", Permission: policy.PointsRead, Summary: "One's points"}, showPoints)
	api.Page(s, api.Route{Path: "/leaderboard", Permission: policy.LeaderboardRead, Parts: []policy.Permission{policy.ClassRead}, Summary: "The leaderboard"}, showLeaderboard)
	api.Form(s, api.Route{Path: "/points/listed", Permission: policy.ProfileChange, Summary: "Take part in the leaderboard, or leave it"}, changeListed)
}

type pointsData struct {
	*points.Own
	Rules []points.Rule
}

func showPoints(ctx context.Context, c *api.Call, fc *fiber.Ctx) error {
	own, err := pointsapi.MyPoints(ctx, c)
	if err != nil {
		return err
	}
	return pages.Render(c, fc, "points", web.Page{Title: c.Say("learner.my_points"), Data: pointsData{own, points.Rules}})
}

type leaderboardData struct {
	Board         *points.Board // nil: the learner belongs to no school and no class
	Period, Among string
	Periods       []web.Choice
	Circles       []web.Choice
}

// showLeaderboard offers the learner's own school and classes: others' are not open to learners.
func showLeaderboard(ctx context.Context, c *api.Call, fc *fiber.Ctx) error {
	month := c.Tenant.Today(c.Now)
	before := month.AddDate(0, 0, -month.Day())
	d := leaderboardData{Period: fc.Query("period", points.Month(month)), Among: fc.Query("among"), Periods: []web.Choice{
		{Value: points.Month(month), Text: c.Language.Format(month, "month")}, {Value: points.Month(before), Text: c.Language.Format(before, "month")}, {Value: points.AllTime, Text: c.Say("learner.all_time")}}}
	learner := learns(c)
	under, err := c.Under(policy.ClassRead)
	if err != nil {
		return err
	}
	mine, err := boardClasses(ctx, under, learner)
	if err != nil {
		return err
	}
	if c.Claims.SchoolID != nil {
		d.Circles = append(d.Circles, web.Choice{Value: "school", Text: c.Say("learner.my_school")})
	}
	for _, one := range mine {
		d.Circles = append(d.Circles, web.Choice{Value: one.ID.String(), Text: one.Title})
	}
	if len(d.Circles) == 0 {
		if err := c.Permit(policy.Facts{Owner: true}); err != nil { // nothing but the learner's own place would be shown, and there is none
			return err
		}
	} else {
		if d.Among == "" {
			d.Among = d.Circles[0].Value
		}
		f := pointsapi.LeaderboardFilter{Among: points.AmongSchool, Period: d.Period, Limit: 20}
		if d.Among != "school" {
			f.Among = points.AmongClass
			if f.Class, err = tenants.ParseID("among", d.Among); err != nil {
				return err
			}
		}
		if d.Board, err = pointsapi.Leaderboard(ctx, c, f); err != nil {
			return err
		}
	}
	return pages.Render(c, fc, "leaderboard", web.Page{Title: c.Say("learner.leaderboard"), Data: d})
}

// boardClasses are the classes whose leaderboards one may look at: a learner's own, or those that somebody coaches.
func boardClasses(ctx context.Context, c *api.Call, learner bool) (mine []classes.Class, err error) {
	const most = 50
	if !learner {
		list, err := classesapi.ListClasses(ctx, c, classesapi.ClassFilter{Coaching: true}, api.Paging{Limit: most})
		if err != nil {
			return nil, err
		}
		return list.Items, nil
	}
	var read api.Reading
	if err := classesapi.QueueMine(c, &read, most, &mine); err != nil {
		return nil, err
	}
	return mine, read.Run(ctx, c)
}

// changeListed lets a learner take part in the leaderboard, or leave it.
func changeListed(ctx context.Context, c *api.Call, tx *tenants.Tx, fc *fiber.Ctx) (string, error) {
	listed := web.ReadForm(fc).Get("listed") == "yes"
	if _, err := pointsapi.SetListed(ctx, c, tx, listed); err != nil {
		return "", err
	}
	if listed {
		web.Notify(c, fc, joinedBoard)
	} else {
		web.Notify(c, fc, leftBoard)
	}
	return "/points", nil
}
