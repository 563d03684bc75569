package staff

import (
	"context"
	"fmt"
	"strconv"

	"github.com/gofiber/fiber/v2"

	"lignum/api"
	"lignum/api/settings"
	"lignum/api/web"
	"lignum/domain/people"
	"lignum/policy"
	"lignum/tenants"
)

var settingsSaved = web.Notice("settings-saved", "staff.saved_everybody_sees_it_within")

// staffSettings is what a tenant sees of itself, and decides for itself.
func staffSettings(s *api.Server) {
	api.Page(s, api.Route{Path: "/settings", Permission: policy.TenantRead, Summary: "The tenant's settings"},
		func(ctx context.Context, c *api.Call, fc *fiber.Ctx) error { return showSettings(ctx, c, fc, nil) })
	api.Form(s, api.Route{Path: "/settings", Permission: policy.TenantChange, Parts: []policy.Permission{policy.TenantRead}, Summary: "Change the tenant's settings"}, saveSettings)
}

type settingsData struct {
	*settings.TenantSettings
	State, ColourSays, AccentSays string
	Quotas                        []map[string]any // for the partial "meter"
	Deciders                      []web.Choice     // who turns a learner's place on leaderboards on
}

// showSettings shows what is stored, or with f what somebody typed.
func showSettings(ctx context.Context, c *api.Call, fc *fiber.Ctx, f *web.Form) error {
	reading, err := c.Under(policy.TenantRead)
	if err != nil {
		return err
	}
	is, err := settings.ReadSettings(ctx, reading)
	if err != nil {
		return err
	}
	if f == nil {
		f = (&web.Form{}).Set("name", is.Branding.Name).Set("colour", is.Branding.Colour).Set("accent", is.Branding.Accent).Set("leaderboard_by", is.Branding.LeaderboardBy).Set("version", is.Branding.Version)
		if is.Branding.StaffSecondFactor {
			f.Set("staff_second_factor", "yes")
		}
	}
	d := settingsData{TenantSettings: is, State: string(is.State), ColourSays: web.Readability(c.Language, f.Get("colour"), true), AccentSays: web.Readability(c.Language, f.Get("accent"), false), Quotas: quotas(c, is.Limits, is.Used),
		Deciders: []web.Choice{{Value: people.ByLearner, Text: "The learner"}, {Value: people.ByGuardian, Text: "The parent or guardian"}}}
	return pages.Render(c, fc, "staff_settings", web.Page{Title: c.Say("staff.settings"), Form: f, Data: d})
}

func saveSettings(ctx context.Context, c *api.Call, tx *tenants.Tx, fc *fiber.Ctx) (string, error) {
	f := web.ReadForm(fc)
	f.Again(fc, func(f *web.Form) error { return showSettings(ctx, c, fc, f) })
	_, err := settings.ChangeBranding(ctx, c, tx, tenants.Branding{Name: f.Text("name"), Colour: f.Text("colour"), Accent: f.Text("accent"), StaffSecondFactor: f.Get("staff_second_factor") == "yes",
		LeaderboardBy: f.Get("leaderboard_by"), Version: f.Get("version")})
	if err != nil {
		return "", err
	}
	web.Notify(c, fc, settingsSaved)
	return "/settings", nil
}

// quotas tells how much of each limit is used.
func quotas(c *api.Call, limits tenants.Limits, used map[string]int64) []map[string]any {
	var all []map[string]any
	add := func(label, kind string, limit int64, text func(int64) string) {
		all = append(all, map[string]any{"label": label, "done": int(used[kind]), "of": int(max(1, limit)), "text": fmt.Sprintf("%s of %s", text(used[kind]), text(limit))})
	}
	count := func(n int64) string { return c.Language.Number(int(n)) }
	add("Learners", "learners", limits.Learners, count)
	add("Staff and guardians", "staff", limits.Staff, count)
	add("Running classes", "classes", limits.Classes, count)
	add("Files", "storage_bytes", limits.StorageBytes, func(n int64) string { return gigabytes(c, n) })
	return all
}

// gigabytes gives bytes as people read them, in units of 2^30.
func gigabytes(c *api.Call, n int64) string {
	if n < 10<<30 {
		return strconv.FormatFloat(float64(n)/(1<<30), 'f', 1, 64) + " GB"
	}
	return c.Language.Number(int(n>>30)) + " GB"
}
