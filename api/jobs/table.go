// Package jobs is the table of all that is done by jobs, the pages' and the API's way to look at them, and what they do. A job's kind stands here, with when it is due and what it
// does, and in the table jobs.kinds, with who may queue it, how often it is tried and how long it is kept.
package jobs

import (
	"context"
	"time"

	"lignum/api/exports"
	"lignum/api/roster"
	"lignum/billing/books"
	"lignum/domain"
	"lignum/domain/assessment"
	"lignum/domain/catalog"
	"lignum/domain/classes"
	"lignum/domain/identity"
	"lignum/domain/insight"
	"lignum/domain/letters"
	"lignum/domain/notices"
	"lignum/policy"
	"lignum/tenants"
	"lignum/tenants/files"
	"lignum/tenants/jobs"
	"lignum/tenants/limits"
	"lignum/tenants/mail"
	"lignum/tenants/provision"
)

// Table is all kinds of jobs. exams is what the process keeps of papers, bucket where the bytes of files are, rules what says how far somebody's roles reach, and post
// sends letters; logins is what changes logins of the database, nil in a process that may not.
func Table(exams *assessment.Exams, bucket *files.Bucket, rules *policy.Engine, post *mail.Post, logins *provision.Provisioner) []jobs.Kind {
	rosters := roster.Work{Rules: rules, Files: bucket}
	tables := exports.Work{Rules: rules, Files: bucket}
	return []jobs.Kind{
		// what learners left open beyond its time is handed in: who starts queues a job for that moment (start_attempt), and a sweep finds those of which there is none
		{Name: "attempts.close", When: jobs.Every(30 * time.Minute), Limit: 10 * time.Second, Run: func(ctx context.Context, j *jobs.Job) error {
			_, err := exams.CloseOverdue(ctx, j.DB, 500, j.Now, j.Tenant.Today(j.Now))
			return err
		}},
		// old idempotency keys go, and the next signing keys come
		{Name: "keys.tidy", When: jobs.Every(10 * time.Minute), Always: true, Limit: 10 * time.Second, Run: tidy},
		{Name: "keys.tidy", When: jobs.Every(10 * time.Minute), Platform: true, Limit: 10 * time.Second, Run: tidy},
		// the autoscaler is told what exams, lessons and imports will bring
		{Name: "forecast.publish", When: jobs.Every(10 * time.Minute), Always: true, Limit: 10 * time.Second, Run: forecast},
		// today's figures, and those of months that are over
		{Name: "usage.publish", When: jobs.Every(time.Hour), Limit: 20 * time.Second, Run: func(ctx context.Context, j *jobs.Job) error {
			return j.DB.Write(ctx, j.Actor(), func(tx *tenants.Tx) error {
				today := j.Tenant.Today(j.Due)
				if err := insight.PublishDay(ctx, tx, today, j.Tenant.Location()); err != nil {
					return err
				}
				return insight.WatchQuotas(ctx, tx, today, j.Now)
			})
		}},
		// account managers are told who is near the end of a plan
		{Name: "quotas.tell", When: jobs.Every(10 * time.Minute), Platform: true, Limit: 20 * time.Second, Run: func(ctx context.Context, j *jobs.Job) error {
			return insight.TellQuotas(ctx, j.DB, j.Actor(), j.Now)
		}},
		// bills of periods that have ended, and reminders of those that are overdue
		{Name: "bills.run", When: jobs.Nightly(10 * time.Hour), Platform: true, Limit: 30 * time.Minute, Run: func(ctx context.Context, j *jobs.Job) error {
			return books.Job(ctx, j.DB, j.Actor(), j.Now)
		}},
		{Name: "bills.remind", When: jobs.Nightly(13 * time.Hour), Platform: true, Limit: 30 * time.Minute, Run: func(ctx context.Context, j *jobs.Job) error {
			return books.Remind(ctx, j.DB, j.Actor(), j.Now)
		}},
		// a tenant's login gets as many connections as its plan has, once that changes
		{Name: tenants.ConnectionsJob, Platform: true, Limit: 20 * time.Second, Run: func(ctx context.Context, j *jobs.Job) error {
			if logins == nil {
				return domain.Refuse(domain.Unavailable, "platform.this_process_may_not_change_logins")
			}
			return logins.SetConnections(ctx, j.About, j.Actor())
		}},
		{Name: "figures.keep", When: jobs.Every(time.Hour), Limit: 10 * time.Minute, Run: keepMonths},
		// letters: each is sent by a job of its own; those of which there is none are found
		{Name: "mail.send", Always: true, Limit: time.Minute, Again: mail.Again, Run: post.Send},
		{Name: "mail.send", Platform: true, Limit: time.Minute, Again: mail.Again, Run: post.Send},
		{Name: "mail.collect", When: jobs.Every(10 * time.Minute), Always: true, Limit: 10 * time.Second, Run: mail.Collect},
		{Name: "mail.collect", When: jobs.Every(10 * time.Minute), Platform: true, Limit: 10 * time.Second, Run: mail.Collect},
		// the beginning of a day
		{Name: "mail.digest", When: jobs.Nightly(6 * time.Hour), Limit: 30 * time.Minute, Run: letters.Digest},
		{Name: "mail.digest", When: jobs.Nightly(11 * time.Hour), Platform: true, Limit: 10 * time.Minute, Run: letters.Digest},
		{Name: "mail.figures", When: jobs.Nightly(6 * time.Hour), Limit: 10 * time.Minute, Run: insight.WriteWeek},
		// the end of a day
		{Name: "night.usage", When: jobs.Nightly(30 * time.Minute), Limit: 20 * time.Second, Run: func(ctx context.Context, j *jobs.Job) error {
			return j.DB.Write(ctx, j.Actor(), func(tx *tenants.Tx) error {
				return insight.PublishDay(ctx, tx, j.Tenant.Today(j.Due).AddDate(0, 0, -1), j.Tenant.Location())
			})
		}},
		{Name: "night.classes", When: jobs.Nightly(30 * time.Minute), Limit: 20 * time.Second, Run: func(ctx context.Context, j *jobs.Job) error {
			return j.DB.Write(ctx, j.Actor(), func(tx *tenants.Tx) error {
				_, err := classes.EndPast(ctx, tx, j.Tenant.Today(j.Now))
				return err
			})
		}},
		{Name: "night.sweep", When: jobs.Nightly(time.Hour), Always: true, Limit: time.Minute, Run: func(ctx context.Context, j *jobs.Job) error {
			if err := rosters.Sweep(ctx, j); err != nil {
				return err
			}
			if err := tables.Sweep(ctx, j); err != nil {
				return err
			}
			return sweep(ctx, j)
		}},
		// what was uploaded: what never came whole, what was left behind, what belonged to tenants that are removed
		{Name: "uploads.expire", When: jobs.Every(time.Hour), Always: true, Limit: time.Minute, Run: func(ctx context.Context, j *jobs.Job) error {
			for more := true; more; {
				var err error
				if more, err = bucket.Expire(ctx, j.DB, j.Actor(), j.Now); err != nil {
					return err
				}
			}
			return nil
		}},
		{Name: "files.erase", When: jobs.Every(time.Hour), Platform: true, Limit: 30 * time.Minute, Run: func(ctx context.Context, j *jobs.Job) error {
			return bucket.EraseRemoved(ctx, j.DB, j.Actor(), j.Now)
		}},
		{Name: "files.sweep", When: jobs.Nightly(2 * time.Hour), Limit: 30 * time.Minute, Run: func(ctx context.Context, j *jobs.Job) error {
			if err := catalog.SweepPictures(ctx, j.DB, bucket, j.Actor()); err != nil {
				return err
			}
			return sweepFiles(ctx, j, bucket)
		}},
		{Name: "files.sweep", When: jobs.Nightly(9 * time.Hour), Platform: true, Limit: 30 * time.Minute, Run: func(ctx context.Context, j *jobs.Job) error {
			return sweepFiles(ctx, j, bucket)
		}},
		// rosters that people brought: what is in them is looked at, and then it is imported
		{Name: "roster.check", Limit: roster.CheckTime, Run: rosters.Run},
		{Name: "roster.import", Limit: roster.ImportTime, Run: rosters.Run},
		// what people asked to be written into a file
		{Name: "export.make", Always: true, Limit: exports.Time, Run: tables.Run},
		{Name: "export.make", Platform: true, Limit: exports.Time, Run: tables.Run},
		{Name: "night.sweep", When: jobs.Nightly(8 * time.Hour), Platform: true, Limit: time.Minute, Run: func(ctx context.Context, j *jobs.Job) error {
			if err := tables.Sweep(ctx, j); err != nil {
				return err
			}
			return sweep(ctx, j)
		}},
	}
}

// sweepFiles removes bytes without a row, and rows without bytes.
func sweepFiles(ctx context.Context, j *jobs.Job, bucket *files.Bucket) error {
	for at := (files.Mark{}); !at.Done(); {
		var err error
		if _, at, err = bucket.Sweep(ctx, j.DB, j.Actor(), at, j.Now); err != nil {
			return err
		}
	}
	return nil
}

// sweep forgets sign-ins, notices, letters and jobs that are old.
func sweep(ctx context.Context, j *jobs.Job) error {
	if err := j.DB.Write(ctx, j.Actor(), func(tx *tenants.Tx) error {
		if err := jobs.Sweep(ctx, tx, j.Now); err != nil {
			return err
		}
		if err := mail.Sweep(ctx, tx, j.Now); err != nil {
			return err
		}
		if j.Tenant != nil {
			if err := limits.SweepDays(ctx, tx, j.Tenant.Today(j.Now)); err != nil {
				return err
			}
		}
		return identity.Sweep(ctx, tx, j.Now)
	}); err != nil {
		return err
	}
	for more := true; more; {
		if err := j.DB.Write(ctx, j.Actor(), func(tx *tenants.Tx) (err error) {
			more, err = notices.Sweep(ctx, tx, j.Now)
			return err
		}); err != nil {
			return err
		}
	}
	return nil
}

func tidy(ctx context.Context, j *jobs.Job) error {
	if err := j.DB.EmptyBucket(ctx, j.Now); err != nil {
		return err
	}
	return identity.EnsureKeys(ctx, j.DB, j.Now)
}

// forecast tells what is to come. A tenant that shuts its people out brings nothing.
func forecast(ctx context.Context, j *jobs.Job) error {
	var loads []insight.Load
	if people, _ := j.Tenant.Allows().For(nil); people {
		if err := j.DB.ReadFresh(ctx, func(r *tenants.Reader) (err error) {
			loads, err = insight.Forecast(ctx, r, j.Now, j.Tenant.Location())
			return err
		}); err != nil {
			return err
		}
	}
	return insight.PublishForecast(ctx, j.DB, j.Actor(), loads)
}

// keepMonths counts the months of a tenant that are over, and keeps their figures: each in a transaction of its own.
func keepMonths(ctx context.Context, j *jobs.Job) error {
	var due []insight.Period
	if err := j.DB.ReadFresh(ctx, func(r *tenants.Reader) (err error) {
		due, err = insight.MonthsToKeep(ctx, r, j.Now, j.Tenant.Location())
		return err
	}); err != nil {
		return err
	}
	for _, m := range due {
		if err := j.DB.Write(ctx, j.Actor(), func(tx *tenants.Tx) error { return insight.KeepMonth(ctx, tx, m, j.Tenant.Location()) }); err != nil {
			return err
		}
	}
	return nil
}
