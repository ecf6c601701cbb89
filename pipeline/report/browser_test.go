package report

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// A real browser asks for nothing beside the page, and has nothing to object to: whatever name a request went to would end at the test's
// server. The second page, which breaks its own policy, shows that objections are heard.
func TestBrowser(t *testing.T) {
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("there is no chromium to open the page in")
	}
	page := pageOf(t, hostile())
	visit := func(t *testing.T, page string) (asked []string, said string) {
		var mu sync.Mutex
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			defer mu.Unlock()
			if asked = append(asked, r.Host+r.URL.String()); r.URL.Path == "/report.html" {
				w.Write([]byte(page))
			}
		}))
		defer srv.Close()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		addr := srv.Listener.Addr().String()
		var out, words bytes.Buffer
		c := exec.CommandContext(ctx, chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
			"--disable-component-update", "--disable-sync", "--user-data-dir="+t.TempDir(), "--host-resolver-rules=MAP * "+addr, "--enable-logging=stderr",
			"--dump-dom", "http://report.example/report.html")
		c.Stdout, c.Stderr, c.WaitDelay = &out, &words, 5*time.Second
		if err := c.Run(); err != nil {
			t.Fatalf("chromium: %v\n%s", err, words.String())
		}
		if !strings.Contains(out.String(), "<h1>News report</h1>") {
			t.Fatalf("chromium does not show the page:\n%s", words.String())
		}
		for l := range strings.Lines(words.String()) {
			if strings.Contains(l, "CONSOLE") {
				said += l
			}
		}
		mu.Lock()
		defer mu.Unlock()
		return slices.DeleteFunc(asked, func(a string) bool { return !strings.HasPrefix(a, "report.example/") && !strings.Contains(a, "evil") }), said
	}
	t.Run("page", func(t *testing.T) {
		t.Parallel()
		if asked, said := visit(t, page); len(asked) != 1 || said != "" {
			t.Errorf("asked for %q, said %q", asked, said)
		}
	})
	t.Run("broken", func(t *testing.T) {
		t.Parallel()
		broken := strings.Replace(page, "<main>", `<main><img src="http://evil.example/pixel.png"><script>alert(1)</script>`, 1)
		if asked, said := visit(t, broken); len(asked) != 1 || !strings.Contains(said, "Content Security Policy") {
			t.Errorf("asked for %q, said %q", asked, said)
		}
	})
}
