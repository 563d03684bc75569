package api

import (
	"context"
	"slices"
	"time"

	"lignum/domain/classes"
	"lignum/domain/insight"
	"lignum/domain/people"
	"lignum/tenants"
	"lignum/tenants/audit"
)

// housekeeping does what must be done now and then, in every process; each task may run twice without harm.
func (s *Server) housekeeping() {
	minute := time.NewTicker(time.Minute)
	defer minute.Stop()
	nights := map[string]time.Time{} // per tenant, the day for which the night's work was done here
	s.lookAtLogins(s.base)
	for {
		select {
		case <-s.base.Done():
			return
		case now := <-minute.C:
			s.rate.Forget()
			ctx, cancel := context.WithTimeout(s.base, 50*time.Second)
			s.summarise(ctx)
			s.closeOverdue(ctx)
			if now.Minute()%10 == 0 {
				s.everyTenMinutes(ctx, now.UTC())
				s.lookAtLogins(ctx)
			}
			if now.Minute() == 30 {
				s.everyHour(ctx, now.UTC(), nights)
			}
			cancel()
		}
	}
}

// everyTenMinutes drops old idempotency keys and prepares the next signing keys of every realm, and tells what load each tenant expects.
func (s *Server) everyTenMinutes(ctx context.Context, now time.Time) {
	realms := []tenants.Realm{s.platform}
	for _, t := range s.registry.Tenants() {
		realms = append(realms, t.Realm())
	}
	for _, r := range realms {
		db := s.store.DB(r)
		s.warn(ctx, r, "old idempotency keys could not be dropped", db.EmptyBucket(ctx, now))
		s.warn(ctx, r, "signing keys could not be renewed", people.EnsureKeys(ctx, db, now))
	}
	s.warn(ctx, s.platform, "the day's figures could not be read", s.showUsage(ctx, now))
	for _, t := range s.registry.Tenants() {
		s.warn(ctx, t.Realm(), "the forecast could not be published", s.publishForecast(ctx, t, now))
	}
}

// everyHour publishes each tenant's figures of today and, once a night, does what belongs to the end of a day.
func (s *Server) everyHour(ctx context.Context, now time.Time, nights map[string]time.Time) {
	for _, t := range s.registry.Tenants() {
		if t.State != tenants.Active {
			continue
		}
		today := t.Today(now)
		db, who := s.store.DB(t.Realm()), audit.Actor{Name: "lignum", Realm: "platform"}
		s.warn(ctx, t.Realm(), "today's figures could not be published", db.Write(ctx, who, func(tx *tenants.Tx) error {
			return insight.PublishDay(ctx, tx, today, t.Location())
		}))
		if nights[t.Slug].Equal(today) {
			continue
		}
		err := db.Write(ctx, who, func(tx *tenants.Tx) error {
			if err := insight.PublishDay(ctx, tx, today.AddDate(0, 0, -1), t.Location()); err != nil {
				return err
			}
			if _, err := classes.EndPast(ctx, tx, today); err != nil {
				return err
			}
			return people.Sweep(ctx, tx, now)
		})
		s.warn(ctx, t.Realm(), "the night's work could not be done", err)
		if err == nil {
			nights[t.Slug] = today
		}
	}
}

// lookAtLogins warns of database roles that are not as provisioning makes them, and counts them for whoever watches. It changes
// nothing: a serving process signs in as the logins themselves, which cannot put anything back.
func (s *Server) lookAtLogins(ctx context.Context) {
	var altered []tenants.Altered
	err := s.store.DB(s.platform).Read(ctx, func(r *tenants.Reader) (err error) {
		altered, err = tenants.AlteredLogins(ctx, r, s.cfg.Installation, s.cfg.DatabaseAuth == "iam")
		return err
	})
	s.warn(ctx, s.platform, "database roles could not be looked at", err)
	if err != nil {
		return
	}
	altered = slices.DeleteFunc(altered, func(a tenants.Altered) bool { return !a.Unexplained() })
	s.metrics.altered.Set(float64(len(altered)))
	for _, a := range altered {
		s.log.Warn("a database role is not as provisioning makes it: lignum migrate puts it back", "realm", a.Realm, "role", a.Role, "altered", a.What)
	}
}

func (s *Server) warn(ctx context.Context, realm tenants.Realm, what string, err error) {
	if err != nil && ctx.Err() == nil {
		s.log.Warn(what, "realm", realm.Name(), "err", causes(err))
	}
}

// publishForecast tells the autoscaler what a tenant's exams, lessons and imports will bring. A suspended tenant brings nothing.
func (s *Server) publishForecast(ctx context.Context, t *tenants.Tenant, now time.Time) error {
	db := s.store.DB(t.Realm())
	var loads []insight.Load
	if t.State != tenants.Suspended {
		if err := db.ReadFresh(ctx, func(r *tenants.Reader) (err error) {
			loads, err = insight.Forecast(ctx, r, now, t.Location())
			return err
		}); err != nil {
			return err
		}
	}
	return insight.PublishForecast(ctx, db, audit.Actor{Name: "lignum", Realm: "platform"}, loads)
}
