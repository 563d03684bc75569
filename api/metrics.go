package api

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// metrics are the server's, per tenant; Prometheus reads them on a port of its own.
type metrics struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	panics   prometheus.Counter
}

func newMetrics(s *Server) *metrics {
	m := &metrics{registry: prometheus.NewRegistry()}
	m.requests = prometheus.NewCounterVec(prometheus.CounterOpts{Name: "lignum_requests_total", Help: "Requests answered."}, []string{"realm", "route", "status"})
	m.seconds = prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "lignum_request_seconds", Help: "Time to the answer, by realm and class of route.",
		Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}}, []string{"realm", "class"})
	m.panics = prometheus.NewCounter(prometheus.CounterOpts{Name: "lignum_panics_total", Help: "Requests that ended in a panic."})
	waiting := prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "lignum_transactions_waiting", Help: "Transactions that wait for a connection of their tenant's share."},
		func() float64 { return float64(s.store.Waiting()) })
	m.registry.MustRegister(m.requests, m.seconds, m.panics, waiting, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func (m *metrics) request(realm string, rt *Route, status int, took time.Duration) {
	m.requests.WithLabelValues(realm, rt.Method+" "+rt.Path, strconv.Itoa(status)).Inc()
	m.seconds.WithLabelValues(realm, string(rt.Quota)).Observe(took.Seconds())
}
