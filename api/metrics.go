package api

import (
	"context"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"lignum/tenants"
)

// metrics are the server's; Prometheus reads them on a port of its own. What is counted by tenant is counted by few things besides,
// and what is counted by route by no tenant: there are hundreds of each, and nobody scrapes a hundred thousand series.
type metrics struct {
	registry   *prometheus.Registry
	requests   *prometheus.CounterVec
	routes     *prometheus.CounterVec
	seconds    *prometheus.HistogramVec
	panics     prometheus.Counter
	jobs       *prometheus.CounterVec
	jobSeconds *prometheus.HistogramVec
	jobLate    prometheus.Histogram
	active     *prometheus.GaugeVec
	attended   *prometheus.GaugeVec
	altered    prometheus.Gauge
	memory     prometheus.Gauge
	hashing    prometheus.Gauge
}

// databaseRequests shows the store's own count.
type databaseRequests struct {
	store *tenants.Store
	desc  *prometheus.Desc
}

func (d databaseRequests) Describe(out chan<- *prometheus.Desc) { out <- d.desc }

func (d databaseRequests) Collect(out chan<- prometheus.Metric) {
	d.store.Requests(func(realm string, n int64) {
		out <- prometheus.MustNewConstMetric(d.desc, prometheus.CounterValue, float64(n), realm)
	})
}

func newMetrics(s *Server) *metrics {
	m := &metrics{registry: prometheus.NewRegistry()}
	m.requests = prometheus.NewCounterVec(prometheus.CounterOpts{Name: "lignum_requests_total", Help: "Requests answered, by realm and class of status."}, []string{"realm", "status"})
	m.routes = prometheus.NewCounterVec(prometheus.CounterOpts{Name: "lignum_route_requests_total", Help: "Requests answered, by route and status, of all realms together."}, []string{"route", "status"})
	m.seconds = prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "lignum_request_seconds", Help: "Time to the answer, by realm and class of route.",
		Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}}, []string{"realm", "class"})
	m.panics = prometheus.NewCounter(prometheus.CounterOpts{Name: "lignum_panics_total", Help: "Requests that ended in a panic."})
	m.jobs = prometheus.NewCounterVec(prometheus.CounterOpts{Name: "lignum_jobs_total", Help: "Runs of jobs, by kind and outcome: done, failed or given_up."}, []string{"kind", "outcome"})
	m.jobSeconds = prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "lignum_job_seconds", Help: "Time that a run of a job takes, by kind.",
		Buckets: []float64{.005, .01, .05, .1, .5, 1, 5, 10, 60, 600}}, []string{"kind"})
	m.jobLate = prometheus.NewHistogram(prometheus.HistogramOpts{Name: "lignum_job_late_seconds", Help: "How long after its time a job was begun.", Buckets: []float64{.1, .25, .5, 1, 2, 5, 10, 30, 60, 300}})
	waiting := prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "lignum_transactions_waiting", Help: "Transactions that wait for a connection of their tenant's share."},
		func() float64 { return float64(s.store.Waiting()) })
	slots := func(name, help string, of func(writer, reader int) int) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, func() float64 { return float64(of(s.store.Slots())) })
	}
	sent := databaseRequests{s.store, prometheus.NewDesc("lignum_database_requests_total", "Statements, batches and copies sent to the database.", []string{"realm"}, nil)}
	m.active = prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "lignum_active_users", Help: "People who used the platform today, in the tenant's time zone."}, []string{"realm"})
	m.attended = prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "lignum_attendance", Help: "Learners in attendance today, in the tenant's time zone."}, []string{"realm"})
	m.altered = prometheus.NewGauge(prometheus.GaugeOpts{Name: "lignum_altered_logins",
		Help: "Database roles that are not as provisioning makes them; lignum migrate puts them back. More than 0 for ten minutes: somebody has a login's password."})
	m.memory = prometheus.NewGauge(prometheus.GaugeOpts{Name: "lignum_memory_bytes",
		Help: "Memory that this process may use; 0: no limit is known. What it has is process_resident_memory_bytes, what Go is held to go_gc_gomemlimit_bytes."})
	m.hashing = prometheus.NewGauge(prometheus.GaugeOpts{Name: "lignum_hash_slots", Help: "Passwords that may be hashed at once, of 19 MiB each."})
	m.registry.MustRegister(m.requests, m.routes, m.seconds, m.panics, m.jobs, m.jobSeconds, m.jobLate, m.active, m.attended, m.altered, m.memory, m.hashing, sent, waiting,
		slots("lignum_transaction_slots", "Transactions that this process may have busy at once, its share of what the database works on.", func(writer, _ int) int { return writer }),
		slots("lignum_transaction_slots_reader", "The same at the reader; that of the writer when there is none.", func(_, reader int) int { return reader }),
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func (m *metrics) request(realm string, rt *Route, status int, took time.Duration) {
	m.requests.WithLabelValues(realm, statusClass(status)).Inc()
	m.routes.WithLabelValues(rt.Method+" "+rt.Path, strconv.Itoa(status)).Inc()
	m.seconds.WithLabelValues(realm, string(rt.Quota)).Observe(took.Seconds())
}

// statusClass is a status as the metrics by tenant show it: "2xx" for 200.
func statusClass(status int) string { return string('0'+byte(status/100)) + "xx" }

// showUsage shows the figures that each tenant's job has published of its own today.
func (s *Server) showUsage(ctx context.Context, now time.Time) error {
	return s.store.DB(s.platform).Read(ctx, func(r *tenants.Reader) error {
		rows, err := r.Query(ctx, `SELECT slug, day, active_users, attendance FROM usage_days WHERE day >= $1::date`, now.AddDate(0, 0, -2).Format(time.DateOnly))
		if err != nil {
			return err
		}
		s.metrics.active.Reset()
		s.metrics.attended.Reset()
		var slug string
		var day time.Time
		var active, attended int
		_, err = pgx.ForEachRow(rows, []any{&slug, &day, &active, &attended}, func() error {
			if t, err := s.registry.Tenant(slug); err == nil && t.Today(now).Format(time.DateOnly) == day.Format(time.DateOnly) {
				s.metrics.active.WithLabelValues(slug).Set(float64(active))
				s.metrics.attended.WithLabelValues(slug).Set(float64(attended))
			}
			return nil
		})
		return err
	})
}
