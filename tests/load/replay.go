package load

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/google/uuid"

	"lignum/domain/identity"
)

// Replay sends a planned day as fast as its requests are answered. Each person's requests come one after the other, in the day's order.
type Replay struct {
	Client  *Client
	Country *Country
	Journal *Journal
	AtOnce  int // requests under way

	visitors map[int32]*visitor
}

// visitor is one person of the day.
type visitor struct {
	Person
	course  *Course
	from    string
	token   string
	issued  time.Duration // on the day's clock
	sitting *Sitting
	counter int64
}

// Run sends the steps and adds what came back to the tally. It may be called again with another plan of the same people.
func (r *Replay) Run(ctx context.Context, steps []Step, t *Tally) {
	if r.visitors == nil {
		r.visitors = map[int32]*visitor{}
	}
	lanes := make([][]Step, r.AtOnce)
	for _, s := range steps {
		lane := &lanes[max(s.Who, -1-s.Who)%int32(r.AtOnce)]
		*lane = append(*lane, s)
		if r.visitors[s.Who] == nil {
			r.visitors[s.Who] = r.visitor(s.Who)
		}
	}
	begin := time.Now()
	var wg sync.WaitGroup
	for _, lane := range lanes {
		wg.Go(func() {
			for _, s := range lane {
				if ctx.Err() != nil {
					return
				}
				due := time.Now()
				t.Note(s.Do.Name, due, r.step(s))
			}
		})
	}
	wg.Wait()
	t.Took += time.Since(begin)
}

// visitor is the n-th learner, or of staff.
func (r *Replay) visitor(who int32) *visitor {
	v := &visitor{from: Address(int(max(who, -1-who)) / 30), counter: 1_000_000, issued: -24 * time.Hour} // above every counter that the demo's rows have
	if who < 0 {
		v.Person = r.Country.Staff[-1-who]
		return v
	}
	v.Person = r.Country.Learners[who]
	v.course = r.Country.Courses[v.Course]
	return v
}

// step sends one request.
func (r *Replay) step(s Step) error {
	v := r.visitors[s.Who]
	if s.At-v.issued >= identity.TokenLife || s.At < v.issued { // as a client renews it; the second, when another day begins
		var err error
		if v.token, err = r.Country.Desk.Token(v.Person); err != nil {
			return err
		}
		v.issued = s.At
	}
	page := func(format string, args ...any) error {
		_, err := r.Client.Do(Call{Slug: r.Country.Desk.Slug, Path: fmt.Sprintf(format, args...), Token: v.token, From: v.from, Page: true}, nil)
		return err
	}
	switch s.Do {
	case seeHome:
		return page("/home")
	case seeClass:
		return page("/classes/%s", v.Class)
	case readLesson:
		return page("/courses/%s/lessons/%s", v.course.Slug, v.lesson(s.N).Slug)
	case seePoints:
		return page("/points")
	case seeLeaderboard:
		return page("/leaderboard")
	case seeResources:
		return page("/resources")
	case manageClasses:
		return page("/classes/manage")
	case manageClass:
		if v.Class == uuid.Nil {
			return page("/classes/manage")
		}
		return page("/classes/manage/%s", v.Class)
	case seeLearners:
		return page("/learners")
	case seeFigures:
		return page("/figures")
	case seeTest:
		return page("/tests/%s", v.test(s.N))
	case seeResult:
		return page("/attempts/%s/result", v.sitting.attempt)
	case report:
		return r.report(v, s)
	}
	return r.sit(v, s)
}

func (v *visitor) lesson(n int16) Lesson { return v.course.Lessons[int(n)%len(v.course.Lessons)] }

// test is the n-th of the course, 0 being the exam.
func (v *visitor) test(n int16) uuid.UUID {
	if n == 0 || len(v.course.Checks) == 0 {
		return v.course.Exam
	}
	return v.course.Checks[int(n)%len(v.course.Checks)]
}

func (r *Replay) report(v *visitor, s Step) error {
	v.counter++
	lesson := v.lesson(s.N)
	f := Fact{Kind: Reported, Of: v.ID, Thing: hashID(lesson.ID), Counter: v.counter}
	_, err := r.Client.Do(Call{Method: http.MethodPut, Slug: r.Country.Desk.Slug, Path: "/api/v1/lessons/" + lesson.ID.String() + "/progress", Token: v.token, From: v.from,
		Body: fmt.Sprintf(`{"percent":%d,"seconds":%d,"counter":%d}`, s.Of, 3*s.Of, v.counter)}, nil)
	switch {
	case err == nil:
		r.Journal.Acknowledged(f)
	case statusOf(err) == 0 || statusOf(err) >= 500:
		r.Journal.Unsure(f)
	}
	return err
}

// sit is what belongs to an attempt.
func (r *Replay) sit(v *visitor, s Step) error {
	if s.Do == start {
		v.sitting = &Sitting{Client: r.Client, Slug: r.Country.Desk.Slug, From: v.from, Test: v.test(s.N), Journal: r.Journal}
	}
	v.sitting.Token = v.token
	switch s.Do {
	case start:
		return v.sitting.Start()
	case readPaper:
		return v.sitting.Paper()
	case submit:
		return v.sitting.Submit()
	case save:
		items, n, of := v.sitting.Questions(), int(s.N), int(s.Of)
		if from, to := items*n/of, items*(n+1)/of; from < to {
			return v.sitting.Save(from, to)
		}
		return nil
	}
	return fmt.Errorf("nobody knows how to do %q", s.Do.Name)
}
