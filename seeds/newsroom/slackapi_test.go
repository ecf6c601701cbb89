package newsroom

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

// call calls a method with a form and gives the answer's body.
func call(h http.Handler, method string, args ...string) (int, string) {
	v := url.Values{}
	for i := 0; i+1 < len(args); i += 2 {
		v.Set(args[i], args[i+1])
	}
	r := httptest.NewRequest(http.MethodPost, "/api/"+method, strings.NewReader(v.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Code, strings.TrimSpace(w.Body.String())
}

const slackRich = `[{"type":"rich_text","block_id":"m","elements":[{"type":"rich_text_section","elements":[{"type":"text","text":"a","style":{"bold":true}},{"type":"link","url":"https://example.org","text":"b"}]}]}]`

func TestSlackAPI(t *testing.T) {
	clock := time.Unix(1_800_000_000, 0)
	s := NewSlackAPI("xoxb-1", func() time.Time { return clock }, "C1")
	post := func(args ...string) string {
		clock = clock.Add(time.Second)
		_, body := call(s, "chat.postMessage", append([]string{"token", "xoxb-1", "channel", "C1", "text", "a", "blocks", slackRich}, args...)...)
		return body
	}
	if got := post(); !strings.Contains(got, `"ok":true`) {
		t.Fatal(got)
	}
	first := s.Posts()[0].TS
	if got := post("thread_ts", first); !strings.Contains(got, `"ok":true`) || s.Posts()[1].ThreadTS != first {
		t.Fatal(got, s.Posts())
	}
	if _, got := call(s, "chat.update", "token", "xoxb-1", "channel", "C1", "ts", first, "text", "b", "blocks", slackRich, "parse", "none"); !strings.Contains(got, `"ok":true`) || s.Posts()[0].Text != "b" {
		t.Fatal(got)
	}
	if bad := s.Violations(); len(bad) > 0 {
		t.Fatal(bad)
	}
	for name, c := range map[string]struct {
		args []string
		word string
	}{
		"token":     {[]string{"token", "xoxb-2"}, "invalid_auth"},
		"no token":  {[]string{"token", ""}, "not_authed"},
		"channel":   {[]string{"channel", "C2"}, "channel_not_found"},
		"no text":   {[]string{"text", " "}, "no_text"},
		"blocks":    {[]string{"blocks", "x"}, "invalid_blocks_format"},
		"mention":   {[]string{"blocks", strings.Replace(slackRich, `"type":"text","text":"a"`, `"type":"broadcast","range":"here"`, 1)}, "invalid_blocks"},
		"user":      {[]string{"blocks", strings.Replace(slackRich, `"type":"text"`, `"type":"user"`, 1)}, "invalid_blocks"},
		"style":     {[]string{"blocks", strings.Replace(slackRich, `"bold"`, `"blink"`, 1)}, "invalid_blocks"},
		"link":      {[]string{"blocks", strings.Replace(slackRich, `https://example.org`, `javascript:alert(1)`, 1)}, "invalid_blocks"},
		"empty":     {[]string{"blocks", strings.Replace(slackRich, `"text":"a"`, `"text":""`, 1)}, "invalid_blocks"},
		"same id":   {[]string{"blocks", strings.Replace(slackRich, "]}]}]", "]}]},"+slackRich[1:], 1)}, "invalid_blocks"},
		"names":     {[]string{"link_names", "true"}, "invalid_arguments"},
		"broadcast": {[]string{"reply_broadcast", "true", "thread_ts", first}, "invalid_arguments"},
		"unknown":   {[]string{"shout", "1"}, "invalid_arguments"},
		"thread":    {[]string{"thread_ts", "1.2"}, "thread_not_found"},
		"of reply":  {[]string{"thread_ts", s.Posts()[1].TS}, "thread_not_found"},
	} {
		n := len(s.Violations())
		if got := post(c.args...); got != fmt.Sprintf(`{"error":%q,"ok":false}`, c.word) || len(s.Violations()) == n {
			t.Errorf("%s: %s, want %s", name, got, c.word)
		}
	}

	s = NewSlackAPI("xoxb-1", func() time.Time { return clock }, "C1", "C2")
	good := []string{"token", "xoxb-1", "channel", "C1", "text", "a", "blocks", slackRich}
	call(s, "chat.postMessage", good...)
	if code, got := call(s, "chat.postMessage", good...); code != 429 || !strings.Contains(got, "ratelimited") {
		t.Errorf("burst: %d %s", code, got)
	}
	if code, _ := call(s, "chat.postMessage", append(good, "channel", "C2")...); code != 200 {
		t.Errorf("another channel: %d", code)
	}
	clock = clock.Add(500 * time.Millisecond)
	if code, _ := call(s, "chat.postMessage", good...); code != 429 || len(s.Violations()) != 1 {
		t.Errorf("too early: %d %v", code, s.Violations())
	}
	clock = clock.Add(time.Second)
	if code, _ := call(s, "chat.postMessage", good...); code != 200 {
		t.Errorf("after the wait: %d", code)
	}
	edit := append(good, "ts", s.Posts()[0].TS, "parse", "none")
	for range slackEdits {
		if code, got := call(s, "chat.update", edit...); code != 200 || !strings.Contains(got, `"ok":true`) {
			t.Fatalf("edit: %d %s", code, got)
		}
	}
	if code, _ := call(s, "chat.update", edit...); code != 429 {
		t.Errorf("51 edits a minute: %d", code)
	}
	s.Delete(s.Posts()[0].TS)
	clock = clock.Add(time.Minute)
	if _, got := call(s, "chat.update", edit...); !strings.Contains(got, "message_not_found") {
		t.Errorf("deleted: %s", got)
	}
}
