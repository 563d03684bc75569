package api

import (
	"context"
	"slices"
	"time"

	"lignum/domain/classes"
	"lignum/domain/identity"
	"lignum/domain/insight"
	"lignum/tenants"
	"lignum/tenants/audit"
	"lignum/tenants/provision"
)

const (
	roundTime = 50 * time.Second // for one task over all tenants
	turnTime  = 10 * time.Second // for one tenant in it
)

// housekeeping does what must be done now and then, in every process; each task may run twice without harm. Each has a time of
// its own, so that a slow one takes nothing from the next, and none hangs on the very minute at which it is looked for.
func (s *Server) housekeeping() {
	minute := time.NewTicker(time.Minute)
	defer minute.Stop()
	nights := map[string]time.Time{} // per tenant, the day for which the night's work was done here
	s.lookAtLogins(s.base)
	tenth := func(t time.Time) time.Time { return t.Truncate(10 * time.Minute) }
	hour := func(t time.Time) time.Time { return t.Add(-30 * time.Minute).Truncate(time.Hour) } // at half past
	lastTenth, lastHour := tenth(time.Now().UTC()), hour(time.Now().UTC())
	for {
		select {
		case <-s.base.Done():
			return
		case now := <-minute.C:
			now = now.UTC()
			s.rate.Forget()
			s.round(s.summarise)
			s.round(s.closeOverdue)
			if t := tenth(now); t.After(lastTenth) {
				lastTenth = t
				s.round(func(ctx context.Context) { s.everyTenMinutes(ctx, now) })
				s.round(s.lookAtLogins)
			}
			if t := hour(now); t.After(lastHour) {
				lastHour = t
				s.round(func(ctx context.Context) { s.everyHour(ctx, now, nights) })
			}
		}
	}
}

func (s *Server) round(task func(ctx context.Context)) {
	ctx, cancel := context.WithTimeout(s.base, roundTime)
	defer cancel()
	task(ctx)
}

// eachTenant does something for every tenant in turn. One that fails or hangs holds up no other: each has turnTime at most,
// and where the whole round is too short for all, the next one begins with those who had no turn.
func (s *Server) eachTenant(ctx context.Context, do func(ctx context.Context, t *tenants.Tenant)) {
	all := s.registry.Tenants()
	if len(all) == 0 {
		return
	}
	first := int(s.turn.Load()) % len(all)
	for i := range all {
		if ctx.Err() != nil {
			s.turn.Store(int64(first + i))
			return
		}
		own, cancel := context.WithTimeout(ctx, turnTime)
		do(own, all[(first+i)%len(all)])
		cancel()
	}
}

// everyTenMinutes drops old idempotency keys and prepares the next signing keys of every realm, and tells what load each tenant expects.
func (s *Server) everyTenMinutes(ctx context.Context, now time.Time) {
	tidy := func(ctx context.Context, r tenants.Realm) {
		db := s.store.DB(r)
		s.warn(r, "old idempotency keys could not be dropped", db.EmptyBucket(ctx, now))
		s.warn(r, "signing keys could not be renewed", identity.EnsureKeys(ctx, db, now))
	}
	own, cancel := context.WithTimeout(ctx, turnTime)
	tidy(own, s.platform)
	s.warn(s.platform, "the day's figures could not be read", s.showUsage(own, now))
	cancel()
	s.eachTenant(ctx, func(ctx context.Context, t *tenants.Tenant) {
		tidy(ctx, t.Realm())
		s.warn(t.Realm(), "the forecast could not be published", s.publishForecast(ctx, t, now))
	})
}

// everyHour publishes each tenant's figures of today and, once a night, does what belongs to the end of a day.
func (s *Server) everyHour(ctx context.Context, now time.Time, nights map[string]time.Time) {
	s.eachTenant(ctx, func(ctx context.Context, t *tenants.Tenant) {
		if t.State != tenants.Active {
			return
		}
		today := t.Today(now)
		db, who := s.store.DB(t.Realm()), audit.Actor{Name: "lignum", Realm: "platform"}
		done := func(what string, do func(tx *tenants.Tx) error) bool {
			err := db.Write(ctx, who, do)
			s.warn(t.Realm(), what, err)
			return err == nil
		}
		done("today's figures could not be published", func(tx *tenants.Tx) error { return insight.PublishDay(ctx, tx, today, t.Location()) })
		s.keepMonths(ctx, t, now)
		if nights[t.Slug].Equal(today) {
			return
		}
		// Each in a transaction of its own: one that fails keeps none of the others from being done.
		yesterday := done("yesterday's figures could not be published", func(tx *tenants.Tx) error {
			return insight.PublishDay(ctx, tx, today.AddDate(0, 0, -1), t.Location())
		})
		ended := done("classes that are over could not be ended", func(tx *tenants.Tx) error {
			_, err := classes.EndPast(ctx, tx, today)
			return err
		})
		swept := done("old sign-ins could not be swept", func(tx *tenants.Tx) error { return identity.Sweep(ctx, tx, now) })
		if yesterday && ended && swept {
			nights[t.Slug] = today
		}
	})
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

// keepMonths counts the months of a tenant that are over, and keeps their figures: each in a transaction of its own, while there is time.
func (s *Server) keepMonths(ctx context.Context, t *tenants.Tenant, now time.Time) {
	db := s.store.DB(t.Realm())
	var due []insight.Period
	err := db.ReadFresh(ctx, func(r *tenants.Reader) (err error) {
		due, err = insight.MonthsToKeep(ctx, r, now, t.Location())
		return err
	})
	for _, m := range due {
		if err == nil {
			err = db.Write(ctx, audit.Actor{Name: "lignum", Realm: "platform"}, func(tx *tenants.Tx) error { return insight.KeepMonth(ctx, tx, m, t.Location()) })
		}
	}
	s.warn(t.Realm(), "the figures of past months could not be kept", err)
}

// KeepFigures does it at once in the background, once a minute at most: somebody asked for figures that were not kept, and will again.
func (s *Server) KeepFigures(t *tenants.Tenant) {
	now := time.Now().UTC()
	if t.State != tenants.Active {
		return
	}
	if last, ok := s.kept.Load(t.Slug); ok && now.Sub(last.(time.Time)) < time.Minute {
		return
	}
	s.kept.Store(t.Slug, now)
	go func() {
		ctx, cancel := context.WithTimeout(s.base, roundTime)
		defer cancel()
		s.keepMonths(ctx, t, now)
	}()
}

// closeOverdue hands in, as the platform, what learners left open beyond its time.
func (s *Server) closeOverdue(ctx context.Context) {
	s.eachTenant(ctx, func(ctx context.Context, t *tenants.Tenant) {
		if t.State != tenants.Active {
			return
		}
		now := time.Now().UTC()
		_, err := s.Exams.CloseOverdue(ctx, s.store.DB(t.Realm()), 500, now, t.Today(now))
		s.warn(t.Realm(), "overdue attempts could not be handed in", err)
	})
}
