package desk_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"wirewatch/pipeline"
	"wirewatch/pipeline/desk"
)

func newDesk() *desk.Desk {
	d := desk.New("v1.2.3")
	d.Ready = func(context.Context) error { return nil }
	d.Gauges = func(context.Context) ([]desk.Gauge, error) { return nil, nil }
	return d
}

// ask sends a request to a served desk.
func ask(t *testing.T, d *desk.Desk, method, path string) (int, string) {
	t.Helper()
	srv := httptest.NewServer(d.Handler())
	defer srv.Close()
	req, err := http.NewRequestWithContext(t.Context(), method, srv.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := srv.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

func TestPages(t *testing.T) {
	d := newDesk()
	broken := newDesk()
	broken.Ready = func(ctx context.Context) error {
		if _, ok := ctx.Deadline(); !ok {
			t.Error("readiness is asked without a bound")
		}
		return errors.New("the store does not answer: make room")
	}
	for _, c := range []struct {
		d            *desk.Desk
		method, path string
		status       int
		body         string
	}{
		{d, "GET", "/healthz", 200, "ok\n"},
		{d, "HEAD", "/healthz", 200, ""},
		{d, "GET", "/readyz", 200, "ready\n"},
		{broken, "GET", "/readyz", 503, "the store does not answer: make room\n"},
		{broken, "GET", "/healthz", 200, "ok\n"}, // the process answers all the same
		{d, "POST", "/healthz", 405, "Method Not Allowed\n"},
		{d, "GET", "/", 404, "404 page not found\n"},
		{d, "GET", "/debug/pprof/", 404, "404 page not found\n"},
	} {
		if status, body := ask(t, c.d, c.method, c.path); status != c.status || body != c.body {
			t.Errorf("%s %s: %d %q, want %d %q", c.method, c.path, status, body, c.status, c.body)
		}
	}
}

func TestMetrics(t *testing.T) {
	d := newDesk()
	d.Gauges = func(context.Context) ([]desk.Gauge, error) {
		return []desk.Gauge{{Name: "wirewatch_articles", Help: "Articles stored.", Value: 7},
			{Name: "wirewatch_items", Help: "Items by state.", Labels: map[string]string{"state": "open"}, Value: 2},
			{Name: "wirewatch_items", Help: "Items by state.", Labels: map[string]string{"state": "dead"}, Value: 1}}, nil
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 100 {
				d.Count(pipeline.Event{Stage: "poll", Key: "a feed", Outcome: "ok", Count: 3, Took: time.Second})
				d.Count(pipeline.Event{Stage: "deliver", Key: "desk", Outcome: "sent", Count: 1, Lag: 2 * time.Second})
			}
		})
	}
	wg.Wait()
	status, body := ask(t, d, "GET", "/metrics")
	if status != 200 {
		t.Fatalf("%d %s", status, body)
	}
	for _, want := range []string{
		`wirewatch_build_info{version="v1.2.3"} 1`, `wirewatch_runs_total{outcome="ok",stage="poll"} 400`, `wirewatch_handled_total{stage="poll"} 1200`,
		`wirewatch_alert_lag_seconds_count 400`, `wirewatch_alert_lag_seconds_sum 800`, `wirewatch_attempt_seconds_count{stage="poll"} 400`,
		"wirewatch_articles 7", `wirewatch_items{state="open"} 2`, `wirewatch_items{state="dead"} 1`, "go_goroutines ", "process_open_fds ",
	} {
		if !strings.Contains(body, "\n"+want) {
			t.Errorf("no %s in the metrics", want)
		}
	}
	if strings.Contains(body, "a feed") {
		t.Error("keys make as many series as there are feeds")
	}
}

// A store that does not answer, or numbers that make no sense, cost their own numbers and no others, least of all the process.
func TestMetricsWithoutTheStore(t *testing.T) {
	for name, gauges := range map[string]func(context.Context) ([]desk.Gauge, error){
		"error": func(context.Context) ([]desk.Gauge, error) { return nil, errors.New("database is locked") },
		"bad label": func(context.Context) ([]desk.Gauge, error) {
			return []desk.Gauge{{Name: "x", Labels: map[string]string{"channel": "\xff"}}}, nil
		},
		"bad label name": func(context.Context) ([]desk.Gauge, error) {
			return []desk.Gauge{{Name: "x", Labels: map[string]string{"": "v"}}}, nil
		},
		"twice": func(context.Context) ([]desk.Gauge, error) {
			return []desk.Gauge{{Name: "x", Help: "X."}, {Name: "x", Help: "X."}}, nil
		},
		"panic": func(context.Context) ([]desk.Gauge, error) { panic("out of cheese") },
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk()
			d.Gauges = gauges
			d.Count(pipeline.Event{Stage: "poll", Outcome: "ok"})
			status, body := ask(t, d, "GET", "/metrics")
			if status != 200 || !strings.Contains(body, `wirewatch_runs_total{outcome="ok",stage="poll"} 1`) {
				t.Errorf("%d %s", status, body)
			}
			if !strings.Contains(body, "wirewatch_store_up 0") && name != "twice" {
				t.Error("the metrics do not say that the store's numbers are missing")
			}
		})
	}
	if _, body := ask(t, newDesk(), "GET", "/metrics"); !strings.Contains(body, "\nwirewatch_store_up 1") {
		t.Error("the metrics do not say that the store's numbers are there")
	}
}
