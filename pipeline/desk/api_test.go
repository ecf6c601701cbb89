package desk_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"wirewatch/pipeline"
	"wirewatch/pipeline/desk"
	"wirewatch/pipeline/store"
)

const token = "a-token-of-some-length"

// An apiWorld is the API over a real store, on loopback.
type apiWorld struct {
	*testing.T
	srv   *httptest.Server
	store *store.Store
	token string
	now   time.Time
}

func newAPI(t *testing.T) *apiWorld {
	w := &apiWorld{T: t, token: token, now: time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)}
	now := func() time.Time { return w.now }
	var err error
	if w.store, err = store.Open(t.Context(), filepath.Join(t.TempDir(), "w.db"), store.Options{Now: now}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.store.Close() })
	d := newDesk()
	d.API = &desk.API{Store: w.store, KnownRule: func(name string) bool { return name == "r" },
		KnownStory: func(_ context.Context, id int64) (bool, error) { return id == 3, nil }, Token: func() pipeline.Secret { return pipeline.NewSecret(w.token) }, Now: now,
		CheckQuery: func(q string) error {
			if strings.HasSuffix(q, "AND") {
				return errors.New("a term is missing")
			}
			return nil
		}}
	w.srv = httptest.NewServer(d.Handler())
	t.Cleanup(w.srv.Close)
	return w
}

// ask sends a request as its change says and returns the answer.
func (w *apiWorld) ask(method, path, body string, change func(*http.Request)) (int, map[string]any) {
	w.Helper()
	r, err := http.NewRequestWithContext(w.Context(), method, w.srv.URL+path, strings.NewReader(body))
	if err != nil {
		w.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if change != nil {
		change(r)
	}
	resp, err := w.srv.Client().Do(r)
	if err != nil {
		w.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		w.Fatal(err)
	}
	var out map[string]any
	if strings.HasPrefix(resp.Header.Get("Content-Type"), "application/json") {
		if err := json.Unmarshal(b, &out); err != nil {
			w.Fatalf("%s: %s", err, b)
		}
	}
	if strings.Contains(string(b), token) {
		w.Errorf("%s %s shows the token", method, path)
	}
	return resp.StatusCode, out
}

func (w *apiWorld) silences() []pipeline.Silence {
	w.Helper()
	list, err := w.store.Silences(w.Context(), 0)
	if err != nil {
		w.Fatal(err)
	}
	return list
}

func TestAPISilences(t *testing.T) {
	w := newAPI(t)
	status, got := w.ask("POST", "/api/silences", `{"rule": "r", "site": "paper.example", "story": 3, "query": "kim", "for": "2h", "author": "ada", "comment": "drill"}`, nil)
	if status != 201 || got["id"] != 1.0 || got["until"] != "2026-11-22T12:00:00Z" || got["active"] != true {
		t.Fatalf("%d %v", status, got)
	}
	if s := w.silences()[0]; s.Rule != "r" || s.Site != "paper.example" || s.Story != 3 || s.Query != "kim" || s.Author != "ada" || s.Comment != "drill" || !s.Created.Equal(w.now) {
		t.Errorf("%+v", s)
	}
	if status, _ := w.ask("POST", "/api/silences", `{"site": "b.example", "until": "2026-11-23T10:00:00+01:00", "author": "ada"}`, nil); status != 201 {
		t.Errorf("%d", status)
	}
	status, got = w.ask("GET", "/api/silences", "", nil)
	list, _ := got["silences"].([]any)
	if status != 200 || len(list) != 2 || list[0].(map[string]any)["site"] != "b.example" || list[0].(map[string]any)["until"] != "2026-11-23T09:00:00Z" {
		t.Errorf("%d %v", status, got)
	}
	if status, got = w.ask("DELETE", "/api/silences/1", "", nil); status != 200 || got["active"] != false {
		t.Errorf("%d %v", status, got)
	}
	for _, id := range []string{"1", "77", "x", "-1", "99999999999999999999"} {
		if status, got = w.ask("DELETE", "/api/silences/"+id, "", nil); status != 404 || got["error"] == nil {
			t.Errorf("%s: %d %v", id, status, got)
		}
	}
	w.now = w.now.Add(48 * time.Hour)
	if active, err := w.store.ActiveSilences(t.Context(), w.now); err != nil || len(active) != 0 {
		t.Errorf("%v %v", active, err)
	}
}

func TestAPIAck(t *testing.T) {
	w := newAPI(t)
	_, err := w.store.Raise(t.Context(), pipeline.Alert{Rule: "r", Subject: "test:1", Kind: pipeline.KindMatch, About: pipeline.About{Severity: pipeline.Critical},
		Escalate: pipeline.Escalation{To: "night", After: time.Hour}}, []string{"desk"})
	if err != nil {
		t.Fatal(err)
	}
	ds, err := w.store.Deliveries(t.Context(), store.DeliveryFilter{})
	if err != nil || len(ds) != 2 {
		t.Fatal(ds, err)
	}
	if status, got := w.ask("POST", "/api/alerts/"+ds[1].UID+"/ack", `{"by": "ada"}`, nil); status != 200 || got["acknowledged"] != 1.0 || got["escalations_cancelled"] != 1.0 {
		t.Errorf("%d %v", status, got)
	}
	if status, got := w.ask("POST", "/api/alerts/1/ack", `{}`, nil); status != 200 || got["acknowledged"] != 0.0 {
		t.Errorf("a second time: %d %v", status, got)
	}
	for _, id := range []string{"77", "0", "msg_none", "-3", "x"} {
		if status, got := w.ask("POST", "/api/alerts/"+id+"/ack", `{}`, nil); status != 404 || got["error"] == nil {
			t.Errorf("%s: %d %v", id, status, got)
		}
	}
}

// What is wrong with a request is said, and nothing is stored of it.
func TestAPIRefuses(t *testing.T) {
	const good = `{"rule": "r", "for": "1h", "author": "ada"}`
	for _, c := range []struct {
		name, body string
		change     func(*http.Request)
		status     int
		said       string
	}{
		{"no token", good, func(r *http.Request) { r.Header.Del("Authorization") }, 401, "the token is missing or wrong"},
		{"a wrong token", good, header("Authorization", "Bearer "+token+"x"), 401, "the token is missing or wrong"},
		{"half a token", good, header("Authorization", "Bearer "+token[:5]), 401, "the token is missing or wrong"},
		{"an empty token", good, header("Authorization", "Bearer "), 401, "the token is missing or wrong"},
		{"a token as a password", good, func(r *http.Request) { r.SetBasicAuth("x", token) }, 401, "the token is missing or wrong"},
		{"a page elsewhere", good, header("Origin", "https://evil.example"), 403, "page of another origin"},
		{"a page from nowhere", good, header("Origin", "null"), 403, "page of another origin"},
		{"a name that points here", good, func(r *http.Request) { r.Host = "evil.example:8080" }, 403, "not this machine's own name"},
		{"a name that only looks like it", good, func(r *http.Request) { r.Host = "127.0.0.1.evil.example" }, 403, "not this machine's own name"},
		{"a form", "rule=r&for=1h", header("Content-Type", "application/x-www-form-urlencoded"), 415, "send JSON and say so"},
		{"a form as text", good, header("Content-Type", "text/plain"), 415, "send JSON and say so"},
		{"no type", good, func(r *http.Request) { r.Header.Del("Content-Type") }, 415, "send JSON and say so"},
		{"no JSON", "{", nil, 400, "the body cannot be read"},
		{"nothing", " ", nil, 400, "the body cannot be read"},
		{"a list", "[]", nil, 400, "the body cannot be read"},
		{"a key that there is not", `{"rule": "r", "for": "1h", "everything": true}`, nil, 400, `unknown field "everything"`},
		{"two objects", good + good, nil, 400, "something follows"},
		{"a wrong type", `{"rule": 1, "for": "1h"}`, nil, 400, "the body cannot be read"},
		{"too large", `{"rule": "` + strings.Repeat("r", 17<<10) + `"}`, nil, 413, "larger than 16384 bytes"},
		{"no end", `{"rule": "r"}`, nil, 400, "a silence must end"},
		{"two ends", `{"rule": "r", "for": "1h", "until": "2026-11-22T12:00:00Z"}`, nil, 400, "keep one"},
		{"an end that is no time", `{"rule": "r", "until": "tomorrow"}`, nil, 400, "a silence must end"},
		{"a length that is none", `{"rule": "r", "for": "long"}`, nil, 400, "write 90m or 24h"},
		{"an end in the past", `{"rule": "r", "for": "-1h"}`, nil, 400, "still to come"},
		{"an end too far away", `{"rule": "r", "for": "100000h"}`, nil, 400, "366 days at most"},
		{"all alerts", `{"for": "1h"}`, nil, 400, "would keep everything quiet"},
		{"nobody", `{"rule": "r", "for": "1h", "author": " "}`, nil, 400, "say in `author` who wants it quiet"},
		{"a story that there is not", `{"story": 4, "for": "1h", "author": "ada"}`, nil, 400, "there is no story 4"},
		{"a rule that there is not", `{"rule": "rr", "for": "1h", "author": "ada"}`, nil, 400, `there is no rule "rr"`},
		{"a site as an address", `{"site": "https://paper.example/", "for": "1h"}`, nil, 400, "a silence's site is a host"},
		{"a wrong query", `{"query": "kim AND", "for": "1h", "author": "ada"}`, nil, 400, "the query is wrong: a term is missing"},
		{"a long comment", `{"rule": "r", "for": "1h", "comment": "` + strings.Repeat("x", 1001) + `"}`, nil, 400, "longer than 1000 bytes"},
	} {
		w := newAPI(t)
		status, got := w.ask("POST", "/api/silences", c.body, c.change)
		if said, _ := got["error"].(string); status != c.status || !strings.Contains(said, c.said) {
			t.Errorf("%s: %d %v, want %d %q", c.name, status, got, c.status, c.said)
		}
		if n := len(w.silences()); n != 0 {
			t.Errorf("%s: it was stored", c.name)
		}
	}
	w := newAPI(t)
	for _, c := range []struct{ method, path string }{{"GET", "/api/silences"}, {"DELETE", "/api/silences/1"}, {"POST", "/api/alerts/1/ack"}} {
		if status, _ := w.ask(c.method, c.path, "", func(r *http.Request) { r.Header.Del("Authorization") }); status != 401 {
			t.Errorf("%s %s without a token: %d", c.method, c.path, status)
		}
	}
	if status, _ := w.ask("PUT", "/api/silences", "{}", nil); status != 405 {
		t.Errorf("PUT: %d", status)
	}
	if status, _ := w.ask("POST", "/api/silences", good, header("Origin", w.srv.URL)); status != 201 {
		t.Errorf("the desk's own origin: %d", status)
	}
	if status, _ := w.ask("GET", "/api/silences", "", func(r *http.Request) { r.Host = "localhost:" + w.srv.URL[strings.LastIndex(w.srv.URL, ":")+1:] }); status != 200 {
		t.Errorf("localhost: %d", status)
	}
	w.token = ""
	for _, auth := range []string{"Bearer " + token, "Bearer ", ""} {
		if status, got := w.ask("POST", "/api/silences", good, header("Authorization", auth)); status != 403 || !strings.Contains(got["error"].(string), "no `api_token`") {
			t.Errorf("no token is configured: %d %v", status, got)
		}
	}
	if status, _ := w.ask("GET", "/api/silences", "", nil); status != 403 {
		t.Errorf("reading without a configured token: %d", status)
	}
	if status, _ := w.ask("GET", "/healthz", "", func(r *http.Request) { r.Host = "monitor.example" }); status != 200 {
		t.Errorf("health behind a name: %d", status)
	}
}

// A store that does not answer is said without its own words.
func TestAPIWithoutTheStore(t *testing.T) {
	w := newAPI(t)
	w.store.Close()
	status, got := w.ask("GET", "/api/silences", "", nil)
	if status != 503 || got["error"] != "the store did not answer; try again" {
		t.Errorf("%d %v", status, got)
	}
}

// A desk that others reach answers under whatever name leads to it.
func TestAPIBehindAName(t *testing.T) {
	w := newAPI(t)
	r := httptest.NewRequestWithContext(context.WithValue(t.Context(), http.LocalAddrContextKey, net.Addr(&net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 80})), "GET", "/api/silences", nil)
	r.Host = "wirewatch.example"
	r.Header.Set("Authorization", "Bearer "+token)
	rec := httptest.NewRecorder()
	w.srv.Config.Handler.ServeHTTP(rec, r)
	if rec.Code != 200 {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
}

// header is a request's change: it gets a header.
func header(name, value string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set(name, value) }
}
