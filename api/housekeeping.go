package api

import (
	"context"
	"slices"
	"time"

	"lignum/tenants"
	"lignum/tenants/jobs"
	"lignum/tenants/provision"
)

// turnTime is for one thing that a process looks after.
const turnTime = 10 * time.Second

// housekeeping is what a process does of its own every now and then, and for itself: what it counts, forgets and shows. What is done for realms is done by jobs (api/jobs).
func (s *Server) housekeeping() {
	minute := time.NewTicker(time.Minute)
	defer minute.Stop()
	s.turn(s.lookAtLogins)
	tenth := func(t time.Time) time.Time { return t.Truncate(10 * time.Minute) }
	last := tenth(time.Now().UTC())
	for {
		select {
		case <-s.base.Done():
			return
		case now := <-minute.C:
			now = now.UTC()
			s.rate.Forget()
			s.turn(s.summarise)
			if t := tenth(now); t.After(last) {
				last = t
				s.turn(func(ctx context.Context) {
					s.warn(s.platform, "the day's figures could not be read", s.showUsage(ctx, now))
				})
				s.turn(s.lookAtLogins)
			}
		}
	}
}

func (s *Server) turn(task func(ctx context.Context)) {
	ctx, cancel := context.WithTimeout(s.base, turnTime)
	defer cancel()
	task(ctx)
}

// lookAtLogins warns of database roles that are not as provisioning makes them, and counts them for whoever watches. It changes
// nothing: a serving process signs in as the logins themselves, which cannot put anything back.
func (s *Server) lookAtLogins(ctx context.Context) {
	var altered []provision.Altered
	err := s.store.DB(s.platform).Read(ctx, func(r *tenants.Reader) (err error) {
		altered, err = provision.AlteredLogins(ctx, r, s.cfg.Installation, s.cfg.DatabaseAuth == "iam")
		return err
	})
	s.warn(s.platform, "database roles could not be looked at", err)
	if err != nil {
		return
	}
	altered = slices.DeleteFunc(altered, func(a provision.Altered) bool { return !a.Unexplained() })
	s.metrics.altered.Set(float64(len(altered)))
	for _, a := range altered {
		s.Log.Warn("a database role is not as provisioning makes it: lignum migrate puts it back", "realm", a.Realm, "role", a.Role, "altered", a.What)
	}
}

func (s *Server) warn(realm tenants.Realm, what string, err error) {
	if err != nil && !s.draining.Load() {
		s.Log.Warn(what, "realm", realm.Name(), "err", Causes(err))
	}
}

// KeepFigures has the months of a tenant that are over counted at once: somebody asked for figures that were not kept, and will again.
func (s *Server) KeepFigures(ctx context.Context, t *tenants.Tenant) {
	if t.Allows().Jobs == tenants.AllJobs {
		s.warn(t.Realm(), "the figures of past months could not be asked for", jobs.Ask(ctx, s.store.DB(t.Realm()), "figures.keep", time.Now().UTC().Truncate(time.Minute)))
	}
}

// SendInvitation has the letter to the first administrator of a tenant that was just made sent at once, and not in some minutes.
func (s *Server) SendInvitation(ctx context.Context, t *tenants.Tenant) {
	s.warn(t.Realm(), "the invitation's letter goes out in some minutes", jobs.Ask(ctx, s.store.DB(t.Realm()), "mail.collect", time.Now().UTC()))
}

// JobDone counts a run of a job, and says in the log why one failed.
func (s *Server) JobDone(j *jobs.Job, took time.Duration, err error) {
	outcome := "done"
	if err != nil {
		outcome = "failed"
		realm := s.platform
		if j.Tenant != nil {
			realm = j.Tenant.Realm()
		}
		log := s.Log.With("realm", realm.Name(), "job", j.ID, "kind", j.Kind, "attempt", j.Attempt, "err", Causes(err))
		switch {
		case j.PutOff:
			outcome = "put_off"
			log.Warn("a job was put off")
		case j.Last:
			outcome = "given_up"
			log.Warn("a job was given up: lignum jobs retry starts it again") // the cloud counts these words
		default:
			log.Warn("a job failed, and is tried again")
		}
	}
	s.metrics.jobs.WithLabelValues(j.Kind, outcome).Inc()
	s.metrics.jobSeconds.WithLabelValues(j.Kind).Observe(took.Seconds())
	s.metrics.jobLate.Observe(max(0, j.Now.Sub(j.Due).Seconds()))
}
