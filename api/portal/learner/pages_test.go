package learner

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/uuid"

	"lignum/api/catalogue"
	classesapi "lignum/api/classes"
	"lignum/api/web"
	"lignum/domain/assessment"
	"lignum/domain/calendar"
	"lignum/domain/catalog"
	"lignum/domain/classes"
	"lignum/domain/points"
	"lignum/domain/words"
	"lignum/tests/apitest"
)

const evil = apitest.Evil

var (
	testNow = time.Date(2026, 11, 23, 15, 0, 0, 0, time.UTC)
	soon    = testNow.Add(time.Hour)
)

// samples is what each page of ours is shown with, full and empty. Texts from people carry markup, which must not come through.
func samples() map[string][]any {
	best, id := 80, uuid.New()
	class := classes.Class{ID: id, Fields: classes.Fields{Title: evil, Kind: classes.Live, Grade: evil, StartsOn: "2026-09-07", EndsOn: "2026-12-18", Meets: evil, Seats: 30, Open: true,
		MeetingURL: "https://meet.example/x", Weekly: calendar.Weekly{{Weekday: 2, At: "16:00", Minutes: 60}}}, State: classes.Active, Course: "maths", CourseTitle: evil, Subject: evil, Coach: evil, School: evil}
	mine := class
	mine.Enrolled = true
	page := &classesapi.ClassPage{Page: classes.Page{Class: mine, Done: 1, Facts: classes.Facts{Enrolled: true, ClassOpen: true}, Next: &calendar.Meeting{StartsAt: soon, Minutes: 60},
		Lessons: []classes.LessonState{{ID: id, Slug: "a", Title: evil, Section: evil, Minutes: 20, Percent: 100, CompletedAt: &soon}, {ID: id, Slug: "b", Title: evil, Section: "2", Minutes: 20, Percent: 40}}},
		Tests: []assessment.TestState{{ID: id, Title: evil, Kind: "practice", Minutes: 60, Items: 30, OpensAt: &soon, ClosesAt: &soon, Made: 1, Best: &best}}}
	closed := &classesapi.ClassPage{Page: classes.Page{Class: class}}
	closed.State = classes.Cancelled
	list, meetings := arrange([]classes.Class{class, mine}, []classes.CourseProgress{{Course: "maths", Title: evil, Lessons: 10, Done: 3, NextSlug: "b", NextTitle: evil}}, testNow, time.UTC)
	lesson := &catalogue.LessonView{Lesson: catalog.Lesson{LessonHead: catalog.LessonHead{ID: id, Slug: "a", Title: evil, Minutes: 20}, Course: "maths", CourseTitle: evil, SectionTitle: evil,
		HTML: "<h2>Safe</h2>", Previous: &catalog.Neighbour{Slug: "p", Title: evil}, Next: &catalog.Neighbour{Slug: "n", Title: evil}}, Records: true}
	board := &points.Board{Top: []points.Standing{{Rank: 1, Name: evil, Points: 1200, Me: true}}, Me: &points.Standing{Rank: 1, Name: evil, Points: 1200}, Near: []points.Standing{{Rank: 1, Name: evil, Points: 1200, Me: true}}}
	result := &assessment.Result{Title: evil, Percent: 70, Score: 2550, MaxScore: 3000, Grade: "II", Points: 15, FeedbackNote: words.Plain(evil), FeedbackAt: &soon, Sections: []assessment.SectionResult{{Title: evil, Score: 50, MaxScore: 100}}}
	for i, q := range samplePaper().Questions {
		result.Questions = append(result.Questions, assessment.ItemResult{Position: i, Item: q.Item, Response: q.Response, Score: 50 * (i % 2), MaxScore: 100, RightAnswer: evil, Comment: evil, Feedback: []string{"<b>ok</b>"}})
	}
	result.Questions[4].Response = json.RawMessage(`{"match":{"p":"x"}}`)
	result.Questions[7].Response = json.RawMessage(`{"order":{"n":2,"s":1}}`)
	return map[string][]any{
		"home":        {homeData{}, homeData{Learner: true}, homeData{Learner: true, Courses: list, Attempts: []assessment.Summary{{Title: evil, Deadline: soon}}, Meetings: meetings, Points: &points.Own{Total: 10}}},
		"classes":     {classesData{}, classesData{Query: evil}, classesData{Learner: true, Query: evil, Classes: []classes.Class{class, mine}, Next: "/classes?cursor=x"}},
		"class":       {classData{page, true, true, goOn(&page.Page)}, classData{closed, true, false, nil}},
		"lesson":      {lesson},
		"points":      {pointsData{&points.Own{}, points.Rules}, pointsData{&points.Own{Total: 1234, Listed: true, Recent: []points.Entry{{Kind: "lesson", Title: evil, Points: 10, At: soon}}}, points.Rules}},
		"leaderboard": {leaderboardData{}, leaderboardData{Board: &points.Board{}}, leaderboardData{Board: board, Among: "school", Circles: []web.Choice{{Value: "school", Text: evil}}}},
		"resources":   {resourcesData{}, resourcesData{Query: evil}, resourcesData{Items: []catalog.Resource{{Kind: "lab", Title: evil, Subject: evil, URL: "https://x.example/"}, {Kind: "lab", Title: evil, URL: "javascript:alert(1)"}}, Next: "/resources?cursor=x"}},
		"paper":       {onPaper(samplePaper(), "ticket")},
		"test": {onTest(words.English, &assessment.Announcement{Title: evil, CourseTitle: evil, Instructions: "<p>Read.</p>", Minutes: 60, Items: 30, Best: &best, OpensAt: &soon, ClosesAt: &soon}, true, testNow),
			onTest(words.English, &assessment.Announcement{Running: &id, Attempts: 2}, true, testNow), testData{Announcement: &assessment.Announcement{ID: id, Title: evil}, Zone: evil}},
		"result": {onResult(words.English, result, nil), onResult(words.English, &assessment.Result{}, &nextSteps{}), onResult(words.English, result, &nextSteps{Verdict: evil, Course: "maths", Again: true,
			Weak: []weakSection{{evil, 20, page.Lessons}, {Title: evil}}})},
		"tries":  {triesData{}, triesData{Tries: tries([]assessment.Summary{{Title: evil, Course: evil, State: assessment.Open, Deadline: soon, Number: 2}, {Title: evil, State: assessment.Marked, Percent: &best, Grade: evil}, {State: assessment.Marking}, {State: assessment.Open}}, testNow), Older: "/attempts?cursor=x"}},
		"handin": {onPaper(samplePaper(), "ticket"), paperData{}},
	}
}

func TestEveryPageRendersAndEscapes(t *testing.T) { apitest.Renders(t, pages, testNow, samples()) }

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
