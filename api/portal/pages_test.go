package portal

import (
	"encoding/json"
	"errors"
	"io"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"lignum/api/catalogue"
	classesapi "lignum/api/classes"

	"github.com/gofiber/fiber/v2"
	"github.com/google/uuid"

	"lignum/api"
	"lignum/api/web"
	"lignum/domain/assessment"
	"lignum/domain/catalog"
	"lignum/domain/classes"
	"lignum/domain/identity"
	"lignum/domain/people"
	"lignum/domain/points"
	"lignum/tenants"
)

const evil = `<script>alert(1)</script>"'`

var (
	testNow = time.Date(2026, 11, 23, 15, 0, 0, 0, time.UTC)
	soon    = testNow.Add(time.Hour)
)

// samples is what each page of ours is shown with, full and empty. Texts from people carry markup, which must not come through.
func samples() map[string][]any {
	best, id := 80, uuid.New()
	class := classes.Class{ID: id, Fields: classes.Fields{Title: evil, Kind: classes.Live, Grade: evil, StartsOn: "2026-09-07", EndsOn: "2026-12-18", Meets: evil, Seats: 30, Open: true,
		MeetingURL: "https://meet.example/x", Weekly: []classes.Slot{{Weekday: 2, At: "16:00", Minutes: 60}}}, State: classes.Active, Course: "maths", CourseTitle: evil, Subject: evil, Coach: evil, School: evil}
	mine := class
	mine.Enrolled = true
	page := &classesapi.ClassPage{Page: classes.Page{Class: mine, Done: 1, Facts: classes.Facts{Enrolled: true, ClassOpen: true}, Next: &classes.Meeting{StartsAt: soon, Minutes: 60},
		Lessons: []classes.LessonState{{ID: id, Slug: "a", Title: evil, Section: evil, Minutes: 20, Percent: 100, CompletedAt: &soon}, {ID: id, Slug: "b", Title: evil, Section: "2", Minutes: 20, Percent: 40}}},
		Tests: []assessment.TestState{{ID: id, Title: evil, Kind: "practice", Minutes: 60, Items: 30, OpensAt: &soon, ClosesAt: &soon, Made: 1, Best: &best}}}
	closed := &classesapi.ClassPage{Page: classes.Page{Class: class}}
	closed.State = classes.Cancelled
	list, meetings := arrange([]classes.Class{class, mine}, []classes.CourseProgress{{Course: "maths", Title: evil, Lessons: 10, Done: 3, NextSlug: "b", NextTitle: evil}}, testNow, time.UTC)
	lesson := &catalogue.LessonView{Lesson: catalog.Lesson{LessonHead: catalog.LessonHead{ID: id, Slug: "a", Title: evil, Minutes: 20}, Course: "maths", CourseTitle: evil, SectionTitle: evil,
		HTML: "<h2>Safe</h2>", Previous: &catalog.Neighbour{Slug: "p", Title: evil}, Next: &catalog.Neighbour{Slug: "n", Title: evil}}, Records: true}
	board := &points.Board{Top: []points.Standing{{Rank: 1, Name: evil, Points: 1200, Me: true}}, Me: &points.Standing{Rank: 1, Name: evil, Points: 1200}, Near: []points.Standing{{Rank: 1, Name: evil, Points: 1200, Me: true}}}
	result := &assessment.Result{Title: evil, Percent: 70, Score: 2550, MaxScore: 3000, Grade: "II", Points: 15, FeedbackNote: evil, FeedbackAt: &soon, Sections: []assessment.SectionResult{{Title: evil, Score: 50, MaxScore: 100}}}
	for i, q := range samplePaper().Questions {
		result.Questions = append(result.Questions, assessment.ItemResult{Position: i, Item: q.Item, Response: q.Response, Score: 50 * (i % 2), MaxScore: 100, RightAnswer: evil, Comment: evil, Feedback: []string{"<b>ok</b>"}})
	}
	result.Questions[4].Response = json.RawMessage(`{"match":{"p":"x"}}`)
	result.Questions[7].Response = json.RawMessage(`{"order":{"n":2,"s":1}}`)
	user := people.User{UserName: "a", GivenName: evil, FamilyName: evil, Grade: evil, Roles: []string{"student", "guardian"}}
	return map[string][]any{
		"signin": {false, true}, "card": {false, true}, "password": {false, true}, "privacy": {nil},
		"account":       {accountData{User: user, Devices: []device{{identity.Session{ID: id, Address: "::1", CreatedAt: soon}, evil, false}}}},
		"authenticator": {authenticatorData{}, authenticatorData{Setup: &identity.TOTPSetup{Secret: "ABC", QR: "data:image/png;base64,AAAA"}}, authenticatorData{Codes: []string{"AAAA-BBBB"}}},
		"home":          {homeData{}, homeData{Learner: true}, homeData{Learner: true, Courses: list, Attempts: []assessment.Summary{{Title: evil, Deadline: soon}}, Meetings: meetings, Points: &points.Own{Total: 10}}},
		"classes":       {classesData{}, classesData{Query: evil}, classesData{Learner: true, Query: evil, Classes: []classes.Class{class, mine}, Next: "/classes?cursor=x"}},
		"class":         {classData{page, true, true, goOn(&page.Page)}, classData{closed, true, false, nil}},
		"lesson":        {lesson},
		"points":        {pointsData{&points.Own{}, points.Rules}, pointsData{&points.Own{Total: 1234, Listed: true, Recent: []points.Entry{{Kind: "lesson", Title: evil, Points: 10, At: soon}}}, points.Rules}},
		"leaderboard":   {leaderboardData{}, leaderboardData{Board: &points.Board{}}, leaderboardData{Board: board, Among: "school", Circles: []web.Choice{{Value: "school", Text: evil}}}},
		"resources":     {resourcesData{}, resourcesData{Query: evil}, resourcesData{Items: []catalog.Resource{{Kind: "lab", Title: evil, Subject: evil, URL: "https://x.example/"}, {Kind: "lab", Title: evil, URL: "javascript:alert(1)"}}, Next: "/resources?cursor=x"}},
		"paper":         {onPaper(samplePaper(), "ticket")},
		"test": {onTest(&assessment.Announcement{Title: evil, CourseTitle: evil, Instructions: "<p>Read.</p>", Minutes: 60, Items: 30, Best: &best, OpensAt: &soon, ClosesAt: &soon}, true, testNow),
			onTest(&assessment.Announcement{Running: &id, Attempts: 2}, true, testNow), testData{Announcement: &assessment.Announcement{ID: id, Title: evil}, Zone: evil}},
		"result": {onResult(result, nil), onResult(&assessment.Result{}, &nextSteps{}), onResult(result, &nextSteps{Verdict: evil, Course: "maths", Again: true,
			Weak: []weakSection{{evil, 20, page.Lessons}, {Title: evil}}})},
		"tries":  {triesData{}, triesData{Tries: tries([]assessment.Summary{{Title: evil, Course: evil, State: assessment.Open, Deadline: soon, Number: 2}, {Title: evil, State: assessment.Marked, Percent: &best, Grade: evil}, {State: assessment.Marking}, {State: assessment.Open}}, testNow), Older: "/attempts?cursor=x"}},
		"handin": {onPaper(samplePaper(), "ticket"), paperData{}},
	}
}

func TestEveryPageRendersAndEscapes(t *testing.T) {
	ids := regexp.MustCompile(` id="([^"]+)"`)
	for name, list := range samples() {
		for n, data := range list {
			app := fiber.New()
			app.Get("/x", func(fc *fiber.Ctx) error {
				c := &api.Call{Now: testNow, Tenant: &tenants.Tenant{TimeZone: "America/Jamaica"}, Claims: &identity.Claims{UserID: uuid.New(), UserName: evil}}
				return pages.Render(c, fc, name, web.Page{Title: evil, Data: data, Form: (&web.Form{}).Set("code", evil).Set("user_name", evil).Set("q", evil)})
			})
			res, err := app.Test(httptest.NewRequest("GET", "/x", nil), -1) // the first page packs all static files
			if err != nil {
				t.Fatal(err)
			}
			raw, err := io.ReadAll(res.Body)
			if err = errors.Join(err, res.Body.Close()); err != nil {
				t.Fatal(err)
			}
			body := string(raw)
			if res.StatusCode != 200 {
				t.Errorf("%s %d: %s", name, n, body)
				continue
			}
			if strings.Contains(body, "<script>alert") || strings.Contains(body, `href="javascript:`) {
				t.Errorf("%s %d: markup came through", name, n)
			}
			if strings.Contains(body, " style=") || strings.Contains(body, " onclick=") {
				t.Errorf("%s %d: something that the policy of the page forbids", name, n)
			}
			if h1 := strings.Count(body, "<h1"); h1 != 1 {
				t.Errorf("%s %d: %d headings of level one", name, n, h1)
			}
			seen := map[string]bool{}
			for _, m := range ids.FindAllStringSubmatch(body, -1) {
				if seen[m[1]] {
					t.Errorf("%s %d: id %s twice", name, n, m[1])
				}
				seen[m[1]] = true
			}
			for _, m := range regexp.MustCompile(`<label[^>]* for="([^"]+)"`).FindAllStringSubmatch(body, -1) {
				if !seen[m[1]] {
					t.Errorf("%s %d: a label for %s, which is not there", name, n, m[1])
				}
			}
		}
	}
}

func TestWhereALearnerGoesOn(t *testing.T) {
	done := soon
	p := &classes.Page{Lessons: []classes.LessonState{{Slug: "a", CompletedAt: &done, Percent: 100}, {Slug: "b"}, {Slug: "c", Percent: 30}}}
	if l := goOn(p); l == nil || l.Slug != "c" {
		t.Errorf("begun: %+v", l)
	}
	p.Lessons[2].Percent = 0
	if l := goOn(p); l == nil || l.Slug != "b" {
		t.Errorf("first: %+v", l)
	}
	if goOn(&classes.Page{Lessons: p.Lessons[:1]}) != nil {
		t.Error("all done")
	}
}

func TestDeviceNames(t *testing.T) {
	for agent, want := range map[string]string{
		"Mozilla/5.0 (Linux; Android 13; SM-A135M) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0 Mobile Safari/537.36":  "Chrome on Android",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0 Safari/537.36 Edg/120": "Edge on Windows",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 Version/17.0 Mobile Safari/604.1":        "Safari on iPhone",
		"curl/8.0": "A program", "": "A program",
	} {
		if got := deviceName(agent); got != want {
			t.Errorf("%s: %s", agent, got)
		}
	}
}
