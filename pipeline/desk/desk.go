// Package desk is the HTTP face of a running Wirewatch: /healthz (the process answers), /readyz (it can do its work: the
// store answers and there is room), /metrics (Prometheus), a feed for each rule, which read, and the API, which silences and acknowledges
// and wants a token.
package desk

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"wirewatch/pipeline"
)

// A Gauge is a number the store knows, read when it is asked for.
type Gauge struct {
	Name, Help string
	Labels     map[string]string
	Value      float64
}

// Desk serves the pages. Fields are set before use.
type Desk struct {
	Ready  func(context.Context) error            // nil when the pipeline can work; else a sentence that says what to do
	Gauges func(context.Context) ([]Gauge, error) // numbers of the store
	API    *API                                   // nil: none
	Feeds  *Feeds                                 // nil: none

	registry *prometheus.Registry
	events   *prometheus.CounterVec
	items    *prometheus.CounterVec
	took     *prometheus.HistogramVec
	lag      prometheus.Histogram
}

// New makes a desk with its own registry.
func New(version string) *Desk {
	d := &Desk{
		registry: prometheus.NewRegistry(),
		events: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "wirewatch_runs_total",
			Help: "Attempts per stage (poll, process, deliver) and outcome."}, []string{"stage", "outcome"}),
		items: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "wirewatch_handled_total",
			Help: "New items (poll), stored articles (process), messages taken (deliver)."}, []string{"stage"}),
		took: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "wirewatch_attempt_seconds",
			Help: "Duration of an attempt.", Buckets: prometheus.ExponentialBuckets(0.005, 3, 9)}, []string{"stage"}),
		lag: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "wirewatch_alert_lag_seconds",
			Help: "From the stored match to the receiver's yes.", Buckets: prometheus.ExponentialBuckets(0.01, 4, 10)}),
	}
	build := prometheus.NewGauge(prometheus.GaugeOpts{Name: "wirewatch_build_info", Help: "Always 1.", ConstLabels: prometheus.Labels{"version": version}})
	build.Set(1)
	d.registry.MustRegister(d.events, d.items, d.took, d.lag, build, gauges{d},
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return d
}

// Count takes an event into the counters. Safe for concurrent use.
func (d *Desk) Count(ev pipeline.Event) {
	d.events.WithLabelValues(ev.Stage, ev.Outcome).Inc()
	d.items.WithLabelValues(ev.Stage).Add(float64(ev.Count))
	d.took.WithLabelValues(ev.Stage).Observe(ev.Took.Seconds())
	if ev.Lag > 0 {
		d.lag.Observe(ev.Lag.Seconds())
	}
}

// Handler routes the pages.
func (d *Desk) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, r *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), 3*time.Second)
		defer cancel()
		if err := d.Ready(ctx); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ready")
	})
	mux.Handle("GET /metrics", promhttp.HandlerFor(d.registry, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError}))
	if d.API != nil {
		d.API.routes(mux)
	}
	if d.Feeds != nil {
		d.Feeds.routes(mux)
	}
	return mux
}

// gauges reads the store's numbers at scrape time.
type gauges struct{ d *Desk }

// Describe sends nothing: which gauges there are is known when they are read.
func (g gauges) Describe(chan<- *prometheus.Desc) {}

func (g gauges) Collect(ch chan<- prometheus.Metric) {
	list, err := g.read()
	ok := 1.0
	for _, x := range list {
		m, err := prometheus.NewConstMetric(prometheus.NewDesc(x.Name, x.Help, nil, x.Labels), prometheus.GaugeValue, x.Value)
		if err != nil {
			ok = 0
			continue
		}
		ch <- m
	}
	if err != nil {
		ok = 0
	}
	// Said in so many words, because an alarm on series that are absent is easily forgotten.
	up := prometheus.NewDesc("wirewatch_store_up", "1 when the store's numbers could be read, else 0.", nil, nil)
	ch <- prometheus.MustNewConstMetric(up, prometheus.GaugeValue, ok)
}

// read asks for the numbers. It runs on a goroutine of the registry's own, where a panic would end the process.
func (g gauges) read() (list []Gauge, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("reading the store's numbers panicked: %v", v)
		}
	}()
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	return g.d.Gauges(ctx)
}
