package portal

import (
	"slices"
	"strconv"
	"strings"

	"lignum/api/web"
	"lignum/domain/catalog/item"
)

// paperItem is one question of a paper with what the learner answered so far.
type paperItem struct {
	Position int // in the paper, as the API counts
	Number   int // as people count: texts between questions have none
	Public   item.Public
	Response item.Response
	Saved    int64  // counter of the stored answer
	Problem  string // why what was typed could not be stored
}

// Answered tells whether anything was answered.
func (p paperItem) Answered() bool { return !p.Response.Empty() }

// Chosen tells whether a choice is ticked.
func (p paperItem) Chosen(id string) bool { return slices.Contains(p.Response.Choice, id) }

// field is the name of the item's input; of a matching item, of the input of one left side.
func (p paperItem) field(left string) string {
	name := "a" + strconv.Itoa(p.Position)
	if left != "" {
		name += "-" + left
	}
	return name
}

// read takes the answer of a form that was sent without the script.
func (p paperItem) read(f *web.Form) item.Response {
	var r item.Response
	switch p.Public.Kind {
	case item.MultipleChoice, item.TrueFalse:
		r.Choice = slices.DeleteFunc(slices.Clone(f.Values[p.field("")]), func(id string) bool { return id == "" })
	case item.Matching:
		for _, left := range p.Public.Left {
			if right := f.Get(p.field(left.ID)); right != "" {
				if r.Match == nil {
					r.Match = map[string]string{}
				}
				r.Match[left.ID] = right
			}
		}
	case item.Numeric:
		r.Number = f.Text(p.field(""))
	case item.ShortAnswer, item.Essay:
		// Browsers send line ends as CR LF.
		r.Text = strings.ReplaceAll(f.Get(p.field("")), "\r\n", "\n")
	}
	return r
}

// number counts the questions; descriptions between them have no number.
func number(items []paperItem) (questions int) {
	for i := range items {
		if items[i].Public.Kind != item.Description {
			questions++
			items[i].Number = questions
		}
	}
	return questions
}
