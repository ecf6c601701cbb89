package newsroom

import (
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// slackEdits is how often a minute a method of tier 3, as chat.update is, may be called.
const slackEdits = 50

// SlackAPI stands in for the two methods of Slack's Web API that post and edit, chat.postMessage and chat.update
// (https://docs.slack.dev/reference/methods), and is stricter than Slack in the same way as SlackHook. As Slack does, it answers 200
// to whatever it refuses, with {"ok": false, "error": …}, and 429 with Retry-After to what comes too fast. It is safe for
// concurrent use.
type SlackAPI struct {
	// Every is the least time between two messages to a channel; 0 means one second.
	Every time.Duration

	token      string
	channels   []string // that the app is a member of
	now        func() time.Time
	mu         sync.Mutex
	pace       map[string]*slackPace // by channel
	edits      []time.Time           // in the last minute
	posts      []*SlackPost
	violations []string
	throttled  int
}

// A SlackPost is a message as it stands.
type SlackPost struct {
	At       time.Time
	Channel  string
	TS       string // its name within the channel
	ThreadTS string // of the message that it replies to, "" for none
	Text     string // the fallback text
	Blocks   json.RawMessage
	Edits    int
}

// NewSlackAPI returns a workspace with these channels' IDs that an app may use with the token; its pace is measured with now.
func NewSlackAPI(token string, now func() time.Time, channels ...string) *SlackAPI {
	return &SlackAPI{token: token, now: now, channels: channels, pace: map[string]*slackPace{}}
}

// Posts are the messages as they stand, in order.
func (s *SlackAPI) Posts() []SlackPost {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]SlackPost, len(s.posts))
	for i, p := range s.posts {
		out[i] = *p
	}
	return out
}

// Violations are sentences about what was wrong; none when all was right.
func (s *SlackAPI) Violations() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.violations)
}

// Throttled says how many requests were answered with 429.
func (s *SlackAPI) Throttled() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.throttled
}

// Delete takes a message away, as a person in the channel can.
func (s *SlackAPI) Delete(ts string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.posts = slices.DeleteFunc(s.posts, func(p *SlackPost) bool { return p.TS == ts })
}

// slackArgs are the arguments that may be given, and slackBanned the values that ring people or show what was not meant.
var (
	slackArgs   = []string{"token", "channel", "text", "blocks", "ts", "thread_ts", "unfurl_links", "unfurl_media", "parse", "link_names", "reply_broadcast", "mrkdwn", "metadata"}
	slackBanned = map[string]string{"link_names": "true", "parse": "full", "reply_broadcast": "true"}
)

// ServeHTTP takes a call of a method.
func (s *SlackAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	args, err := slackCall(r)
	s.mu.Lock()
	defer s.mu.Unlock()
	answer := func(v map[string]any) {
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		_ = json.NewEncoder(w).Encode(v) // nobody else to tell
	}
	refuse := func(word, format string, v ...any) {
		s.violations = append(s.violations, fmt.Sprintf(format, v...))
		answer(map[string]any{"ok": false, "error": word})
	}
	if err != nil {
		refuse("invalid_arguments", "%v", err)
		return
	}
	for k, v := range args {
		if banned := slackBanned[k]; !slices.Contains(slackArgs, k) || banned != "" && banned == v {
			refuse("invalid_arguments", "argument %s: %s", k, clip(v))
			return
		}
	}
	switch {
	case args["token"] == "":
		refuse("not_authed", "no token")
		return
	case args["token"] != s.token:
		refuse("invalid_auth", "another token")
		return
	case !slices.Contains(s.channels, args["channel"]):
		refuse("channel_not_found", "there is no channel %q", clip(args["channel"]))
		return
	}
	at := s.now()
	method := r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]
	if s.early(w, method, args["channel"], at) {
		s.throttled++
		w.WriteHeader(http.StatusTooManyRequests)
		answer(map[string]any{"ok": false, "error": "ratelimited"})
		return
	}
	var blocks []json.RawMessage
	if err := json.Unmarshal([]byte(args["blocks"]), &blocks); err != nil {
		refuse("invalid_blocks_format", "blocks: %v", err)
		return
	}
	if strings.TrimSpace(args["text"]) == "" {
		refuse("no_text", "there is no fallback text")
		return
	}
	if faults := checkMessage(args["text"], blocks); len(faults) > 0 {
		refuse("invalid_blocks", "%s", strings.Join(faults, "; "))
		return
	}
	find := func(ts string) *SlackPost {
		if i := slices.IndexFunc(s.posts, func(p *SlackPost) bool { return p.TS == ts && p.Channel == args["channel"] }); i >= 0 {
			return s.posts[i]
		}
		return nil
	}
	switch method {
	case "chat.postMessage":
		if thread := args["thread_ts"]; thread != "" {
			if p := find(thread); p == nil || p.ThreadTS != "" {
				refuse("thread_not_found", "%q is no message that can have a thread", clip(thread))
				return
			}
		}
		p := &SlackPost{At: at, Channel: args["channel"], TS: fmt.Sprintf("%d.%06d", at.Unix(), len(s.posts)+1), ThreadTS: args["thread_ts"],
			Text: args["text"], Blocks: json.RawMessage(args["blocks"])}
		s.posts = append(s.posts, p)
		s.pace[p.Channel].last = at
		answer(map[string]any{"ok": true, "channel": p.Channel, "ts": p.TS, "message": map[string]any{"type": "message", "text": p.Text, "ts": p.TS}})
	case "chat.update":
		p := find(args["ts"])
		if p == nil { // no violation: a person may have deleted it
			answer(map[string]any{"ok": false, "error": "message_not_found"})
			return
		}
		if args["parse"] != "none" {
			refuse("invalid_arguments", "chat.update without parse=none makes links and names of what looks like them")
			return
		}
		p.Text, p.Blocks = args["text"], json.RawMessage(args["blocks"])
		p.Edits++
		answer(map[string]any{"ok": true, "channel": p.Channel, "ts": p.TS, "text": p.Text})
	default:
		refuse("unknown_method", "no method %q", clip(method))
	}
}

// early reports whether a call comes too fast, and says so in the answer's headers.
func (s *SlackAPI) early(w http.ResponseWriter, method, channel string, at time.Time) bool {
	if method == "chat.update" {
		s.edits = slices.DeleteFunc(s.edits, func(t time.Time) bool { return at.Sub(t) >= time.Minute })
		if len(s.edits) >= slackEdits {
			w.Header().Set("Retry-After", "10")
			return true
		}
		s.edits = append(s.edits, at)
		return false
	}
	if s.pace[channel] == nil {
		s.pace[channel] = &slackPace{}
	}
	early, why := s.pace[channel].early(at, s.Every)
	if why != "" {
		s.violations = append(s.violations, why)
	}
	if early {
		s.pace[channel].refuse(w, at)
	}
	return early
}

// slackCall reads the arguments of a call, from a form or from JSON, the token from either place where Slack takes it.
func slackCall(r *http.Request) (map[string]string, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, slackBody+1))
	if err != nil || len(body) > slackBody {
		return nil, fmt.Errorf("the body breaks off or is longer than 1 MiB")
	}
	if r.Method != http.MethodPost {
		return nil, fmt.Errorf("the method is %s, want POST", r.Method)
	}
	args := map[string]string{}
	switch typ, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); typ {
	case "application/x-www-form-urlencoded":
		form, err := url.ParseQuery(string(body))
		if err != nil {
			return nil, err
		}
		for k, v := range form {
			if len(v) > 1 {
				return nil, fmt.Errorf("%s is given %d times", k, len(v))
			}
			args[k] = v[0]
		}
	case "application/json":
		var v map[string]any
		if err := json.Unmarshal(body, &v); err != nil {
			return nil, err
		}
		for k, x := range v {
			if s, ok := x.(string); ok {
				args[k] = s
				continue
			}
			b, err := json.Marshal(x)
			if err != nil {
				return nil, err
			}
			args[k] = string(b)
		}
	default:
		return nil, fmt.Errorf("the content type is %q", r.Header.Get("Content-Type"))
	}
	if bearer, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		args["token"] = bearer
	}
	if len(r.URL.RawQuery) > 0 {
		return nil, fmt.Errorf("arguments in the address, which logs keep")
	}
	return args, nil
}
