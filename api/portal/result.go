package portal

import (
	"strings"

	"lignum/domain/assessment"
	"lignum/domain/catalog/item"
)

// resultData is a result with its answers in a form that a page can show.
type resultData struct {
	*assessment.Result
	Answers []resultItem
}

// resultItem is one question with what was answered and what came of it.
type resultItem struct {
	assessment.ItemResult
	Number   int // as people count; 0 for a text between questions
	response item.Response
}

func onResult(r *assessment.Result) resultData {
	d := resultData{Result: r}
	questions := 0
	for _, q := range r.Questions {
		one := resultItem{ItemResult: q}
		if q.Item.Kind != item.Description {
			questions++
			one.Number = questions
		}
		if len(q.Response) > 0 {
			if parsed, err := item.ParseResponse(q.Response); err == nil {
				one.response = parsed
			}
		}
		d.Answers = append(d.Answers, one)
	}
	return d
}

// Answered tells whether anything was answered; a description wants no answer.
func (r resultItem) Answered() bool { return r.Number == 0 || !r.response.Empty() }

// Chosen tells whether a choice was ticked.
func (r resultItem) Chosen(id string) bool { return paperItem{Response: r.response}.Chosen(id) }

// Matched is the option (HTML) that was put to a left side; "" when none was.
func (r resultItem) Matched(left string) string {
	for _, o := range r.Item.Right {
		if o.ID == r.response.Match[left] {
			return o.HTML
		}
	}
	return ""
}

// Typed is what was typed as an answer.
func (r resultItem) Typed() string { return strings.TrimSpace(r.response.Text + r.response.Number) }
