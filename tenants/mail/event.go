package mail

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/google/uuid"

	"lignum/domain"
)

// event is what Amazon SES publishes of a letter, as far as it is read.
type event struct {
	Type   string `json:"eventType"`
	Bounce struct {
		Type       string `json:"bounceType"` // Permanent, Transient or Undetermined
		SubType    string `json:"bounceSubType"`
		Recipients []struct {
			Action     string `json:"action"`
			Status     string `json:"status"`
			Diagnostic string `json:"diagnosticCode"`
		} `json:"bouncedRecipients"`
	} `json:"bounce"`
	Complaint struct {
		Type string `json:"complaintFeedbackType"`
	} `json:"complaint"`
	Mail struct {
		Heads []struct {
			Name  string `json:"name"`
			Value string `json:"value"`
		} `json:"headers"` // those of the letter as it was handed to SES
	} `json:"mail"`
}

// ReadEvent reads what Amazon SES says of a letter that came back, or that its reader called unwanted, as it publishes it to SNS. It gives domain.Invalid for any
// other event, and for one that is about no letter of ours. A letter is told by its own head: SES gives each another Message-ID.
func ReadEvent(body []byte) (Report, error) {
	var e event
	if len(body) > most || json.Unmarshal(body, &e) != nil {
		return Report{}, domain.Refuse(domain.Invalid, "mail.is_no_report")
	}
	r := Report{}
	switch {
	case e.Type == "Bounce":
		r.Lasting = e.Bounce.Type == "Permanent"
		r.Text = e.Bounce.Type + " " + e.Bounce.SubType
		if len(e.Bounce.Recipients) > 0 { // a letter has one
			to := e.Bounce.Recipients[0]
			r.Text = fmt.Sprintf("%s %s %s %s", r.Text, to.Action, to.Status, to.Diagnostic)
		}
		r.Text = strings.Join(strings.Fields(oneLine(r.Text)), " ")
	case e.Type == "Complaint" && e.Complaint.Type != "not-spam": // which takes back what its reader's provider took for a complaint
		r.Complaint, r.Lasting = true, true
	default:
		return Report{}, domain.Refuse(domain.Invalid, "mail.is_no_report")
	}
	for _, h := range e.Mail.Heads {
		if strings.EqualFold(h.Name, head) && r.Mark == "" {
			r.Mark = strings.TrimSpace(h.Value)
		}
	}
	return r, r.named()
}

// named reads of a report's mark which letter of which realm it is about, or gives domain.Invalid.
func (r *Report) named() (err error) {
	realm, rest, _ := strings.Cut(r.Mark, ".")
	id, _, _ := strings.Cut(rest, ".")
	if r.Letter, err = uuid.Parse(id); err != nil || realm == "" {
		return domain.Refuse(domain.Invalid, "mail.is_about_no_letter")
	}
	r.Realm = realm
	return nil
}
