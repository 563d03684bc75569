package staff

import (
	"context"
	"net/url"
	"strconv"
	"time"

	"github.com/gofiber/fiber/v2"

	"lignum/api"
	exportsapi "lignum/api/exports"
	insightapi "lignum/api/insight"
	"lignum/api/web"
	"lignum/domain"
	"lignum/domain/exports"
	"lignum/domain/insight"
	"lignum/domain/words"
	"lignum/policy"
	"lignum/tenants"
)

// staffFigures is the figures of a country, or of a school for those who run it.
func staffFigures(s *api.Server) {
	api.Page(s, api.Route{Path: "/figures", Permission: policy.InsightRead, Parts: []policy.Permission{policy.ClassRead}, Summary: "Attendance, active users and results"},
		func(ctx context.Context, c *api.Call, fc *fiber.Ctx) error { return showFigures(ctx, c, fc, nil) })
	api.Form(s, api.Route{Path: "/figures/export", Permission: policy.InsightRead, Parts: []policy.Permission{policy.ClassRead}, Summary: "Ask for a file with figures"},
		func(ctx context.Context, c *api.Call, tx *tenants.Tx, fc *fiber.Ctx) (string, error) {
			return web.Exports(ctx, c, tx, fc, func(f *web.Form) error { return showFigures(ctx, c, fc, f) }, func(as exports.Format) (*exportsapi.Asked, error) {
				f := web.Asked(fc, "from", "to", "first", "last")
				asked, err := exportsapi.AskFigures(ctx, c, tx, as, exportsapi.Figures{Days: exportsapi.Days{From: f.Text("from"), To: f.Text("to")}, FirstMonth: f.Text("first"), LastMonth: f.Text("last")})
				return asked, api.Renamed(api.Renamed(err, "body.first_month", "first"), "body.last_month", "last")
			})
		})
}

type figureTile struct{ Value, Label, Hint string }

type figureDay struct{ Day, Attendance, Active string }

type resultRow struct {
	Name, Group, Marked, Passed string
	Rate                        int // percent
	Known                       bool
	Withheld                    int // months that are left out
}

type figuresData struct {
	l                  words.Language
	From, To           string // the first and the last day
	Says               string
	Grouping           string // by what results are shown: "subject"
	Group, ResultsBy   string // the same in words
	By                 []web.Choice
	Months             []web.Choice // of which results may be had, the newest first; none: of the days shown
	ResultsOf          string       // the time of the results, where it is months
	Incomplete         int          // months in which rows of the results are not listed
	AsOf               time.Time
	Tiles              []figureTile
	Attendance, Active web.Chart
	Days               []figureDay
	Results            []resultRow
	Regions, Orders    []web.Choice // of schools, where there are many
	Newer, Older       string
	Export             string // address of the forms that ask for a file
	MinCell            int
	Few                string // how a withheld figure is written
}

// figureGroups is what results are shown by: its value in the address, its name, and what stands above the table.
var figureGroups = []struct{ value, name, title string }{
	{"subject", "staff.subject", "staff.results_by_subject"},
	{"region", "staff.region", "staff.results_by_region"},
	{"school", "page.school", "staff.results_by_school"},
}

func showFigures(ctx context.Context, c *api.Call, fc *fiber.Ctx, wrong *web.Form) error {
	f := web.Asked(fc, "from", "to", "by", "first", "last", "region", "order")
	d := figuresData{l: c.Language, AsOf: c.Now}
	show := func(f *web.Form) error {
		return pages.Render(c, fc, "staff_figures", web.Page{Title: c.Say("staff.figures"), Form: f, Data: d})
	}
	for i, g := range figureGroups {
		d.By = append(d.By, web.Choice{Value: g.value, Text: c.Say(g.name)})
		if i == 0 || g.value == f.Get("by") {
			d.Grouping, d.Group, d.ResultsBy = g.value, c.Say(g.name), c.Say(g.title)
		}
	}
	days := api.DayRange{From: f.Text("from"), To: f.Text("to")}
	results, err := d.chooseMonths(c, f)
	rows := insightapi.FigureRows{}
	if err == nil && d.Grouping == "school" && d.Months != nil {
		rows, err = chooseSchools(ctx, c, &d, fc, f)
	}
	if err == nil {
		err = d.read(ctx, c, fc, days, results, rows)
	}
	if err != nil {
		err = renameFields(renameFields(err, "query.from", "from"), "query.to", "to")
		f.Again(fc, show)
		return err
	}
	f.Set("from", d.From).Set("to", d.To)
	asked := url.Values{"from": {d.From}, "to": {d.To}}
	if d.Months != nil {
		asked.Set("first", f.Text("first"))
		asked.Set("last", f.Text("last"))
	}
	d.Export = web.ExportPath("/figures", asked)
	return show(f.With(wrong))
}

// chooseMonths returns the time of the results: months where only those may be had, else nil for the days that are shown.
func (d *figuresData) chooseMonths(c *api.Call, f *web.Form) (*api.DayRange, error) {
	months, err := insightapi.FigureMonths(c, insight.By(d.Grouping))
	if err != nil || months == nil {
		return nil, err
	}
	find := func(field string) (insight.Period, error) {
		for _, m := range months {
			if m.From.Format(monthValue) == f.Text(field) {
				return m, nil
			}
		}
		return months[0], domain.InvalidField(field, "staff.must_be_one_of_the")
	}
	for _, m := range months {
		d.Months = append(d.Months, web.Choice{Value: m.From.Format(monthValue), Text: d.l.Format(m.From, "month")})
	}
	for _, field := range []string{"first", "last"} {
		if f.Text(field) == "" {
			f.Set(field, d.Months[0].Value)
		}
	}
	first, err := find("first")
	if err != nil {
		return nil, err
	}
	last, err := find("last")
	if err == nil && last.From.Before(first.From) {
		err = domain.InvalidField("last", "staff.must_not_be_before_the")
	}
	d.ResultsOf = d.l.Format(first.From, "month")
	if !last.From.Equal(first.From) {
		d.ResultsOf = c.Say("page.day_to_day", "StartsOn", d.ResultsOf, "EndsOn", d.l.Format(last.From, "month"))
	}
	return &api.DayRange{From: first.From.Format(time.DateOnly), To: last.To.Format(time.DateOnly)}, err
}

// chooseSchools returns the page of schools that is wanted, where they are those of a country.
func chooseSchools(ctx context.Context, c *api.Call, d *figuresData, fc *fiber.Ctx, f *web.Form) (rows insightapi.FigureRows, err error) {
	part, err := c.Under(policy.ClassRead)
	if err != nil {
		return rows, err
	}
	if d.Regions, err = regionChoices(ctx, part); err != nil {
		return rows, err
	}
	d.Orders = []web.Choice{{Value: "", Text: c.Say("staff.region_and_name")}, {Value: "lowest", Text: c.Say("staff.lowest_pass_rate_first")}}
	return insightapi.FigureRows{Paging: api.Paging{Cursor: fc.Query("cursor"), Limit: 50}, Region: f.Get("region"), Order: insight.Order(f.Get("order"))}, nil
}

// monthValue is how a month stands in the address.
const monthValue = "2006-01"

// read reads the figures of some days, and the results of these or of another time.
func (d *figuresData) read(ctx context.Context, c *api.Call, fc *fiber.Ctx, days api.DayRange, other *api.DayRange, rows insightapi.FigureRows) error {
	sum, err := insightapi.InsightSummary(ctx, c)
	if err != nil {
		return err
	}
	attendance, err := insightapi.AttendanceFigures(ctx, c, insight.ByDay, days, insightapi.FigureRows{})
	if err != nil {
		return err
	}
	active, err := insightapi.ActiveUserFigures(ctx, c, days)
	if err != nil {
		return err
	}
	of := days
	if other != nil {
		of = *other
	}
	results, err := insightapi.PassRateFigures(ctx, c, insight.By(d.Grouping), of, rows)
	if err != nil {
		return err
	}
	d.MinCell = max(sum.MinCell, attendance.MinCell, active.MinCell, results.MinCell)
	d.Few = c.Say("staff.fewer_than", "MinCell", d.MinCell)
	d.From, d.To = attendance.From, attendance.To
	d.Says = c.Say("page.day_to_day", "StartsOn", d.longDate(attendance.From), "EndsOn", d.longDate(attendance.To))
	d.Tiles = d.tiles(sum, attendance)
	d.Attendance = web.Chart{ID: "attendance", Title: c.Say("page.learners_in_attendance_a_day"), Few: d.Few, Bars: d.bars(attendance)}
	d.Active = web.Chart{ID: "active", Title: c.Say("page.active_users_a_day"), Few: d.Few, Bars: d.bars(active)}
	for i := len(d.Attendance.Bars) - 1; i >= 0; i-- { // the newest first
		row := figureDay{Day: d.longDate(dayOf(attendance.From, i)), Attendance: d.barText(d.Attendance.Bars[i])}
		if i < len(d.Active.Bars) {
			row.Active = d.barText(d.Active.Bars[i])
		}
		d.Days = append(d.Days, row)
	}
	d.Incomplete = results.Incomplete
	for _, cell := range results.Cells {
		d.Results = append(d.Results, d.result(cell))
	}
	d.Newer, d.Older = web.FirstPage(fc), web.NextPage(fc, results.Next)
	if len(d.Results) > 1 {
		total := d.result(results.Total)
		total.Name = c.Say("staff.all_together")
		if rows.Region != "" || d.Newer != "" || d.Older != "" {
			total.Name = c.Say("staff.all_schools_of_the_country")
		}
		d.Results = append(d.Results, total)
	}
	return nil
}

func (d *figuresData) tiles(s *insight.Summary, attendance *insight.Table) []figureTile {
	tiles := []figureTile{
		{d.count(s.Learners), d.l.Say("page.learners"), d.l.Say("staff.schools_count", "N", s.Schools) + ", " + d.l.Say("staff.classes_count", "N", s.Classes)},
		{d.count(s.AttendanceToday), d.l.Say("staff.in_attendance_today"), ""},
	}
	different, when, of, passed := s.AttendanceWeek, d.l.Say("staff.in_the_last_seven_days"), d.l.Say("staff.in_the_last_30_days"), d.l.Say("staff.of_tests_in_30_days", "Tests", d.count(s.Attempts))
	if d.Months != nil { // the whole country: what is not of single days is of months
		month := d.Months[0].Text
		different, when, passed = s.AttendanceMonth, d.l.Say("staff.in_month", "Month", month), d.l.Say("staff.of_tests_in_month", "Tests", d.count(s.Attempts), "Month", month)
		of = when
	}
	days := figureTile{d.count(attendance.Total.Count), d.l.Say("staff.days_of_attendance"), d.l.Say("staff.in_the_days_shown")}
	if n := attendance.Total.Withheld; n > 0 && d.Months != nil {
		days.Hint = d.l.Say("staff.in_the_days_shown_without_withheld")
	}
	tiles = append(tiles, figureTile{d.count(different), d.l.Say("staff.different_learners"), when}, figureTile{d.count(s.ActiveToday), d.l.Say("staff.active_users_today"), d.l.Say("staff.staff_included")}, days)
	if s.PassPercent == nil {
		return append(tiles, figureTile{d.count(s.Attempts), d.l.Say("staff.tests_marked"), of})
	}
	return append(tiles, figureTile{strconv.Itoa(*s.PassPercent) + " %", d.l.Say("staff.tests_passed"), passed})
}

// count writes a figure, or that it is withheld.
func (d *figuresData) count(n *int) string {
	if n == nil {
		return "< " + strconv.Itoa(d.MinCell)
	}
	return d.l.Number(*n)
}

func (d *figuresData) barText(b web.Bar) string {
	if b.Few {
		return d.Few
	}
	return d.l.Number(b.Value)
}

func (d *figuresData) result(cell insight.Cell) resultRow {
	row := resultRow{Name: cell.Name, Group: cell.Group, Marked: d.Few, Passed: d.Few}
	count := d.l.Number
	if row.Withheld = cell.Withheld; row.Withheld > 0 {
		count = func(n int) string { return d.l.Say("staff.at_least", "Count", n) }
		if cell.Suppressed {
			row.Marked, row.Passed = d.l.Say("staff.withheld"), d.l.Say("staff.withheld")
		}
	}
	if row.Name == "" {
		row.Name = d.l.Say("staff.not_known")
	}
	if cell.Count != nil {
		row.Marked = count(*cell.Count)
	}
	if cell.Passed != nil {
		row.Passed = count(*cell.Passed)
	}
	if cell.Percent != nil {
		row.Rate, row.Known = *cell.Percent, true
	}
	return row
}

// bars has a column for every day of the table's period: a day without a cell had nobody.
func (d *figuresData) bars(t *insight.Table) []web.Bar {
	first, errFrom := time.Parse(time.DateOnly, t.From)
	last, errTo := time.Parse(time.DateOnly, t.To)
	if errFrom != nil || errTo != nil {
		return nil
	}
	cells := map[string]insight.Cell{}
	for _, cell := range t.Cells {
		cells[cell.Key] = cell
	}
	var all []web.Bar
	for day := first; !day.After(last); day = day.AddDate(0, 0, 1) {
		bar := web.Bar{Label: d.l.Format(day, "day_and_month")}
		if cell, ok := cells[day.Format(time.DateOnly)]; ok {
			if bar.Few = cell.Count == nil; !bar.Few {
				bar.Value = *cell.Count
			}
		}
		all = append(all, bar)
	}
	return all
}

func dayOf(from string, i int) string {
	t, err := time.Parse(time.DateOnly, from)
	if err != nil {
		return from
	}
	return t.AddDate(0, 0, i).Format(time.DateOnly)
}

func (d *figuresData) longDate(day string) string {
	t, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return day
	}
	return d.l.Format(t, "day")
}
