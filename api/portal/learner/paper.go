package learner

import (
	"encoding/json"
	"reflect"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"

	"lignum/api/web"
	"lignum/domain/assessment"
	"lignum/domain/catalog/item"
	"lignum/domain/words"
)

// paperItem is one question of a paper with what the learner answered so far.
type paperItem struct {
	Position int // in the paper, as the API counts
	Number   int // as people count: texts between questions have none
	Public   item.Public
	Response item.Response // as it is shown: stored, or typed and not taken
	Stored   item.Response // what counts
	Saved    int64         // counter of the stored answer
	Problem  string        // why what was typed was not taken
}

// Standing is the stored answer in a few words, for a question that is answered by typing a little; "" without one.
func (p paperItem) Standing() string {
	if p.Public.Kind.ByPerson() {
		return ""
	}
	return p.Stored.Number + p.Stored.Text // one of the two is empty
}

// Answered reports whether anything was answered.
func (p paperItem) Answered() bool { return !p.Response.Empty() }

// Chosen reports whether a choice is ticked.
func (p paperItem) Chosen(id string) bool { return slices.Contains(p.Response.Choice, id) }

// read takes the answer of a form that was sent without the script. The item's input is named after its position; of an item
// that has an input for each of its parts, each one after the part as well.
func (p paperItem) read(f *web.Form) item.Response {
	name := "a" + strconv.Itoa(p.Position)
	return p.Public.Read(func(part string) []string {
		if part != "" {
			return f.Values[name+"-"+part]
		}
		return f.Values[name]
	})
}

// paperData is an attempt under way, as its page shows it.
type paperData struct {
	ID                       uuid.UUID
	Ticket                   string
	Deadline                 time.Time
	SecondsLeft, MinutesLeft int
	Questions                int
	Items                    []paperItem
	Counter                  int64 // the highest of the stored answers
}

// Left are the questions that have no answer.
func (d paperData) Left() (left []paperItem) {
	for _, one := range d.Items {
		if one.Number > 0 && !one.Answered() {
			left = append(left, one)
		}
	}
	return left
}

// Unanswered is how many questions have no answer.
func (d paperData) Unanswered() int { return len(d.Left()) }

// onPaper prepares a paper for its page.
func onPaper(p *assessment.Paper, ticket string) paperData {
	d := paperData{ID: p.ID, Ticket: ticket, Deadline: p.Deadline, SecondsLeft: p.Remaining, MinutesLeft: (p.Remaining + 59) / 60}
	for _, q := range p.Questions {
		one := paperItem{Position: q.Position, Public: q.Item, Saved: q.Counter}
		if len(q.Response) > 0 {
			if r, err := item.ParseResponse(q.Response); err == nil {
				one.Response, one.Stored = r, r
			}
		}
		d.Counter = max(d.Counter, q.Counter)
		d.Items = append(d.Items, one)
	}
	d.Questions = number(d.Items)
	return d
}

// answers takes from a form what differs from the stored answers. A blank never wipes out an answer that the page had not
// shown. All get one counter, higher than any before it: the
// form's own field carries the script's highest, whose clock may be ahead of ours.
func (d *paperData) answers(f *web.Form, now time.Time) ([]assessment.Answer, error) {
	counter := max(d.Counter+1, now.UnixMilli())
	known, err := strconv.ParseInt(f.Get("counter"), 10, 64)
	if err == nil && known < 1<<53 {
		counter = max(counter, known+1)
	}
	var list []assessment.Answer
	for i := range d.Items {
		one := &d.Items[i]
		if !slices.Contains(f.Values["shown"], strconv.Itoa(one.Position)) {
			continue // half a form takes nothing back
		}
		r := one.read(f)
		switch {
		case reflect.DeepEqual(r, one.Stored), r.Empty() && one.Stored.Empty():
			continue
		case r.Empty() && one.Saved > known:
			continue // answered on another device after this page was shown
		case r.Empty() && !one.Public.Multiple && len(one.Public.Choices) > 0:
			continue // a browser cannot take back the choice of one
		}
		one.Response = r
		raw, err := json.Marshal(r)
		if err != nil {
			return nil, err
		}
		list = append(list, assessment.Answer{Position: one.Position, Counter: counter, Response: raw})
	}
	return list, nil
}

// take notes what became of answers that were sent: what is stored counts from now on, and beside a question whose answer was
// not taken stands why, and which answer counts instead. It gives those that another device was faster with, to be sent
// again with a higher counter.
func (d *paperData) take(l words.Language, sent []assessment.Answer, saved *assessment.Saved) (again []assessment.Answer) {
	standing := map[int]assessment.Kept{}
	for _, k := range saved.Kept {
		standing[k.Position] = k
	}
	refused := map[int]words.Text{}
	for _, r := range saved.Refused {
		refused[r.Position] = r.Reason
	}
	at := map[int]*paperItem{}
	for i := range d.Items {
		at[d.Items[i].Position] = &d.Items[i]
	}
	for _, a := range sent {
		one, k := at[a.Position], standing[a.Position]
		reason, wrong := refused[a.Position]
		switch {
		case one == nil:
		case wrong:
			one.Problem = l.Say("learner.not_saved", "Reason", reason)
			if s := one.Standing(); s != "" {
				one.Problem += " " + l.Say("learner.earlier_answer_counts", "Answer", s)
			}
		case k.Stored:
			one.Stored, one.Saved = one.Response, k.Counter
			d.Counter = max(d.Counter, k.Counter)
		default:
			a.Counter = max(a.Counter, k.Counter) + 1
			again = append(again, a)
		}
	}
	return again
}

// number counts the questions; descriptions between them have no number.
func number(items []paperItem) (questions int) {
	for i := range items {
		if items[i].Public.Kind.Asks() {
			questions++
			items[i].Number = questions
		}
	}
	return questions
}
