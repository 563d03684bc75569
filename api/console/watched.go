package console

import (
	"lignum/api"
	"lignum/api/web"
	"lignum/policy"
)

// watchedPages are what the realm does by itself: jobs, and letters by mail.
func watchedPages(s *api.Server) {
	jobs := web.Watched{Path: "/console/jobs", Change: policy.PlatformJobChange, Title: "console.background_work", Template: "jobs", Render: pages.Render}
	api.Page(s, api.Route{Path: "/console/jobs", Permission: policy.PlatformJobRead, Summary: "What is done in the background"}, jobs.Jobs)
	api.Form(s, api.Route{Path: "/console/jobs/{job}/retry", Permission: policy.PlatformJobChange, Summary: "Start background work again"}, jobs.RetryJob)
	api.Form(s, api.Route{Path: "/console/jobs/{job}/cancel", Permission: policy.PlatformJobChange, Summary: "Cancel background work"}, jobs.CancelJob)
	letters := web.Watched{Path: "/console/mail", Change: policy.PlatformMailChange, Title: "mail.page.letters", Template: "mail", Render: pages.Render}
	api.Page(s, api.Route{Path: "/console/mail", Permission: policy.PlatformMailRead, Summary: "What was written by mail"}, letters.Letters)
	api.Form(s, api.Route{Path: "/console/mail/{letter}/retry", Permission: policy.PlatformMailChange, Summary: "Send a letter again"}, letters.RetryLetter)
	api.Form(s, api.Route{Path: "/console/mail/allow", Permission: policy.PlatformMailChange, Summary: "Let letters go to an address again"}, letters.AllowAddress)
}
