package load

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/google/uuid"

	"lignum/domain/catalog/item"
)

// Sitting is one learner's attempt at a test, step by step. What is acknowledged goes into the journal.
type Sitting struct {
	Client  *Client
	Slug    string
	Token   string
	From    string
	Test    uuid.UUID
	Journal *Journal

	attempt uuid.UUID
	ticket  string
	items   []item.Public
	counter int64
}

// Questions is how many the paper has; 0 before the start.
func (s *Sitting) Questions() int { return len(s.items) }

// Kinds of requests of a Sitting.
const (
	StartKind  = "start"
	PaperKind  = "paper"
	SaveKind   = "save"
	SubmitKind = "submit"
)

// Start begins the attempt, or goes on with the one under way.
func (s *Sitting) Start() error {
	var open struct {
		Ticket string
		Paper  struct {
			ID        uuid.UUID
			Questions []struct{ Item item.Public }
		}
	}
	_, err := s.Client.Do(s.call(http.MethodPost, "/api/v1/tests/"+s.Test.String()+"/attempts", ""), func(body []byte) error { return json.Unmarshal(body, &open) })
	if err != nil {
		return err
	}
	s.attempt, s.ticket, s.items = open.Paper.ID, open.Ticket, s.items[:0]
	for _, q := range open.Paper.Questions {
		s.items = append(s.items, q.Item)
	}
	return nil
}

// Paper reads the paper once more, as another device would.
func (s *Sitting) Paper() error {
	_, err := s.Client.Do(s.call("", "/api/v1/attempts/"+s.attempt.String()+"/paper", ""), nil)
	return err
}

// Save answers the positions from (included) to (excluded).
func (s *Sitting) Save(from, to int) error {
	to = min(to, len(s.items))
	s.counter++
	var body strings.Builder
	fmt.Fprintf(&body, `{"ticket":%q,"answers":[`, s.ticket)
	sent := make([]Fact, 0, to-from)
	for at := from; at < to; at++ {
		response, err := json.Marshal(s.items[at].Guess(at + int(s.counter)))
		if err != nil {
			return err
		}
		if at > from {
			body.WriteByte(',')
		}
		fmt.Fprintf(&body, `{"position":%d,"counter":%d,"response":%s}`, at, s.counter, response)
		sent = append(sent, Fact{Kind: Answered, Of: s.attempt, Thing: hash(response), Counter: s.counter, At: int32(at)})
	}
	body.WriteString("]}")
	var saved struct {
		Kept []struct {
			Position int32
			Counter  int64
			Stored   bool
		}
		Refused []struct {
			Position int
			Reason   string
		}
	}
	_, err := s.Client.Do(s.call(http.MethodPut, "/api/v1/attempts/"+s.attempt.String()+"/answers", body.String()), func(body []byte) error { return json.Unmarshal(body, &saved) })
	if err != nil {
		for _, f := range sent {
			if statusOf(err) == 0 || statusOf(err) >= 500 {
				s.Journal.Unsure(f)
			}
		}
		return err
	}
	for _, k := range saved.Kept {
		if i := int(k.Position) - from; k.Stored && i >= 0 && i < len(sent) {
			s.Journal.Acknowledged(sent[i])
		}
	}
	if len(saved.Kept) != len(sent) {
		return fmt.Errorf("of %d answers %d were kept and %d refused: %+v", len(sent), len(saved.Kept), len(saved.Refused), saved.Refused)
	}
	return nil
}

// Submit hands the attempt in.
func (s *Sitting) Submit() error {
	f := Fact{Kind: HandedIn, Of: s.attempt}
	_, err := s.Client.Do(s.call(http.MethodPost, "/api/v1/attempts/"+s.attempt.String()+"/submission", ""), nil)
	if err == nil {
		s.Journal.Acknowledged(f)
	} else if statusOf(err) == 0 || statusOf(err) >= 500 {
		s.Journal.Unsure(f)
	}
	return err
}

func (s *Sitting) call(method, path, body string) Call {
	return Call{Method: method, Slug: s.Slug, Path: path, Token: s.Token, From: s.From, Body: body}
}
