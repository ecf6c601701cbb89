package desk

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"wirewatch/pipeline"
)

// Feeds serves each rule's latest alerts as RSS at /rules/RULE/feed.xml.
//
// With a token, a request must carry it: in the header as for the API, or as ?token=, since feed readers send no headers. Without one
// the feeds are there on loopback alone. A page in somebody's browser is refused as the API refuses it.
type Feeds struct {
	// Of makes a rule's document; self is its own address, without a token. It says the same as long as there is no news, so that a
	// reader need not fetch it again. false: there is no rule of that name.
	Of    func(ctx context.Context, rule, self string) ([]byte, bool, error)
	Token func() pipeline.Secret // as configured now
}

// routes adds the feeds to mux.
func (f *Feeds) routes(mux *http.ServeMux) {
	mux.HandleFunc("GET /rules/{rule}/feed.xml", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), apiTime)
		defer cancel()
		doc, err := f.read(r.WithContext(ctx))
		h := w.Header()
		h.Set("Cache-Control", "private") // what a rule looks for is nobody else's business
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("X-Content-Type-Options", "nosniff")
		var p *problem
		switch {
		case errors.As(err, &p):
			if p.status == http.StatusUnauthorized {
				h.Set("WWW-Authenticate", `Bearer realm="wirewatch"`)
			}
			http.Error(w, p.msg, p.status)
		case err != nil: // the store's own words are not for the network
			http.Error(w, "the store did not answer; try again", http.StatusServiceUnavailable)
		default:
			h.Set("Content-Type", "application/rss+xml; charset=utf-8")
			h.Set("ETag", fmt.Sprintf(`"%x"`, sha256.Sum256(doc)))
			http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(doc))
		}
	})
}

func (f *Feeds) read(r *http.Request) ([]byte, error) {
	if err := f.allow(r); err != nil {
		return nil, err
	}
	rule := r.PathValue("rule")
	doc, known, err := f.Of(r.Context(), rule, "http://"+r.Host+"/rules/"+url.PathEscape(rule)+"/feed.xml")
	if err == nil && !known {
		err = refuse(http.StatusNotFound, "there is no rule %q in the configuration; `wirewatch rules check` lists what is wrong with rules, and a / in a name is written %%2F in an address", rule)
	}
	return doc, err
}

// allow says whether a request may go on.
func (f *Feeds) allow(r *http.Request) error {
	if err := notStrange(r); err != nil {
		return err
	}
	want := f.Token()
	if want.IsZero() {
		if !onLoopback(r) {
			return refuse(http.StatusForbidden, "there is no `api_token` in the configuration, so the feeds can be read on the machine itself only")
		}
		return nil
	}
	got, ok := bearer(r)
	if !ok {
		got = strings.ReplaceAll(r.URL.Query().Get("token"), " ", "+") // no token has white space, many have a + that nobody escaped
	}
	if !same(got, want) {
		return refuse(http.StatusUnauthorized, "the token is missing or wrong: send `Authorization: Bearer TOKEN`, or ?token=TOKEN behind the address, with the `api_token` of the configuration")
	}
	return nil
}
