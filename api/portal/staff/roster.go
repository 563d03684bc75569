package staff

import (
	"bytes"
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/google/uuid"

	"lignum/api"
	peopleapi "lignum/api/people"
	"lignum/api/portal/choices"
	"lignum/api/portal/coach"
	rosterapi "lignum/api/roster"
	"lignum/api/web"
	"lignum/domain"
	"lignum/domain/roster"
	"lignum/domain/tables"
	"lignum/policy"
	"lignum/tenants"
	stored "lignum/tenants/files"
)

var (
	rosterSent      = web.Notice("roster-sent", "staff.roster_is_sent")
	rosterStarted   = web.Notice("roster-started", "staff.roster_is_started")
	rosterDiscarded = web.Notice("roster-discarded", "staff.roster_is_discarded")
)

// staffRoster is the import of schools and people.
func staffRoster(s *api.Server) {
	api.Page(s, api.Route{Path: "/roster", Permission: policy.RosterImport, Summary: "Import people"},
		func(ctx context.Context, c *api.Call, fc *fiber.Ctx) error { return showRosters(ctx, c, fc, nil) })
	api.Page(s, api.Route{Method: http.MethodPost, Path: "/roster", Permission: policy.RosterImport, Body: rosterapi.UploadBody, Takes: []string{fiber.MIMEMultipartForm},
		Summary: "Upload a roster to be looked through"}, sendRoster)
	api.Page(s, api.Route{Path: "/roster/{run}", Permission: policy.RosterImport, Parts: []policy.Permission{policy.ClassRead}, Summary: "One import with its report"},
		func(ctx context.Context, c *api.Call, fc *fiber.Ctx) error {
			return showRoster(ctx, c, fc, &web.Form{})
		})
	api.Offer(s, api.Route{Path: "/roster/{run}/refused", Permission: policy.RosterImport, Summary: "The refused rows of an import, to be saved"}, saveRefused)
	api.Form(s, api.Route{Path: "/roster/{run}/start", Permission: policy.RosterImport, Parts: []policy.Permission{policy.ClassRead}, Summary: "Import what was looked through"}, startRoster)
	api.Page(s, api.Route{Method: http.MethodPost, Path: "/roster/{run}/discard", Permission: policy.RosterImport, Parts: []policy.Permission{policy.ClassRead}, Summary: "Discard the files of an import"}, discardRoster)
	api.Page(s, api.Route{Path: "/roster/{run}/cards", Permission: policy.RosterImport, Summary: "Which sign-in cards of an import there are to print"},
		func(ctx context.Context, c *api.Call, fc *fiber.Ctx) error {
			return showRosterCards(ctx, c, fc, &web.Form{})
		})
	api.Page(s, api.Route{Method: http.MethodPost, Path: "/roster/{run}/cards", Permission: policy.UserReset, Parts: []policy.Permission{policy.RosterImport}, Summary: "Print sign-in cards of an import"}, printRosterCards)
}

type rostersData struct {
	Runs         []roster.Run
	Most         int // MB of an upload
	OwnSchool    bool
	Newer, Older string
}

func showRosters(ctx context.Context, c *api.Call, fc *fiber.Ctx, f *web.Form) error {
	list, err := rosterapi.List(ctx, c, api.Paging{Cursor: fc.Query("cursor")})
	if err != nil {
		return err
	}
	d := rostersData{Runs: list.Items, Most: stored.RosterBytes >> 20, OwnSchool: !c.May(policy.SchoolChange), Newer: web.FirstPage(fc), Older: web.NextPage(fc, list.Next)}
	return pages.Render(c, fc, "staff_roster", web.Page{Title: c.Say("staff.roster_import_people"), Form: f, Data: d})
}

func sendRoster(ctx context.Context, c *api.Call, fc *fiber.Ctx) error {
	(&web.Form{}).Again(fc, func(f *web.Form) error { return showRosters(ctx, c, fc, f) })
	run, err := rosterapi.Upload(ctx, c, func() (rosterapi.Sent, error) {
		next, err := c.UploadedFiles("file")
		return rosterapi.Sent(next), err
	})
	if err != nil {
		return err
	}
	web.Notify(c, fc, rosterSent)
	return fc.Redirect("/roster/"+run.ID.String(), http.StatusSeeOther)
}

type rosterData struct {
	Run          *roster.Run
	School       string // to which it keeps
	Done, Lines  int
	Files        []rosterFile
	Imported     bool // the report is of the import, not of the look through the files
	Takes        int  // rows that would be new or changed
	LeftOut      int  // files that somebody meant to be imported
	More         int  // refused rows beyond those that are kept
	Until        time.Time
	Cards        bool
	Problems     []fileProblems
	Newer, Older string
}

// rosterFile is what became of a file, with what is in it in words.
type rosterFile struct {
	roster.FileReport
	Says string
}

// fileProblems are what is wrong with rows of one file.
type fileProblems struct {
	File string
	Rows []roster.RunProblem
}

func showRoster(ctx context.Context, c *api.Call, fc *fiber.Ctx, f *web.Form) error {
	id, err := web.PathID(fc, "run")
	if err != nil {
		return err
	}
	p, err := rosterapi.Show(ctx, c, id)
	if err != nil {
		return err
	}
	d := rosterData{Run: &p.Run, Done: p.Done, Lines: max(p.Lines, 1), Until: p.CreatedAt.Add(roster.FileLife)}
	if p.SchoolID != nil {
		names, err := choices.SchoolNames(ctx, c, p.SchoolID)
		if err != nil {
			return err
		}
		d.School = names[*p.SchoolID]
	}
	if p.Report != nil {
		d.Imported = !p.Report.DryRun
		for _, file := range p.Report.Files {
			d.Files = append(d.Files, rosterFile{file, kindWords(c, file.Kind)})
			d.Takes += file.Created + file.Changed
			d.More += file.More
			if file.Needed {
				d.LeftOut++
			}
			d.Cards = d.Cards || d.Imported && file.Kind == "users" && file.Created > 0
		}
		if err := d.readProblems(ctx, c, fc, p); err != nil {
			return err
		}
	}
	if p.Working() && len(f.Errors) == 0 {
		fc.Set("Refresh", web.RefreshEach)
	}
	return pages.Render(c, fc, "staff_roster_run", web.Page{Title: c.Say("staff.roster_one", "When", c.Language.Format(p.CreatedAt.In(c.Tenant.Location()), "day_and_time_this_year")), Form: f, Data: d})
}

func (d *rosterData) readProblems(ctx context.Context, c *api.Call, fc *fiber.Ctx, p *rosterapi.Page) error {
	list, err := rosterapi.Problems(ctx, c, p.ID, api.Paging{Cursor: fc.Query("cursor"), Limit: 50})
	if err != nil {
		return err
	}
	d.Newer, d.Older = web.FirstPage(fc), web.NextPage(fc, list.Next)
	at := -1
	for _, row := range list.Items {
		if row.File != at {
			at = row.File
			d.Problems = append(d.Problems, fileProblems{File: d.fileName(at)})
		}
		last := &d.Problems[len(d.Problems)-1]
		last.Rows = append(last.Rows, row)
	}
	return nil
}

func (d *rosterData) fileName(at int) string {
	if at < 0 || at >= len(d.Files) {
		return ""
	}
	return d.Files[at].Says + " · " + d.Files[at].Name
}

// kindWords says what a file holds.
func kindWords(c *api.Call, kind string) string {
	switch kind {
	case "orgs":
		return c.Say("staff.roster_kind_schools")
	case "academicSessions":
		return c.Say("staff.roster_kind_terms")
	case "roles":
		return c.Say("staff.roster_kind_roles")
	case "users":
		return c.Say("staff.roster_kind_people")
	case "guardians":
		return c.Say("staff.roster_kind_guardians")
	case "classes":
		return c.Say("staff.roster_kind_classes")
	case "enrollments":
		return c.Say("staff.roster_kind_places")
	}
	return c.Say("staff.roster_kind_other")
}

// mostSaved bounds the rows of one table of refused rows.
const mostSaved = 20_000

// saveRefused answers with a table of the refused rows, which a spreadsheet opens and takes nothing in it for a formula.
func saveRefused(ctx context.Context, c *api.Call, fc *fiber.Ctx) (table api.Offered, err error) {
	id, err := web.PathID(fc, "run")
	if err != nil {
		return table, err
	}
	p, err := rosterapi.Show(ctx, c, id)
	if err != nil {
		return table, err
	}
	d := rosterData{}
	if p.Report != nil {
		for _, file := range p.Report.Files {
			d.Files = append(d.Files, rosterFile{file, kindWords(c, file.Kind)})
		}
	}
	var out bytes.Buffer
	w := tables.NewCSV(&out)
	if err := w.Table("", tables.Columns(c.Say("staff.roster_file"), c.Say("staff.roster_line"), c.Say("staff.roster_column"), c.Say("page.reason"))); err != nil {
		return table, err
	}
	for rows, next := 0, ""; rows < mostSaved; {
		list, err := rosterapi.Problems(ctx, c, id, api.Paging{Cursor: next, Limit: 200})
		if err != nil {
			return table, err
		}
		for _, row := range list.Items {
			name := ""
			if row.File < len(d.Files) {
				name = d.Files[row.File].Name
			}
			if err := w.Row(name, row.Line, row.Field, row.Reason.In(c.Language).String()); err != nil {
				return table, err
			}
		}
		if rows, next = rows+len(list.Items), list.Next; next == "" {
			break
		}
	}
	if err := w.Close(); err != nil {
		return table, err
	}
	return api.Offered{Name: c.Say("staff.roster_refused_file") + ".csv", Body: out.Bytes()}, nil
}

func startRoster(ctx context.Context, c *api.Call, tx *tenants.Tx, fc *fiber.Ctx) (string, error) {
	id, err := web.PathID(fc, "run")
	if err != nil {
		return "", err
	}
	(&web.Form{}).Again(fc, func(f *web.Form) error { return showRoster(ctx, c, fc, f) })
	if _, err := rosterapi.Start(ctx, c, tx, id); err != nil {
		return "", err
	}
	web.Notify(c, fc, rosterStarted)
	return "/roster/" + id.String(), nil
}

func discardRoster(ctx context.Context, c *api.Call, fc *fiber.Ctx) error {
	id, err := web.PathID(fc, "run")
	if err != nil {
		return err
	}
	(&web.Form{}).Again(fc, func(f *web.Form) error { return showRoster(ctx, c, fc, f) })
	if _, err := rosterapi.Discard(ctx, c, id); err != nil {
		return err
	}
	web.Notify(c, fc, rosterDiscarded)
	return fc.Redirect("/roster/"+id.String(), http.StatusSeeOther)
}

type rosterCardsData struct {
	ID           string
	At           time.Time // when the run was brought
	Most         int
	Schools      []schoolCards
	Newer, Older string
}

// schoolCards are the cards of a school's new learners, in batches.
type schoolCards struct {
	roster.NewLearners
	Batches []cardBatch
}

// cardBatch is some of a school's new learners, counted from 1.
type cardBatch struct{ Number, From, To int }

// mostBatches bounds how many batches of one school a page offers.
const mostBatches = 100

func showRosterCards(ctx context.Context, c *api.Call, fc *fiber.Ctx, f *web.Form) error {
	id, err := web.PathID(fc, "run")
	if err != nil {
		return err
	}
	looking, err := c.Under(policy.RosterImport) // also when the form is shown again
	if err != nil {
		return err
	}
	p, err := rosterapi.Show(ctx, looking, id)
	if err != nil {
		return err
	}
	list, err := rosterapi.NewLearners(ctx, looking, id, api.Paging{Cursor: fc.Query("cursor")})
	if err != nil {
		return err
	}
	d := rosterCardsData{ID: id.String(), At: p.CreatedAt, Most: roster.CardBatch, Newer: web.FirstPage(fc), Older: web.NextPage(fc, list.Next)}
	for _, s := range list.Items {
		of := schoolCards{NewLearners: s}
		for from := 0; from < s.Learners && len(of.Batches) < mostBatches; from += roster.CardBatch {
			of.Batches = append(of.Batches, cardBatch{len(of.Batches), from + 1, min(from+roster.CardBatch, s.Learners)})
		}
		d.Schools = append(d.Schools, of)
	}
	return pages.Render(c, fc, "staff_roster_cards", web.Page{Title: c.Say("staff.roster_cards_of_new_people"), Form: f, Data: d})
}

func printRosterCards(ctx context.Context, c *api.Call, fc *fiber.Ctx) error {
	id, err := web.PathID(fc, "run")
	if err != nil {
		return err
	}
	f := web.ReadForm(fc)
	f.Again(fc, func(f *web.Form) error { return showRosterCards(ctx, c, fc, f) })
	school, err := uuid.Parse(f.Get("school"))
	batch, wrong := strconv.Atoi(f.Get("batch"))
	if err != nil || wrong != nil || batch < 0 || batch >= mostBatches {
		return domain.InvalidField("school", "domain.must_be_one_of_those")
	}
	looking, err := c.Under(policy.RosterImport)
	if err != nil {
		return err
	}
	var sheet *peopleapi.CardSheet
	if err := c.DB.Write(ctx, c.Actor, func(tx *tenants.Tx) (err error) {
		sheet, err = rosterapi.PrintCards(ctx, c, looking, tx, id, school, batch)
		return err
	}); err != nil {
		return err
	}
	return coach.ShowCards(c, fc, c.Say("staff.sign_in_cards"), "/roster/"+id.String()+"/cards", sheet.Cards)
}
