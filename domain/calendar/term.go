// Package calendar is when a tenant learns: its terms. The windows of exams and the weekly meetings of classes will come here, and what a tenant decides of
// holidays. Nothing here knows who learns, or what.
package calendar

import "github.com/google/uuid"

// Term is a term or another part of the school year.
type Term struct {
	ID       uuid.UUID `json:"id"`
	SourceID string    `json:"source_id"` // its id in the country's own records
	Title    string    `json:"title"`     // 1 to 100 characters
	StartsOn string    `json:"starts_on"` // date, YYYY-MM-DD, the tenant's
	EndsOn   string    `json:"ends_on"`   // the last day, not before the first
}

// TableName is GORM's.
func (Term) TableName() string { return "terms" }
