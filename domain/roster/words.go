package roster

import (
	"fmt"
	"strings"

	"lignum/domain"
	"lignum/domain/words"
)

// The words that OneRoster 1.1 and 1.2 allow (1EdTech, 'CSV Binding' and 'Data Model': the enumerations). A word that is not among them is refused: who
// guessed at 'Inactive since May' would give away a seat.
var (
	statusWords    = []string{"active", "inactive", "tobedeleted"} // 'inactive' is of 1.1
	orgWords       = []string{"school", "district", "department", "local", "state", "national"}
	sessionWords   = []string{"term", "semester", "gradingPeriod", "schoolYear"}
	classWords     = []string{"scheduled", "homeroom"}
	enrolmentWords = []string{"student", "teacher", "aide"}
	roleTypeWords  = []string{"primary", "secondary"}
	truthWords     = []string{"true", "false"}
	meetingWords   = []string{"live", "on_demand"} // ours
	userRoleWords  = []string{"student", "teacher", "aide", "counselor", "guardian", "parent", "relative", "administrator", "siteAdministrator", "principal"}
)

// word returns a cell that must be empty or one of the allowed words, as those are spelt: capitals do not matter, because Excel
// writes TRUE for true. It notes any other and gives "".
func (r record) word(p *domain.Problems, field string, allowed []string) string {
	v := r.get(strings.ToLower(field))
	if v == "" {
		return ""
	}
	for _, w := range allowed {
		if strings.EqualFold(v, w) {
			return w
		}
	}
	p.Add(field, "roster.is_not_known_allowed", "Given", fmt.Sprintf("%q", clipText(v, 40)), "Allowed", anyOf(allowed))
	return ""
}

// anyOf lists words of OneRoster, which are the same in every language.
func anyOf(list []string) words.Text {
	last := len(list) - 1
	return words.Say("roster.any_of", "Most", strings.Join(list[:last], ", "), "Last", list[last])
}

// status returns active, inactive or tobedeleted; an empty cell is active, as in a bulk file.
func (r record) status(p *domain.Problems) string {
	if s := r.word(p, "status", statusWords); s != "" {
		return s
	}
	return "active"
}

// gone reports whether the row says that the thing is to be deleted.
func (r record) gone() bool { return strings.EqualFold(r.get("status"), "tobedeleted") }

// ends reports whether the row says that the thing is not, or no longer, in use. A person who is 'inactive' is still known and kept up to
// date; an organisation, a class or a place in one that is 'inactive' is as good as gone.
func (r record) ends() bool { return r.gone() || strings.EqualFold(r.get("status"), "inactive") }

// freesSeats reports whether the row of a kind of file can only give room back: a place in a class, or a part of a quota.
func (r record) freesSeats(kind string) bool {
	return r.ends() || kind == "users" && strings.EqualFold(r.get("enableduser"), "false")
}
