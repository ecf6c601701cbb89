package desk

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"wirewatch/pipeline"
)

// APIStore is what the API needs of the store.
type APIStore interface {
	// Silences lists the last silences, the newest first; n 0: 100.
	Silences(ctx context.Context, n int) ([]pipeline.Silence, error)
	// AddSilence stores a silence that begins now.
	AddSilence(ctx context.Context, s pipeline.Silence) (pipeline.Silence, error)
	// EndSilence ends a silence in force; false: there is none of that ID.
	EndSilence(ctx context.Context, id int64) (bool, error)
	// Acknowledge notes that a person has seen the alert of a delivery, named by its ID or, with 0, by its message's id.
	Acknowledge(ctx context.Context, id int64, uid, by string) (pipeline.Acknowledged, error)
}

// API is what can be changed over HTTP: silences and acknowledgements. All of it wants the token, reading too: queries and comments are
// nobody else's business. Without a token it is closed.
//
// A page in somebody's browser cannot use it: it knows no token; a request that carries a page's Origin is refused unless that is the
// desk itself; bodies must be declared as JSON, which no form can do; and on loopback a Host that does not name loopback is refused, so
// that no name of a stranger's can be pointed there.
type API struct {
	Store      APIStore
	Token      func() pipeline.Secret // as configured now; zero: the API is closed
	CheckQuery func(query string) error
	KnownRule  func(name string) bool                            // whether the configuration has it; nil: not known
	KnownStory func(ctx context.Context, id int64) (bool, error) // whether the store has it; nil: not known
	Now        func() time.Time
}

const (
	maxBody = 16 << 10
	apiTime = 10 * time.Second
)

// A Silence as JSON. Times are RFC 3339 in UTC, or "".
type Silence struct {
	ID      int64  `json:"id"`
	Rule    string `json:"rule"`
	Site    string `json:"site"`
	Story   int64  `json:"story"`
	Query   string `json:"query"`
	Created string `json:"created"`
	Until   string `json:"until"`
	Ended   string `json:"ended"`
	Active  bool   `json:"active"`
	Author  string `json:"author"`
	Comment string `json:"comment"`
	Kept    int    `json:"kept_quiet"`
}

// ShowSilence is a silence as JSON at a moment.
func ShowSilence(s pipeline.Silence, now time.Time) Silence {
	stamp := func(t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return t.UTC().Format(time.RFC3339)
	}
	return Silence{s.ID, s.Rule, s.Site, s.Story, s.Query, stamp(s.Created), stamp(s.Until), stamp(s.Ended), s.Active(now), s.Author, s.Comment, s.Kept}
}

// routes adds the API to mux.
func (a *API) routes(mux *http.ServeMux) {
	for pattern, do := range map[string]func(*http.Request) (int, any, error){
		"GET /api/silences": a.list, "POST /api/silences": a.add, "DELETE /api/silences/{id}": a.end, "POST /api/alerts/{id}/ack": a.ack,
	} {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			ctx, cancel := context.WithTimeout(r.Context(), apiTime)
			defer cancel()
			r = r.WithContext(ctx)
			r.Body = http.MaxBytesReader(w, r.Body, maxBody)
			status, answer, err := 0, any(nil), a.allow(r)
			if err == nil {
				status, answer, err = do(r)
			}
			w.Header().Set("Cache-Control", "no-store")
			var p *problem
			switch {
			case errors.As(err, &p):
				status, answer = p.status, map[string]string{"error": p.msg}
				if status == http.StatusUnauthorized {
					w.Header().Set("WWW-Authenticate", `Bearer realm="wirewatch"`)
				}
			case err != nil: // the store's own words are for the log, not for the network
				status, answer = http.StatusServiceUnavailable, map[string]string{"error": "the store did not answer; try again"}
			}
			w.Header().Set("Content-Type", "application/json; charset=utf-8")
			w.Header().Set("X-Content-Type-Options", "nosniff")
			w.WriteHeader(status)
			_ = json.NewEncoder(w).Encode(answer) // whoever asked may be gone
		})
	}
}

// allow says whether a request may go on.
func (a *API) allow(r *http.Request) error {
	if err := notStrange(r); err != nil {
		return err
	}
	want := a.Token()
	if want.IsZero() {
		return refuse(http.StatusForbidden, "there is no `api_token` in the configuration, so nothing can be read or changed here; `wirewatch alerts silence` and `wirewatch alerts ack` do it on the machine itself")
	}
	if got, ok := bearer(r); !ok || !same(got, want) {
		return refuse(http.StatusUnauthorized, "the token is missing or wrong: send `Authorization: Bearer TOKEN` with the `api_token` of the configuration")
	}
	return nil
}

// body reads a JSON object.
func body(r *http.Request, v any) error {
	if t, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || t != "application/json" {
		return refuse(http.StatusUnsupportedMediaType, "send JSON and say so: Content-Type: application/json")
	}
	dec := json.NewDecoder(r.Body)
	dec.DisallowUnknownFields()
	err := dec.Decode(v)
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return refuse(http.StatusRequestEntityTooLarge, "the body is larger than %d bytes", large.Limit)
	case err != nil:
		return refuse(http.StatusBadRequest, "the body cannot be read: %s", strings.TrimPrefix(err.Error(), "json: "))
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return refuse(http.StatusBadRequest, "something follows the JSON object")
	}
	return nil
}

func (a *API) list(r *http.Request) (int, any, error) {
	list, err := a.Store.Silences(r.Context(), 0)
	out := make([]Silence, len(list))
	for i, s := range list {
		out[i] = ShowSilence(s, a.Now())
	}
	return http.StatusOK, map[string]any{"silences": out}, err
}

func (a *API) add(r *http.Request) (int, any, error) {
	var in struct {
		Rule    string `json:"rule"`
		Site    string `json:"site"`
		Story   int64  `json:"story"`
		Query   string `json:"query"`
		For     string `json:"for"`   // a duration: 2h
		Until   string `json:"until"` // or a time, RFC 3339
		Author  string `json:"author"`
		Comment string `json:"comment"`
	}
	if err := body(r, &in); err != nil {
		return 0, nil, err
	}
	s := pipeline.Silence{Rule: in.Rule, Site: in.Site, Story: in.Story, Query: in.Query, Author: in.Author, Comment: in.Comment}
	var err error
	switch {
	case in.For != "" && in.Until != "":
		return 0, nil, refuse(http.StatusBadRequest, "`for` and `until` both say when the silence ends; keep one")
	case in.For != "":
		var length time.Duration
		if length, err = time.ParseDuration(in.For); err != nil {
			return 0, nil, refuse(http.StatusBadRequest, "`for` is no duration: write 90m or 24h")
		}
		s.Until = a.Now().Add(length)
	default:
		if s.Until, err = time.Parse(time.RFC3339, in.Until); err != nil {
			return 0, nil, refuse(http.StatusBadRequest, "a silence must end: say `for`, such as 2h, or `until`, a time such as 2026-11-22T18:00:00Z")
		}
	}
	if err := s.Check(a.Now()); err != nil {
		return 0, nil, refuse(http.StatusBadRequest, "%s", err)
	}
	if strings.TrimSpace(s.Author) == "" {
		return 0, nil, refuse(http.StatusBadRequest, "say in `author` who wants it quiet: whoever misses an alert will ask")
	}
	if s.Rule != "" && a.KnownRule != nil && !a.KnownRule(s.Rule) {
		return 0, nil, refuse(http.StatusBadRequest, "there is no rule %q in the configuration", s.Rule)
	}
	if s.Story != 0 && a.KnownStory != nil {
		if known, err := a.KnownStory(r.Context(), s.Story); err != nil {
			return 0, nil, err
		} else if !known {
			return 0, nil, refuse(http.StatusBadRequest, "there is no story %d; `wirewatch stories list` shows them", s.Story)
		}
	}
	if s.Query != "" {
		if err := a.CheckQuery(s.Query); err != nil {
			return 0, nil, refuse(http.StatusBadRequest, "the query is wrong: %s", err)
		}
	}
	if s, err = a.Store.AddSilence(r.Context(), s); err != nil {
		return 0, nil, err
	}
	return http.StatusCreated, ShowSilence(s, a.Now()), nil
}

func (a *API) end(r *http.Request) (int, any, error) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil || id <= 0 {
		return 0, nil, refuse(http.StatusNotFound, "%q is no silence's id", r.PathValue("id"))
	}
	ok, err := a.Store.EndSilence(r.Context(), id)
	if err != nil {
		return 0, nil, err
	}
	if !ok {
		return 0, nil, refuse(http.StatusNotFound, "there is no silence %d in force", id)
	}
	return http.StatusOK, map[string]any{"id": id, "active": false}, nil
}

func (a *API) ack(r *http.Request) (int, any, error) {
	var in struct {
		By string `json:"by"`
	}
	if err := body(r, &in); err != nil {
		return 0, nil, err
	}
	uid := r.PathValue("id")
	id, err := strconv.ParseInt(uid, 10, 64)
	if err != nil || id <= 0 {
		if id = 0; !strings.HasPrefix(uid, "msg_") {
			return 0, nil, refuse(http.StatusNotFound, "%q is neither the ID of a delivery nor the id of a message", uid)
		}
	}
	got, err := a.Store.Acknowledge(r.Context(), id, uid, in.By)
	if err != nil {
		return 0, nil, err
	}
	if !got.Known {
		return 0, nil, refuse(http.StatusNotFound, "there is no such delivery")
	}
	return http.StatusOK, map[string]any{"acknowledged": got.Alerts, "escalations_cancelled": got.Escalations}, nil
}
