package simulate

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// Assumptions are everything that the simulation takes for true. Change them with a JSON file that names only the fields
// to be changed. "Post" is the AWS Public Sector Blog's account of One on One; "README" this repository's measured figures.
type Assumptions struct {
	Seed int64 `json:"seed"` // the same seed gives the same year, to the last digit
	Year int   `json:"year"` // calendar year, 2001 to 2099; its 29 February is left out
	Days int   `json:"days"` // simulated from 1 January UTC, 1 to 365

	// What learners do.
	RecordDay         string      `json:"record_day"`          // YYYY-MM-DD, Jamaica's highest day; a mock exam is on it
	RecordUsers       float64     `json:"record_users"`        // users on that day (post: "peaked at 20,000 users a day")
	RecordRequests    float64     `json:"record_requests"`     // database requests on that day (post: 1,052,165; for its "million" see Scale)
	Scale             float64     `json:"scale"`               // multiplies users and requests; 1e6 is the post's literal "1,052,165 million"
	PostYear          [12]float64 `json:"post_year"`           // Jamaica's users on a school day by month (post: a few hundred, 12,000 in April)
	SettledYear       [12]float64 `json:"settled_year"`        // the other countries', per Jamaica's size: a platform in use all year
	UserNoise         float64     `json:"user_noise"`          // standard deviation of a day's users, share
	MinuteNoise       float64     `json:"minute_noise"`        // the same of a minute's requests within a day, correlated over about 10 minutes
	FridayShare       float64     `json:"friday_share"`        // of a Monday's users
	SaturdayShare     float64     `json:"saturday_share"`      // of a Monday's users
	SundayShare       float64     `json:"sunday_share"`        // of a Monday's users
	HolidayShare      float64     `json:"holiday_share"`       // of a Monday's users
	Hours             [24]float64 `json:"hours"`               // weekday requests by local hour, relative (post: 9:00 to 16:00 is significantly lower)
	FreeHours         [24]float64 `json:"free_hours"`          // the same on weekends and holidays
	RecordExamShare   float64     `json:"record_exam_share"`   // of the record day's users sit the mock exam, at 18:00 local time
	MockExamShare     float64     `json:"mock_exam_share"`     // of a day's users sit a mock exam (four evenings, February to April)
	SittingShare      float64     `json:"sitting_share"`       // of a day's users practise with a CSEC, BGCSE or national sitting, at most
	WeeklyTestShare   float64     `json:"weekly_test_share"`   // of a day's users sit the test of the week, Wednesdays 10:00 local in term
	ExamMinutes       int         `json:"exam_minutes"`        // CSEC Mathematics Paper 1: 90 minutes
	StartShares       [5]float64  `json:"start_shares"`        // of an exam's learners who press 'start' in its first, second ... minute
	StartRequests     float64     `json:"start_requests"`      // of each learner at 'start'
	ExamRequests      float64     `json:"exam_requests"`       // per learner-minute in an exam: 60 saved answers in 90 minutes
	LiveShare         float64     `json:"live_share"`          // of a day's users in each of the live slots, 16:30 and 19:30 local in term
	LiveMinutes       int         `json:"live_minutes"`        // length of a live class
	LiveJoinRequests  float64     `json:"live_join_requests"`  // of each learner who joins, within 3 minutes
	LiveRequests      float64     `json:"live_requests"`       // per learner-minute in a live class
	ImportSeconds     float64     `json:"import_seconds"`      // vCPU-seconds for 10,000 rows (README: 50,000 users in 3 s on two cores)
	ForecastError     float64     `json:"forecast_error"`      // actual learners of an event are the forecast x 1 +- this share
	Surprises         int         `json:"surprises"`           // surges that nobody announced, a year
	SurpriseShare     float64     `json:"surprise_share"`      // size of each: share of one country's users of the day; they start as an exam does
	StormDate         string      `json:"storm_date"`          // YYYY-MM-DD on which a hurricane takes a third of the countries off line
	StormDays         int         `json:"storm_days"`          // without power
	StormRecoveryDays int         `json:"storm_recovery_days"` // power returns gradually over these
	StormFlood        float64     `json:"storm_flood"`         // requests after it, of the usual; fades over 4 days

	// What a request costs the database.
	ReadMs         float64 `json:"read_ms"`         // PostgreSQL CPU a signed-in read (README: 0.71, and 0.89 to 1.15 in its run with 200 tenants)
	WriteMs        float64 `json:"write_ms"`        // PostgreSQL CPU an audited write (README: 0.50)
	ReadRequests   float64 `json:"read_requests"`   // share of ordinary requests that read
	StartReads     float64 `json:"start_reads"`     // share of the requests at 'start' that read
	ExamReads      float64 `json:"exam_reads"`      // share of the requests within an exam that read
	StaleReads     float64 `json:"stale_reads"`     // share of reads that a reader may answer
	Burst          float64 `json:"burst"`           // busiest seconds of an ordinary minute, times its average
	StartBurst     float64 `json:"start_burst"`     // busiest seconds of a 'start' minute, times its average
	BurstSeconds   float64 `json:"burst_seconds"`   // how long those last
	BackgroundVCPU float64 `json:"background_vcpu"` // of each instance without any learner: vacuum, statistics, monitoring

	// How the cluster behaves.
	ServerlessUse    float64 `json:"serverless_use"`     // use at which Serverless v2 aims within its range
	UpACU            float64 `json:"up_acu"`             // it grows at most this a minute while small ...
	UpShare          float64 `json:"up_share"`           // ... and this share of what it has when larger (AWS: the larger, the faster; no figure published)
	DownACU          float64 `json:"down_acu"`           // it shrinks at most this a minute
	AloneMinACU      float64 `json:"alone_min_acu"`      // the wide range of Serverless v2 alone
	AloneMaxACU      float64 `json:"alone_max_acu"`      // the wide range of Serverless v2 alone
	CacheShare       float64 `json:"cache_share"`        // of an instance's memory that caches pages
	HotSetGiB        float64 `json:"hot_set_gib"`        // pages in daily use for each country of Jamaica's size
	WarmGiB          float64 `json:"warm_gib"`           // a cold cache takes in this much a minute
	ColdCost         float64 `json:"cold_cost"`          // a wholly cold cache adds this share to a request's CPU
	ColdMs           float64 `json:"cold_ms"`            // and this to the 99th percentile
	AddReaderMinutes int     `json:"add_reader_minutes"` // until a new reader answers
	CreditMode       string  `json:"credit_mode"`        // of burstable classes: unlimited, as RDS runs db.t4g, or standard, which slows down without credits
	ResizeMinutes    int     `json:"resize_minutes"`     // an instance is away while its class changes
	FailoverSeconds  float64 `json:"failover_seconds"`   // writes wait in the proxy
	MetricDelay      int     `json:"metric_delay"`       // minutes by which metrics are late, 1 to 10
	ForecastHours    int     `json:"forecast_hours"`     // how far the autoscaler sees known events, 1 to 48

	// CPU-reactive: thresholds of the kind that alarms on CPUUtilization have.
	ReactiveHigh     float64 `json:"reactive_high"`      // average use above which it takes the next class
	ReactiveLow      float64 `json:"reactive_low"`       // average use below which it takes the class before
	ReactiveMinutes  int     `json:"reactive_minutes"`   // over which the average is taken, 1 to 60
	ReactiveCoolDown int     `json:"reactive_cool_down"` // minutes between changes

	// Latency: base + service + M/M/c waiting + backlog + cold cache, at the 99th percentile; see latency.go.
	ObjectiveMs float64 `json:"objective_ms"` // p99 of a request
	BaseMs      float64 `json:"base_ms"`      // network, proxy and API, without the database
	ServiceMs   float64 `json:"service_ms"`   // of a heavy request on one whole vCPU

	LadderSize string `json:"ladder_size"` // small, country, region; empty: by the number of countries
	Prices     Prices `json:"prices"`
}

// Modes of burstable classes. In unlimited mode one without credits borrows those of 24 hours and pays for more; in standard
// mode it is slowed down to its baseline. RDS has db.t4g in unlimited mode alone.
const (
	Unlimited = "unlimited"
	Standard  = "standard"
)

// Default returns the assumptions of the report.
func Default() Assumptions {
	return Assumptions{
		Seed: 1, Year: 2027, Days: 365,
		RecordDay: "2027-05-13", RecordUsers: 20_000, RecordRequests: 1_052_165, Scale: 1,
		PostYear:    [12]float64{300, 350, 600, 12000, 14000, 12000, 4000, 3000, 11000, 12000, 12000, 8000},
		SettledYear: [12]float64{10000, 11000, 11500, 12000, 14000, 12000, 4000, 3000, 11000, 12000, 12000, 8000},
		UserNoise:   0.07, MinuteNoise: 0.10,
		FridayShare: 0.85, SaturdayShare: 0.55, SundayShare: 0.7, HolidayShare: 0.3,
		Hours:           [24]float64{.12, .06, .04, .03, .05, .15, .45, .6, .5, .25, .22, .22, .25, .25, .25, .35, .65, .85, 1, 1.1, 1.1, .9, .6, .3},
		FreeHours:       [24]float64{.2, .1, .05, .04, .04, .06, .15, .3, .5, .65, .75, .8, .75, .75, .8, .8, .85, .9, .95, 1, 1, .8, .55, .35},
		RecordExamShare: 0.5, MockExamShare: 0.35, SittingShare: 0.2, WeeklyTestShare: 0.08,
		ExamMinutes: 90, StartShares: [5]float64{.6, .2, .1, .06, .04}, StartRequests: 8, ExamRequests: 60.0 / 90,
		LiveShare: 0.06, LiveMinutes: 45, LiveJoinRequests: 3, LiveRequests: 0.4,
		ImportSeconds: 5, ForecastError: 0.15, Surprises: 6, SurpriseShare: 0.15,
		StormDate: "2027-09-14", StormDays: 4, StormRecoveryDays: 3, StormFlood: 1.8,
		ReadMs: 0.8, WriteMs: 0.5, ReadRequests: 0.75, StartReads: 0.5, ExamReads: 0.15, StaleReads: 0.75,
		Burst: 1.25, StartBurst: 1.6, BurstSeconds: 20, BackgroundVCPU: 0.02,
		ServerlessUse: 0.7, UpACU: 1, UpShare: 0.5, DownACU: 0.5, AloneMinACU: 0.5, AloneMaxACU: 64,
		CacheShare: 0.6, HotSetGiB: 0.15, WarmGiB: 0.1, ColdCost: 0.3, ColdMs: 80,
		CreditMode: Unlimited, AddReaderMinutes: 8, ResizeMinutes: 10, FailoverSeconds: 15, MetricDelay: 1, ForecastHours: 6,
		ReactiveHigh: 0.7, ReactiveLow: 0.25, ReactiveMinutes: 5, ReactiveCoolDown: 15,
		ObjectiveMs: 250, BaseMs: 60, ServiceMs: 8,
		Prices: ListPrices(),
	}
}

// ReadAssumptions changes the fields that the JSON names and leaves the others. A field that does not exist is refused.
func ReadAssumptions(a Assumptions, r io.Reader) (Assumptions, error) {
	if err := strict(r, &a); err != nil {
		return Assumptions{}, fmt.Errorf("the assumptions: %w; print all with --print-assumptions", err)
	}
	return a, a.Check()
}

// strict reads one JSON value of at most 1 MB and refuses names that it does not know.
func strict(r io.Reader, into any) error {
	data, err := io.ReadAll(io.LimitReader(r, 1<<20))
	if err != nil {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return err
	}
	if d.More() {
		return errors.New("there is more after the first JSON value")
	}
	return nil
}
