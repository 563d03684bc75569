package portal_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
)

func TestStaffSeeTestsAndResultsOfTheirLearners(t *testing.T) {
	t.Parallel()
	s := newTown(t)
	at := "/learners/" + s.learner.ID.String()
	result := regexp.MustCompile(`/attempts/[0-9a-f-]{36}/result`)
	for _, u := range []struct {
		role string
		at   string
		link bool
	}{{"coach", at, true}, {"teacher", at, true}, {"school_administrator", at, true}, {"tenant_administrator", at + "?reason=appeal+114+about+a+score", false}, {"ministry_official", at + "?reason=appeal+114+about+a+score", false}} {
		page := s.Get(s.who[u.role], u.at).Want(http.StatusOK)
		s.shows(page, "<h2>Tests</h2>", "Under way", "handed in")
		link := result.FindString(string(page.Body))
		if (link != "") != u.link {
			t.Errorf("%s: link %q", u.role, link)
		}
		if link != "" {
			s.shows(s.Get(s.who[u.role], link).Want(http.StatusOK), "Result of Kerry &lt;b&gt;Bold&lt;/b&gt;", `href="`+at+`"`)
			s.hides(s.Get(s.who[u.role], link), "Your result", "your answer", "You did not answer")
		}
	}

	// The card of somebody who fell behind names the test and leads to it, and there is one card for two classes.
	s.Exec("jamaica", `UPDATE attempts SET score = 0, max_score = 100, state = 'marked' WHERE learner_id = $1::uuid AND state <> 'open'`, s.learner.ID.String())
	page := string(s.Get(s.coach, "/learners").Want(http.StatusOK).Body)
	card := regexp.MustCompile(`(?s)<li class="card behind">(.*?)</ul>\s*</li>|<li class="card behind">(.*?)</li>\s*<li class="card`).FindString(page)
	if n := strings.Count(page, `<h3><a href="`+at+`">`); n != 1 {
		t.Errorf("%d cards for one learner in two classes", n)
	}
	if !strings.Contains(page, "Books, coached") || !strings.Contains(page, "Books for all") || !regexp.MustCompile(`<a href="/attempts/[0-9a-f-]{36}/result">0 % in the test “`).MatchString(page) {
		t.Errorf("the card: %s", card)
	}
	s.Get(s.coach, result.FindString(page)).Want(http.StatusOK)
	s.shows(s.Get(s.learner, "/home").Want(http.StatusOK))
}

// A class that is over or was cancelled offers nothing that is closed: neither its learners' records to its coach, nor its lessons to
// its learners.
func TestAClassThatIsOverOffersNothingThatIsClosed(t *testing.T) {
	t.Parallel()
	s := newTown(t)
	id := func(title string) (id string) {
		s.t.Helper()
		n := s.Get(s.admin, "/classes/manage?show=ended&q="+strings.ReplaceAll(title, " ", "+")).Want(http.StatusOK)
		m := regexp.MustCompile(`href="/classes/manage/([0-9a-f-]{36})"`).FindStringSubmatch(string(n.Body))
		if m == nil {
			t.Fatalf("no class %s", title)
		}
		return m[1]
	}
	over := s.Get(s.teacher, "/classes/manage/"+id("Books, over")).Want(http.StatusOK)
	s.hides(over, "Place learners", "Cancel the class", "Change the class")
	cancelled := s.Get(s.learner, "/classes/"+id("Books, cancelled")).Want(http.StatusOK)
	s.shows(cancelled, "This class was cancelled")
	s.hides(cancelled, `href="/courses/`, `href="/tests/`, "Join the meeting")
}
