package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"wirewatch/seeds/newsroom"
)

// The scripts under testdata/script run the true command as a person does. What they find in their environment:
//
//	SITE        a news site: /feed.xml (four articles, one with the word zirconium, one whose page is gone), /page.html
//	            (announces the feed), /plain.html (announces none), /hidden.html (a link full of control characters)
//	OTHER       another site: /feed.xml with one article, the first one's text in other paragraphs; its page changes once it was read
//	HOOK, KEY   a webhook receiver that verifies signatures, and its secret
//	SLACK       a Slack stand-in
//	REFUSES     a receiver that answers 400
//	IN6DAYS, IN9DAYS  days to come
//
// and the commands `told hook N`, `told slack N` (so many messages, all of them right), `heard hook TEXT` (it stands in a message) and `jsonl FILE` (every line parses,
// there is at least one).
const scriptKey = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo="

func TestScripts(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	bin := t.TempDir()
	if err := os.Symlink(self, filepath.Join(bin, "wirewatch")); err != nil {
		t.Fatal(err)
	}
	if found, _ := filepath.Glob("testdata/script/*.txtar"); len(found) == 0 {
		t.Fatal("there are no scripts")
	}
	type receivers struct {
		hook  *newsroom.Webhook
		slack *newsroom.SlackHook
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(e *testscript.Env) error {
			hook, err := newsroom.NewWebhook(scriptKey, time.Now)
			if err != nil {
				return err
			}
			r := &receivers{hook, newsroom.NewSlackHook(time.Now)}
			e.Values["receivers"] = r
			serve := func(name string, h http.Handler) {
				s := httptest.NewServer(h)
				e.Defer(s.Close)
				e.Setenv(name, s.URL)
			}
			serve("SITE", scriptSite(time.Now()))
			serve("OTHER", otherSite(time.Now()))
			serve("HOOK", r.hook)
			serve("SLACK", r.slack)
			serve("REFUSES", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadRequest) }))
			e.Setenv("KEY", scriptKey)
			for _, n := range []int{6, 9} {
				e.Setenv(fmt.Sprintf("IN%dDAYS", n), time.Now().UTC().AddDate(0, 0, n).Format(time.DateOnly))
			}
			e.Setenv("WIREWATCH_TEST_MAIN", "1")
			e.Setenv("GORACE", os.Getenv("GORACE"))
			e.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH"))
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"told": func(ts *testscript.TestScript, neg bool, args []string) {
				if neg || len(args) != 2 {
					ts.Fatalf("usage: told hook|slack N")
				}
				want, err := strconv.Atoi(args[1])
				ts.Check(err)
				r := ts.Value("receivers").(*receivers)
				var got, wrong = len(r.hook.Messages()), r.hook.Violations()
				if args[0] == "slack" {
					got, wrong = len(r.slack.Messages()), r.slack.Violations()
				}
				if len(wrong) > 0 {
					ts.Fatalf("the %s receiver objects: %s", args[0], strings.Join(wrong, "\n"))
				}
				if got != want {
					ts.Fatalf("the %s receiver took %d messages, want %d", args[0], got, want)
				}
			},
			"heard": func(ts *testscript.TestScript, neg bool, args []string) {
				if len(args) != 2 {
					ts.Fatalf("usage: heard hook|slack TEXT")
				}
				r := ts.Value("receivers").(*receivers)
				var all []string
				for _, m := range r.hook.Messages() {
					if args[0] == "hook" {
						all = append(all, string(m.Body))
					}
				}
				for _, m := range r.slack.Messages() {
					if args[0] == "slack" {
						all = append(all, string(m.Raw))
					}
				}
				text := strings.Join(all, "\n")
				if strings.Contains(text, args[1]) == neg {
					ts.Fatalf("the %s receiver heard:\n%s", args[0], text)
				}
			},
			"jsonl": func(ts *testscript.TestScript, neg bool, args []string) {
				if neg || len(args) < 1 {
					ts.Fatalf("usage: jsonl FILE [KEY...]")
				}
				lines := bufio.NewScanner(strings.NewReader(ts.ReadFile(args[0])))
				n := 0
				for ; lines.Scan(); n++ {
					var m map[string]any
					if err := json.Unmarshal(lines.Bytes(), &m); err != nil {
						ts.Fatalf("line %d: %v: %s", n+1, err, lines.Text())
					}
					for _, k := range args[1:] {
						if v, ok := m[k]; !ok || v == nil {
							ts.Fatalf("line %d has no %q: %s", n+1, k, lines.Text())
						}
					}
				}
				if n == 0 {
					ts.Fatalf("%s has no lines", args[0])
				}
			},
		},
	})
}

// scriptSite is the news site of the scripts. Its articles are minutes old.
func scriptSite(now time.Time) http.Handler {
	mux := http.NewServeMux()
	articles := []struct{ slug, title, extra string }{
		{"metals", "Port inspectors open nine containers", "Inspectors listed zirconium among the goods."},
		{"harvest", "Harvest begins two weeks early", "Farmers blamed a dry spring."},
		{"bridge", "Old bridge reopens after repairs", "Cyclists were first across."},
	}
	mux.HandleFunc("GET /feed.xml", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/rss+xml")
		fmt.Fprintf(w, `<?xml version="1.0"?><rss version="2.0"><channel><title>Script Post</title><link>http://%s/</link>`, r.Host)
		for i, a := range articles {
			fmt.Fprintf(w, `<item><title>%s</title><link>http://%s/a/%s</link><guid>%s</guid><pubDate>%s</pubDate></item>`,
				a.title, r.Host, a.slug, a.slug, now.Add(-time.Duration(i+1)*time.Minute).UTC().Format(time.RFC1123Z))
		}
		fmt.Fprintf(w, `<item><title>Gone `+"\u202e"+`page</title><link>http://%s/a/gone</link><guid>gone</guid><pubDate>%s</pubDate></item></channel></rss>`,
			r.Host, now.Add(-10*time.Minute).UTC().Format(time.RFC1123Z))
	})
	for n, a := range articles {
		mux.HandleFunc("GET /a/"+a.slug, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			fmt.Fprintf(w, `<!doctype html><html lang="en"><head><title>%[1]s</title></head><body><nav><a href="/">Home</a></nav><article><h1>%[1]s</h1>`, a.title)
			for p := range 4 {
				fmt.Fprintf(w, "<p>%s</p>", prose(900, n, p))
			}
			fmt.Fprintf(w, `<p>%s %s</p></article></body></html>`, a.extra, prose(900, n, 9))
		})
	}
	page := func(path, head string) {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			fmt.Fprintf(w, `<!doctype html><html><head><title>Front</title>%s</head><body><p>Welcome.</p></body></html>`, head)
		})
	}
	page("/page.html", `<link rel="alternate" type="application/rss+xml" title="All news" href="/feed.xml">`)
	page("/hidden.html", `<link rel="alternate" type="application/rss+xml" title="`+"\u001b]0;owned\u0007 \u202enews"+`" href="/feed.xml">`)
	page("/plain.html", "")
	return mux
}

// otherSite carries the first article of scriptSite under a headline of its own. Its page changes when it was read.
func otherSite(now time.Time) http.Handler {
	mux := http.NewServeMux()
	var read atomic.Int64
	const title = "Nine containers opened at port"
	mux.HandleFunc("GET /feed.xml", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/atom+xml")
		fmt.Fprintf(w, `<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom"><title>Other Post</title><entry><title>%s</title><id>metals</id><link href="http://%s/b/metals"/>
<published>%s</published></entry></feed>`, title, r.Host, now.Add(-time.Minute).UTC().Format(time.RFC3339))
	})
	mux.HandleFunc("GET /b/metals", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprintf(w, `<!doctype html><html lang="en"><head><title>%[1]s</title></head><body><article><h1>%[1]s</h1>`, title)
		for p := range 4 {
			fmt.Fprintf(w, "<p>%s</p>", prose(900, 0, p))
		}
		last := prose(900, 0, 9)
		if read.Add(1) > 1 {
			last = "Customs officers sealed the berth on Friday. " + last
		}
		fmt.Fprintf(w, `<p>Inspectors listed zirconium. %s</p></article></body></html>`, last)
	})
	return mux
}
