package staff

import (
	"lignum/api"
	"lignum/api/web"
	"lignum/policy"
)

// staffWatched are what the realm does by itself: jobs, and letters by mail.
func staffWatched(s *api.Server) {
	jobs := web.Watched{Path: "/jobs", Change: policy.JobChange, Title: "staff.background_work", Template: "staff_jobs", Render: pages.Render}
	api.Page(s, api.Route{Path: "/jobs", Permission: policy.JobRead, Summary: "What is done in the background"}, jobs.Jobs)
	api.Form(s, api.Route{Path: "/jobs/{job}/retry", Permission: policy.JobChange, Summary: "Start background work again"}, jobs.RetryJob)
	api.Form(s, api.Route{Path: "/jobs/{job}/cancel", Permission: policy.JobChange, Summary: "Cancel background work"}, jobs.CancelJob)
	letters := web.Watched{Path: "/mail", Change: policy.MailChange, Title: "mail.page.letters", Template: "staff_mail", Render: pages.Render}
	api.Page(s, api.Route{Path: "/mail", Permission: policy.MailRead, Summary: "What was written by mail"}, letters.Letters)
	api.Form(s, api.Route{Path: "/mail/{letter}/retry", Permission: policy.MailChange, Summary: "Send a letter again"}, letters.RetryLetter)
	api.Form(s, api.Route{Path: "/mail/allow", Permission: policy.MailChange, Summary: "Let letters go to an address again"}, letters.AllowAddress)
}
