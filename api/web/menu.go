package web

import (
	"html/template"
	"strings"

	"lignum/api"
	coachingapi "lignum/api/coaching"
	"lignum/domain/words"
	"lignum/policy"
)

// Link is an entry of the menu, and a card on the home page of staff.
type Link struct {
	Path       string
	About      bool // there is a sentence that says what one finds there
	Permission policy.Permission
	Unless     policy.Permission    // not for those who hold this one; zero: for all
	Only       func(*api.Call) bool // for those alone of whom this is so; nil: for all
	Current    bool
}

// key is the link's in the message file of the menu.
func (l *Link) key() string { return menuKey.Replace(l.Path[1:]) }

var menuKey = strings.NewReplacer("/", "_", "-", "_")

// Text is what the page is called in the menu.
func (l Link) Text(in words.Language) string { return in.Say("menu." + l.key()) }

// Says is one sentence: what one finds there.
func (l Link) Says(in words.Language) string { return in.Say("menu.about." + l.key()) }

// links is the menu, in its order: each for those whose role holds its permission.
var links = []Link{
	// what one does oneself
	{Path: "/home", Permission: policy.ClassRead},
	{Path: "/classes", About: true, Permission: policy.ClassRead},
	{Path: "/children", About: true, Permission: policy.ChildRead, Unless: policy.LearnerRead},
	{Path: "/attempts", About: true, Permission: policy.AttemptRead, Unless: policy.LearnerRead},
	{Path: "/points", About: true, Permission: policy.PointsRead, Unless: policy.LearnerRead},
	{Path: "/leaderboard", About: true, Permission: policy.LeaderboardRead},
	{Path: "/resources", About: true, Permission: policy.ResourceRead},
	// the work of staff. An official may open a record, for a reason, but has no list of learners: that is for those who coach.
	{Path: "/learners", About: true, Permission: policy.QuestionAnswer},
	{Path: "/records", About: true, Permission: policy.LearnerProgress, Unless: policy.QuestionAnswer, Only: coachingapi.MaySearchRecords},
	{Path: "/classes/manage", About: true, Permission: policy.ClassManage},
	{Path: "/people", About: true, Permission: policy.UserRead},
	{Path: "/roster", About: true, Permission: policy.RosterImport},
	{Path: "/resets", About: true, Permission: policy.ResetRead},
	{Path: "/figures", About: true, Permission: policy.InsightRead},
	{Path: "/schools", About: true, Permission: policy.SchoolChange},
	{Path: "/terms", About: true, Permission: policy.CalendarRead, Only: staff},
	{Path: "/settings", About: true, Permission: policy.TenantChange},
	{Path: "/bills", About: true, Permission: policy.BillRead},
	{Path: "/audit", About: true, Permission: policy.AuditRead},
	{Path: "/mail", About: true, Permission: policy.MailRead},
	{Path: "/jobs", About: true, Permission: policy.JobRead},
	// the platform
	{Path: "/console", About: true, Permission: policy.PlatformTenantRead},
	{Path: "/console/bills", About: true, Permission: policy.PlatformBillRead},
	{Path: "/console/audit", About: true, Permission: policy.PlatformAuditRead},
	{Path: "/console/mail", About: true, Permission: policy.PlatformMailRead},
	{Path: "/console/jobs", About: true, Permission: policy.PlatformJobRead},
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
		template.HTMLEscape(&b, []byte(l.Text(v.Language)))
		b.WriteString(`</a></li>`)
	}
	return template.HTML(b.String())
}

// menuFor returns what the signed-in person may open; the place where they are is marked.
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
