package item

import "lignum/domain"

// description is a text between questions: a table, a passage. There is nothing to answer.
type description struct{ anyKind }

func (description) is() facts { return facts{kind: Description} }

func (description) check(it *Item, p *domain.Problems) {
	if it.After != "" {
		p.Add("after", "catalog.a_description_has_no_blank")
	}
}
