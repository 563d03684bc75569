package web

import (
	"html/template"
	"strings"

	"lignum/api"
	coachingapi "lignum/api/coaching"
	"lignum/policy"
)

// Link is an entry of the menu, and a card on the home page of staff.
type Link struct {
	Path       string
	Text       string
	About      string // one sentence: what one finds there
	Permission policy.Permission
	Unless     policy.Permission    // not for those who hold this one; zero: for all
	Only       func(*api.Call) bool // for those alone of whom this is so; nil: for all
	Current    bool
}

// links is the menu, in its order: each for those whose role holds its permission.
var links = []Link{
	// what one does oneself
	{Path: "/home", Text: "Home", Permission: policy.ClassRead},
	{Path: "/classes", Text: "Classes", About: "See which classes there are, and who takes part.", Permission: policy.ClassRead},
	{Path: "/children", Text: "My children", About: "What you decide for your children here.", Permission: policy.ChildRead, Unless: policy.LearnerRead},
	{Path: "/attempts", Text: "My tests", About: "Every test you took, and what came of it.", Permission: policy.AttemptRead, Unless: policy.LearnerRead},
	{Path: "/points", Text: "My points", About: "What you earned by learning.", Permission: policy.PointsRead, Unless: policy.LearnerRead},
	{Path: "/leaderboard", Text: "Leaderboard", About: "Who earned most this month.", Permission: policy.LeaderboardRead},
	{Path: "/resources", Text: "Animations and labs", About: "See how things work: animations, virtual labs, videos and papers.", Permission: policy.ResourceRead},
	// the work of staff. An official may open a record, for a reason, but has no list of learners: that is for those who coach.
	{Path: "/learners", Text: "Learners", About: "See how your learners are doing, and who falls behind.", Permission: policy.QuestionAnswer},
	{Path: "/records", Text: "Open a record", About: "Open one learner’s record, for a reason that is written down. No list of learners is shown.",
		Permission: policy.LearnerProgress, Unless: policy.QuestionAnswer, Only: coachingapi.MaySearchRecords},
	{Path: "/classes/manage", Text: "Manage classes", About: "Open and change classes, see who is in them, print sign-in cards.", Permission: policy.ClassManage},
	{Path: "/people", Text: "People", About: "Find accounts, open new ones, print sign-in cards.", Permission: policy.UserRead},
	{Path: "/resets", Text: "Sign-in cards", About: "See who asked for new sign-in cards, and what became of it.", Permission: policy.ResetRead},
	{Path: "/figures", Text: "Figures", About: "Attendance, active users and results, of many people together.", Permission: policy.InsightRead},
	{Path: "/schools", Text: "Schools", About: "Add schools, and correct their names and regions.", Permission: policy.SchoolChange},
	{Path: "/terms", Text: "Terms", About: "When the terms of the school year begin and end.", Permission: policy.CalendarRead, Only: staff},
	{Path: "/settings", Text: "Settings", About: "Name, colours, what is asked of staff, and what the plan allows.", Permission: policy.TenantChange},
	{Path: "/audit", Text: "Audit", About: "Who did what, when and why. Nothing in it can be changed.", Permission: policy.AuditRead},
	// the platform
	{Path: "/console", Text: "Tenants", About: "Countries and colleges, their plans and states.", Permission: policy.PlatformTenantRead},
	{Path: "/console/audit", Text: "Audit trail", About: "What was done on the platform, by whom and why.", Permission: policy.PlatformAuditRead},
}

// staff reports whether somebody sees learners, which those who learn, and their guardians, do not.
func staff(c *api.Call) bool { return c.May(policy.LearnerRead) }

// Links is the menu as items of a list. A page has it twice, and it is the larger part of what a page has in common with all others, so it is
// written here and not by a template.
func (v *View) Links() template.HTML {
	var b strings.Builder
	for i := range v.Menu {
		l := &v.Menu[i]
		b.WriteString(`<li><a href="`)
		template.HTMLEscape(&b, []byte(l.Path))
		if b.WriteByte('"'); l.Current {
			b.WriteString(` aria-current="page"`)
		}
		b.WriteByte('>')
		template.HTMLEscape(&b, []byte(l.Text))
		b.WriteString(`</a></li>`)
	}
	return template.HTML(b.String())
}

// menuFor gives what the signed-in person may open; the place where they are is marked.
func menuFor(c *api.Call, path string) []Link {
	if c.Claims == nil || c.Claims.MustChangePassword {
		return nil
	}
	kind := policy.Platform
	if c.Tenant != nil {
		kind = policy.Tenant
	} else if !c.Claims.SecondFactor { // nothing of it would open
		return nil
	}
	var mine []Link
	barred := c.Barred()
	best := -1
	for _, l := range links {
		switch {
		case !l.Permission.In(kind), !c.May(l.Permission), !l.Unless.IsZero() && c.May(l.Unless), l.Only != nil && !l.Only(c):
			continue
		case barred && l.Permission.Realm() != policy.Either:
			continue
		}
		if (path == l.Path || strings.HasPrefix(path, l.Path+"/")) && (best < 0 || len(l.Path) > len(mine[best].Path)) {
			best = len(mine)
		}
		mine = append(mine, l)
	}
	if best >= 0 {
		mine[best].Current = true
	}
	return mine
}
