package apitest

import (
	"time"

	"lignum/billing/books"
	"lignum/domain/people"
	"lignum/infra/mailcatcher"
	"lignum/tenants"
	"lignum/tenants/jobs"
	"lignum/tenants/mail"
)

// Poster sends letters to the server that takes the test's mail.
func (s *Server) Poster() *mail.Post {
	s.T.Helper()
	post, err := mail.NewPost(mail.Settings{Server: "smtp+plain://" + s.Mail.Address(), From: "no-reply@lignum.example"}, func(t *tenants.Tenant) string {
		if t == nil {
			return s.URL("")
		}
		return s.URL(t.Slug)
	})
	if err != nil {
		s.T.Fatal(err)
	}
	post.Papers = books.ReadPaper
	post.RolesOf = people.RolesOf
	s.T.Cleanup(post.Close)
	return post
}

// Letters sends what a realm wrote by mail and has not sent yet, as its jobs would, and gives all that came so far, of whichever realm.
func (s *Server) Letters(slug string) []mailcatcher.Letter {
	s.T.Helper()
	post := s.Poster()
	j := jobs.Job{ID: time.Now().UnixNano(), Kind: "mail.send", DB: s.DB(slug), Attempt: 1, Now: time.Now().UTC()}
	if slug != "" {
		j.Tenant = s.Tenant(slug)
	}
	var ids []string
	err := j.DB.ReadFresh(s.T.Context(), func(r *tenants.Reader) error {
		return r.QueryRow(s.T.Context(), "SELECT coalesce(array_agg(id::text ORDER BY id), '{}') FROM mails WHERE state = 'waiting'").Scan(&ids)
	})
	for _, id := range ids {
		if err == nil {
			j.About = id
			err = post.Send(s.T.Context(), &j)
		}
	}
	if err != nil {
		s.T.Fatal(err)
	}
	return s.Mail.Letters()
}
