package alerts

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"wirewatch/pipeline"
	"wirewatch/seeds/newsroom"
)

const slackToken, slackChannel = "xoxb-1234-token", "C0123ABCD"

// newWorkspace makes a workspace whose clock moves on by a second with every call, and a channel that posts to it.
func newWorkspace(t *testing.T) (*newsroom.SlackAPI, pipeline.Channel) {
	t.Helper()
	clock := now
	api := newsroom.NewSlackAPI(slackToken, func() time.Time { clock = clock.Add(time.Second); return clock }, slackChannel, "C0OTHER99")
	srv := httptest.NewServer(api)
	t.Cleanup(srv.Close)
	t.Cleanup(func() {
		if bad := api.Violations(); len(bad) > 0 {
			t.Error(bad)
		}
	})
	return api, appChannel(t, srv.URL)
}

func appChannel(t *testing.T, url string) pipeline.Channel {
	t.Helper()
	return mustChannel(t, fmt.Sprintf("kind: slack_app\nurl: %s/api/\ntoken: %s\nchannel: %s", url, slackToken, slackChannel))
}

func send(t *testing.T, ch pipeline.Channel, d pipeline.Delivery) (ref string) {
	t.Helper()
	ref, err := ch.Send(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

// blocksOf are the block ids and the words of a post.
func blocksOf(t *testing.T, p newsroom.SlackPost) (ids []string, words string) {
	t.Helper()
	var bs []slackBlock
	if err := json.Unmarshal(p.Blocks, &bs); err != nil {
		t.Fatal(err)
	}
	for _, b := range bs {
		ids = append(ids, b.BlockID)
	}
	return ids, elementTexts(p.Blocks)
}

// Every sample is within the limits, carries its id, and is named after it was sent.
func TestSlackAppSends(t *testing.T) {
	api, ch := newWorkspace(t)
	if ch.Pace() != time.Second {
		t.Errorf("pace %s", ch.Pace())
	}
	all := samples()
	for name, d := range largest() {
		all["largest "+name] = d
	}
	for name, d := range all {
		ref := send(t, ch, d)
		posts := api.Posts()
		p := posts[len(posts)-1]
		ids, _ := blocksOf(t, p)
		if ids[0] != clip(d.UID, slackBlockID-10) || ref != slackChannel+"/"+p.TS || p.ThreadTS != "" {
			t.Errorf("%s: %q, %q, %+v", name, ids, ref, p)
		}
	}
	for _, c := range hostile {
		send(t, ch, delivery("msg_h", c.title, "$^", pipeline.Article{URL: "https://h.example/", Site: "h.example", SiteName: c.title, Title: c.title, Body: c.title}))
	}
}

// Updates go into the thread of the first message, unless the rule wants them apart or that message is not to be found.
func TestSlackAppThreads(t *testing.T) {
	api, ch := newWorkspace(t)
	first := samples()["english"]
	ref := send(t, ch, first)
	root := api.Posts()[0].TS
	update := samples()["corrected"]
	update.Alert.Update.UID, update.Alert.Update.Ref = first.UID, ref
	reply := send(t, ch, update)
	if want := fmt.Sprintf("%s/%s/%s", slackChannel, api.Posts()[1].TS, root); reply != want || api.Posts()[1].ThreadTS != root {
		t.Errorf("reply %q, want %q", reply, want)
	}
	if _, words := blocksOf(t, api.Posts()[1]); !strings.Contains(words, "[CORRECTED]") {
		t.Error(words)
	}
	for what, c := range map[string]struct {
		ref      string
		separate bool
		thread   string
	}{
		"separate":                      {ref, true, ""},
		"no name":                       {"", false, ""},
		"a reply's name":                {reply, false, root},
		"in another channel":            {"C0OTHER99/" + root, false, ""},
		"a name that another kind gave": {"<msg@h.example>", false, ""},
	} {
		update.Alert.Update.Ref, update.Alert.Update.Separate = c.ref, c.separate
		send(t, ch, update)
		if posts := api.Posts(); posts[len(posts)-1].ThreadTS != c.thread {
			t.Errorf("%s: in thread %q, want %q", what, posts[len(posts)-1].ThreadTS, c.thread)
		}
	}
}

// That a story has grown is shown in the first message and told in its thread. A repetition leaves the first message as it is and
// replies with the same id.
func TestSlackAppGrowth(t *testing.T) {
	api, ch := newWorkspace(t)
	grown := samples()["growth"]
	first := grown
	first.UID, first.Alert.Kind, first.Alert.Update, first.Alert.Outlets = "msg_first", pipeline.KindMatch, nil, nil
	grown.Alert.Update.Ref = send(t, ch, first)
	before, _ := blocksOf(t, api.Posts()[0])
	for i := range 2 {
		send(t, ch, grown)
		posts := api.Posts()
		ids, words := blocksOf(t, posts[0])
		if posts[0].Edits != i+1 || !strings.Contains(words, "Also carried by 2 others:") || strings.Contains(words, "UPDATE") {
			t.Errorf("the first message after %d edits: %s", posts[0].Edits, words)
		}
		for _, id := range ids {
			if !strings.HasPrefix(id, "msg_first") || slices.Contains(before, id) {
				t.Errorf("block %q of the edited message, which had %q", id, before)
			}
		}
		ids, words = blocksOf(t, posts[1+i])
		if posts[1+i].ThreadTS != posts[0].TS || ids[0] != grown.UID || !strings.Contains(words, "has grown since") {
			t.Errorf("reply %q in %q: %s", ids, posts[1+i].ThreadTS, words)
		}
	}
	// In messages of their own the first one is edited all the same.
	apart := grown
	u := *grown.Alert.Update
	u.Separate = true
	apart.Alert.Update = &u
	send(t, ch, apart)
	if posts := api.Posts(); posts[3].ThreadTS != "" || posts[0].Edits != 3 {
		t.Errorf("%+v", posts)
	}
	// A digest of what became of the story goes into the thread; a digest that told first is never edited into the message of one story.
	more := grown
	u2 := *grown.Alert.Update
	u2.Outlets = 3
	more.UID, more.Alert.Update = "msg_more", &u2
	more.Alert.Outlets = append(slices.Clone(grown.Alert.Outlets), pipeline.Outlet{Site: "third.example", URL: "https://third.example/"})
	send(t, ch, digest("msg_together", grown, more))
	if posts := api.Posts(); posts[4].ThreadTS != posts[0].TS || posts[0].Edits != 4 {
		t.Errorf("%+v", posts)
	} else if _, words := blocksOf(t, posts[0]); !strings.Contains(words, "Also carried by 3 others:") {
		t.Error(words)
	}
	inDigest := grown
	u3 := *grown.Alert.Update
	u3.Digest = true
	inDigest.Alert.Update = &u3
	send(t, ch, inDigest)
	if posts := api.Posts(); posts[5].ThreadTS != posts[0].TS || posts[0].Edits != 4 {
		t.Errorf("%+v", posts)
	}
	// Where retention took the text, the first message keeps what it shows.
	pruned := grown
	pruned.Alert.Article.Pruned = true
	send(t, ch, pruned)
	if posts := api.Posts(); posts[6].ThreadTS != posts[0].TS || posts[0].Edits != 4 {
		t.Errorf("%+v", posts)
	}
	// A person deleted the first message.
	api.Delete(api.Posts()[0].TS)
	send(t, ch, grown)
	if posts := api.Posts(); posts[len(posts)-1].ThreadTS != "" {
		t.Errorf("%+v", posts[len(posts)-1])
	}
}

// What is no yes is none, and each refusal has its verdict.
func TestSlackAppAnswers(t *testing.T) {
	no := func(word string) string { return `{"ok":false,"error":"` + word + `"}` }
	checkAnswers(t, []answerCase{
		{200, "", "", pipeline.Retry, "no yes", 0},
		{200, "ok", "", pipeline.Retry, "no yes", 0},
		{200, "<html>login</html>", "", pipeline.Retry, "no yes", 0},
		{200, `{}`, "", pipeline.Retry, "no yes", 0},
		{200, `{"ok":false}`, "", pipeline.Retry, "no yes", 0},
		{200, `{"ok":true}`, "", pipeline.Retry, "no yes", 0},
		{200, `{"ok":true,"ts":`, "", pipeline.Retry, "no yes", 0},
		{200, no("msg_too_long"), "", pipeline.Final, "msg_too_long", 0},
		{200, no("invalid_blocks"), "", pipeline.Final, "invalid_blocks", 0},
		{200, no("something_new"), "", pipeline.Final, "something_new", 0},
		{200, no("invalid_auth"), "", pipeline.Gone, "invalid_auth", 0},
		{200, no("token_revoked"), "", pipeline.Gone, "token_revoked", 0},
		{200, no("account_inactive"), "", pipeline.Gone, "account_inactive", 0},
		{200, no("missing_scope"), "", pipeline.Gone, "missing_scope", 0},
		{200, no("channel_not_found"), "", pipeline.Gone, "channel_not_found", 0},
		{200, no("not_in_channel"), "", pipeline.Gone, "not_in_channel", 0},
		{200, no("is_archived"), "", pipeline.Gone, "is_archived", 0},
		{200, no("restricted_action"), "", pipeline.Gone, "restricted_action", 0},
		{200, no("fatal_error"), "", pipeline.Retry, "fatal_error", 0},
		{200, no("internal_error"), "", pipeline.Retry, "internal_error", 0},
		{200, no("ratelimited"), "", pipeline.Throttled, "ratelimited", time.Second},
		{200, no("message_limit_exceeded"), "60", pipeline.Throttled, "message_limit_exceeded", time.Minute},
		{429, no("ratelimited"), "30", pipeline.Throttled, "ratelimited", 30 * time.Second},
		{429, "", "30", pipeline.Throttled, "status 429", 30 * time.Second},
		{429, "", "soon", pipeline.Throttled, "status 429", time.Second},
		{429, "", "", pipeline.Throttled, "status 429", time.Second},
		{302, "", "", pipeline.Final, "status 302", 0},
		{404, "not found", "", pipeline.Final, "status 404", 0},
		{500, no("fatal_error"), "", pipeline.Retry, "fatal_error", 0},
		{503, "<html>", "", pipeline.Retry, "status 503", 0},
		{503, "", "7", pipeline.Throttled, "status 503", 7 * time.Second},
	}, func(url string) pipeline.Channel { return appChannel(t, url) })
}

// What Slack answers to an edit decides whether the reply goes out, and where.
func TestSlackAppEditRefused(t *testing.T) {
	for word, want := range map[string]string{
		"cant_update_message": "update, reply", "edit_window_closed": "update, reply", "something_new": "update, reply",
		"message_not_found": "update, post", "ratelimited": "update", "invalid_auth": "update", "fatal_error": "update",
	} {
		var did []string
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch {
			case strings.HasSuffix(r.URL.Path, "update"):
				did = append(did, "update")
				fmt.Fprintf(w, `{"ok":false,"error":%q}`, word)
				return
			case r.FormValue("thread_ts") != "":
				did = append(did, "reply")
			default:
				did = append(did, "post")
			}
			io.WriteString(w, `{"ok":true,"ts":"2.0"}`)
		}))
		d := samples()["growth"]
		d.Alert.Update.Ref = slackChannel + "/1.0"
		_, err := appChannel(t, srv.URL).Send(t.Context(), d)
		srv.Close()
		if got := strings.Join(did, ", "); got != want || (err == nil) != strings.Contains(want, ",") {
			t.Errorf("%s: %s, want %s; %v", word, got, want, err)
		}
	}
	// A thread that cannot be replied to costs no message.
	var threads []string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if threads = append(threads, r.FormValue("thread_ts")); len(threads) == 1 {
			io.WriteString(w, `{"ok":false,"error":"thread_not_found"}`)
			return
		}
		io.WriteString(w, `{"ok":true,"ts":"2.0"}`)
	}))
	defer srv.Close()
	d := samples()["update"]
	d.Alert.Update.Ref = slackChannel + "/1.0"
	if ref := send(t, appChannel(t, srv.URL), d); ref != slackChannel+"/2.0" || !slices.Equal(threads, []string{"1.0", ""}) {
		t.Errorf("%q, %q", ref, threads)
	}
}

// The token is nowhere in an error, even where Slack sends the request back.
func TestSlackAppHidesItsToken(t *testing.T) {
	for pad := range 320 {
		if raced && pad%16 != 0 { // where it is cut has nothing to do with the race detector
			continue
		}
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprint(w, strings.Repeat(".", pad), r.FormValue("token"))
		}))
		_, err := appChannel(t, srv.URL).Send(t.Context(), samples()["note"])
		srv.Close()
		if err == nil || strings.Contains(err.Error(), "xoxb") || strings.Contains(err.Error(), "1234-") {
			t.Fatalf("%d: %v", pad, err)
		}
	}
}

func TestSlackAppSettings(t *testing.T) {
	for settings, want := range map[string]string{
		"token: canary\nchannel: C0123ABCD":                             "token: is not the token of a Slack app; it is the app's Bot User OAuth Token",
		"token: xoxb-canary\nchannel: \"#canary\"":                      "channel: is not the ID of a channel; it looks like C0123ABCDEF",
		"token: xoxb-1\nchannel: C0123ABCD\nurl: https://slack.com/api": "url: does not end with a slash",
		"token: xoxb-1\nchannel: C0123ABCD\nurl: \"ftp://canary/\"":     "url: is not a web address",
		"token: \"xoxb-canary canary\"\nchannel: C0123ABCD":             "token: is not the token",
		"channel: C0123ABCD":                                            "token",
		"token: xoxb-1":                                                 "channel",
		"token: xoxb-1\nchannel: C0123ABCD\nchanel: x":                  "chanel",
	} {
		_, err := newChannel(t, "kind: slack_app\n"+settings)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "canary") {
			t.Errorf("%q: %v", settings, err)
		}
	}
	ch := mustChannel(t, "kind: slack_app\ntoken: xoxb-1\nchannel: C0123ABCD")
	if got := posterOf(t, ch).url.Reveal(); got != "https://slack.com/api/" {
		t.Error(got)
	}
}
