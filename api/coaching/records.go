package coaching

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"

	"lignum/api"
	"lignum/domain"
	"lignum/domain/people"
	"lignum/domain/words"
	"lignum/policy"
	"lignum/tenants"
	"lignum/tenants/audit"
)

// RecordRoutes declares how an official gets to one learner's record: never by a list, always for a reason that is written down first.
func RecordRoutes(s *api.Server) {
	api.Direct(s, api.Route{Method: http.MethodPost, Path: "/api/v1/learners/search", Permission: policy.LearnerProgress, Tag: "Coaching", Summary: "Find one learner by exact name, for a stated reason",
		Detail: "For ministry officials. A reason is needed, as for opening a record. A search finds at most one learner, does not tell of similar names, and leaves an entry in the audit trail each time, whether somebody was found or not. " +
			"Each person may search 20 times an hour; beyond that the answer is 429."},
		func(ctx context.Context, c *api.Call, in *struct{ Body RecordSearch }) (*FoundRecord, error) {
			return FindRecord(ctx, c, in.Body)
		})
}

// RecordSearch asks for one learner's record.
type RecordSearch struct {
	people.RecordQuery
	Reason string `json:"reason" maxLength:"300" doc:"Why the record is needed: at least ten letters or digits in at least two words"`
}

// FoundRecord names the learner. Opening the record is a request of its own, with its own entry in the trail.
type FoundRecord struct {
	LearnerID uuid.UUID `json:"learner_id"`
}

// How often one person may search. A search is for one known child; whoever needs more is looking through children.
const (
	searchesAnHour = 20
	searchAction   = "learner.search"
)

// FindRecord finds the one learner that a search names. The search is in the trail before its answer is known: found or not.
func FindRecord(ctx context.Context, c *api.Call, in RecordSearch) (*FoundRecord, error) {
	if err := c.Permit(policy.Facts{ReasonLength: api.ReasonLength(in.Reason)}); err != nil {
		return nil, api.ReasonWanted(err, "body.reason")
	}
	if err := in.Validate(); err != nil {
		return nil, api.InBody(err)
	}
	var out FoundRecord
	var missed error
	err := c.DB.Write(ctx, c.Actor, func(tx *tenants.Tx) error {
		// One search after the other, so that none slips past the count.
		if err := tx.Lock(ctx, "record searches"); err != nil {
			return err
		}
		last, _, err := tenants.Trail(ctx, tx, tenants.TrailFilter{ActorID: c.Claims.UserID, Action: searchAction, From: c.Now.Add(-time.Hour), Limit: searchesAnHour})
		if err != nil {
			return err
		}
		if len(last) == searchesAnHour {
			return &domain.Error{Code: domain.OverQuota, Message: words.Say("coaching.you_have_searched_for_many"),
				RetryAfter: max(time.Minute, last[searchesAnHour-1].At.Add(time.Hour).Sub(c.Now))}
		}
		entry := audit.Entry{Action: searchAction, ObjectKind: "user", Reason: strings.TrimSpace(in.Reason), After: map[string]any{"asked": in.RecordQuery, "found": false}}
		out.LearnerID, missed = people.FindRecord(ctx, tx, in.RecordQuery)
		switch {
		case missed == nil:
			entry.ObjectID, entry.After = out.LearnerID.String(), map[string]any{"asked": in.RecordQuery, "found": true}
		case domain.CodeOf(missed) != domain.NotFound:
			return missed
		}
		tx.Record(entry)
		return nil
	})
	if err == nil {
		err = missed
	}
	if err != nil {
		return nil, err
	}
	return &out, nil
}

// MaySearchRecords reports whether the actor may look for records at all, with a reason.
func MaySearchRecords(c *api.Call) bool {
	return c.Would(policy.LearnerProgress, policy.Facts{ReasonLength: api.ReasonLetters})
}

// MayAskForRecord asks the policy about the form of a search, which shows nobody: whoever could search with a reason sees it.
func MayAskForRecord(c *api.Call) error {
	return c.Permit(policy.Facts{ReasonLength: api.ReasonLetters})
}
