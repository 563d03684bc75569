package jobs

import (
	"context"
	"hash/fnv"
	"time"

	"lignum/tenants"
)

// Schedule is when a kind of job is due by the clock. The zero value is never.
type Schedule struct {
	every time.Duration
	night time.Duration // after midnight where the tenant is
}

// Every is a schedule of equal steps, 1 minute to 24 hours. Each realm has its own place in the step, so that not all come at once.
func Every(step time.Duration) Schedule { return Schedule{every: step} }

// Nightly is once a night, so long after midnight where the tenant is, at most 12 hours, and spread over the half hour from there.
func Nightly(after time.Duration) Schedule { return Schedule{night: max(after, time.Second)} }

// Begins gives the moment at which a day, midnight UTC, begins in a zone: calendar.Begins, which stands above.
type Begins func(day time.Time, zone *time.Location) time.Time

func (s Schedule) isZero() bool { return s == Schedule{} }

// spreadNight is over how long the tenants of one time zone come after each other.
const spreadNight = 30 * time.Minute

// place is where a realm has its place in a stretch of time, always the same.
func place(kind, realm string, of time.Duration) time.Duration {
	h := fnv.New64a()
	h.Write([]byte(kind + "|" + realm))
	return time.Duration(h.Sum64() % uint64(of)).Truncate(time.Second)
}

// around returns the last time at or before now at which a job was due, and the next after it.
func (s Schedule) around(kind, realm string, zone *time.Location, now time.Time, begins Begins) (last, next time.Time) {
	if s.every > 0 {
		off := place(kind, realm, s.every)
		last = now.Add(-off).Truncate(s.every).Add(off)
		return last, last.Add(s.every)
	}
	off := s.night + place(kind, realm, spreadNight)
	y, m, d := now.In(zone).Date()
	on := func(day int) time.Time {
		return begins(time.Date(y, m, d+day, 0, 0, 0, 0, time.UTC), zone).Add(off).UTC()
	}
	if today := on(0); !today.After(now) {
		return today, on(1)
	} else {
		return on(-1), today
	}
}

// ahead is how far the plan goes: jobs are there before they are due, whoever dies meanwhile.
const ahead = 2 * time.Minute

// due is a job by the clock.
type due struct {
	kind, realm string
	at          time.Time
}

// planner remembers what it has planned, so that only what is new is asked of the database.
type planner struct {
	kinds   []Kind
	begins  Begins
	planned map[[2]string]time.Time // the last time that is there, by kind and realm
}

// next returns what is to be planned as of now: of each kind and realm the last that was due, which is there when anybody planned it, and those that come soon.
func (p *planner) next(all []*tenants.Tenant, now time.Time) (list []due) {
	add := func(k Kind, realm string, zone *time.Location) {
		last, next := k.When.around(k.Name, realm, zone, now, p.begins)
		key := [2]string{k.Name, realm}
		for _, at := range []time.Time{last, next} {
			if at.After(p.planned[key]) && at.Before(now.Add(ahead)) {
				list = append(list, due{k.Name, realm, at})
			}
		}
	}
	for _, k := range p.kinds {
		switch {
		case k.When.isZero():
		case k.Platform:
			add(k, "", time.UTC)
		default:
			for _, t := range all {
				if t.Allows().Jobs.Do(k.Always) {
					add(k, t.Slug, t.Location())
				}
			}
		}
	}
	return list
}

// planSQL adds those that nobody has planned. $1 to $3 are kinds, realms and times.
const planSQL = `INSERT INTO river_job (kind, queue, max_attempts, priority, scheduled_at, args, unique_key, unique_states)
	SELECT k.kind, k.queue, k.attempts, 1, d.at, jsonb_build_object('tenant', d.realm, 'about', ''), sha256(convert_to(d.kind || '|' || d.realm || '|clock ' || d.at, 'UTF8')), B'11111111'
	FROM unnest($1::text[], $2::text[], $3::timestamptz[]) AS d(kind, realm, at)
	JOIN kinds k ON k.kind = d.kind AND k.realm = CASE WHEN d.realm = '' THEN 'platform' ELSE 'tenant' END
	ON CONFLICT (unique_key) WHERE unique_key IS NOT NULL AND unique_states IS NOT NULL AND river_job_state_in_bitmask(unique_states, state) DO NOTHING`

// plan adds the jobs of the coming minutes, some thousand in a statement.
func (w *Workers) plan(ctx context.Context) error {
	const most = 2000
	list := w.planner.next(w.Registry.Tenants(), time.Now().UTC())
	for len(list) > 0 {
		part := list[:min(len(list), most)]
		list = list[len(part):]
		kinds, realms, times := make([]string, len(part)), make([]string, len(part)), make([]time.Time, len(part))
		for i, d := range part {
			kinds[i], realms[i], times[i] = d.kind, d.realm, d.at
		}
		if _, err := w.pool.Exec(ctx, planSQL, kinds, realms, times); err != nil {
			return err
		}
		for _, d := range part {
			w.planner.planned[[2]string{d.kind, d.realm}] = d.at
		}
	}
	return nil
}
