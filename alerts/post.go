package alerts

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"wirewatch/pipeline"
)

// Limits of one exchange with a receiver.
const (
	sendTimeout = 20 * time.Second
	maxAnswer   = 64 << 10 // bytes of a response that are read
)

// A poster sends requests of one channel. It is the one place where a channel meets HTTP, so that no channel can forget to
// leave secrets out of errors. Channels hold it by pointer: fmt prints what is behind a pointer inside a struct as an
// address, whereas it looks into unexported fields without asking their types how they want to be printed.
type poster struct {
	kind    string
	url     pipeline.Secret
	keys    [][]byte          // to sign with
	headers http.Header       // to send along
	hide    []pipeline.Secret // what must not show, beside the address
	client  *http.Client
	now     func() time.Time
	timeout time.Duration
	pace    time.Duration // how long to wait when the receiver asks to and does not say how long
}

func newPoster(kind string, to pipeline.Secret, deps Deps, hide ...pipeline.Secret) *poster {
	p := &poster{kind: kind, url: to, hide: hide, now: deps.Now, timeout: sendTimeout}
	if p.now == nil {
		p.now = time.Now
	}
	if deps.HTTP != nil {
		c := *deps.HTTP // a signed message goes where the settings say and nowhere else
		c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		p.client = &c
	}
	return p
}

// An answer is what a receiver said.
type answer struct {
	status int
	header http.Header
	body   string        // at most maxAnswer bytes
	wait   time.Duration // what the body says of when to come again, where the kind reads that; 0: nothing
}

// post sends one request to the channel's address.
func (p *poster) post(ctx context.Context, header http.Header, body []byte) (answer, error) {
	return p.send(ctx, http.MethodPost, p.url.Reveal(), header, body)
}

// send sends one request, to an address that may differ from message to message; what in it is not of the channel's own address or
// among the hidden values may show in errors. The error is a pipeline.Failure; an answer of any status is none.
func (p *poster) send(ctx context.Context, method, to string, header http.Header, body []byte) (answer, error) {
	if p.client == nil {
		return answer{}, p.failure(pipeline.Retry, "no client", 0, "the channel was made for checking only")
	}
	ctx, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, to, bytes.NewReader(body))
	if err != nil {
		return answer{}, p.broken(err)
	}
	req.Header = header
	return p.ask(req)
}

// ask sends a request that is made already. The error is as that of post.
func (p *poster) ask(req *http.Request) (answer, error) {
	if p.client == nil {
		return answer{}, p.failure(pipeline.Retry, "no client", 0, "the channel was made for checking only")
	}
	ctx, cancel := context.WithTimeout(req.Context(), p.timeout)
	defer cancel()
	resp, err := p.client.Do(req.WithContext(ctx))
	if err != nil {
		return answer{}, p.broken(err)
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil && resp.StatusCode < 300 {
		return answer{}, p.broken(fmt.Errorf("status %d, then: %w", resp.StatusCode, err)) // the yes was not heard to its end
	}
	return answer{status: resp.StatusCode, header: resp.Header, body: string(got)}, nil
}

// broken is the failure of an exchange that gave no answer. The transport's own verdict holds where it has one, as for an
// address that the guard refuses.
func (p *poster) broken(err error) error {
	var u *url.Error
	for errors.As(err, &u) {
		err = u.Err // it would show the address
	}
	f := &pipeline.Failure{Verdict: pipeline.Retry, Reason: "network"}
	var known *pipeline.Failure
	switch {
	case errors.As(err, &known):
		f.Verdict, f.Reason, f.After = known.Verdict, p.scrub(cmp.Or(known.Reason, f.Reason)), known.After
	case errors.Is(err, context.Canceled):
		f.Err = fmt.Errorf("%s: %w", p.kind, context.Canceled)
		return f
	case errors.Is(err, context.DeadlineExceeded):
		f.Reason = "timeout"
		f.Err = fmt.Errorf("%s: no answer within %s: %w", p.kind, p.timeout, context.DeadlineExceeded)
		return f
	}
	// Only the words are kept, not the error: what formats its parts would find the address in there.
	f.Err = errors.New(p.kind + ": " + p.scrub(err.Error()))
	return f
}

// failure makes a failure of words that may hold anything the receiver said.
func (p *poster) failure(v pipeline.Verdict, reason string, after time.Duration, format string, args ...any) error {
	return &pipeline.Failure{Verdict: v, Reason: p.scrub(reason), After: after,
		Err: errors.New(p.kind + ": " + p.scrub(fmt.Sprintf(format, args...)))}
}

// refused is the failure of an answer that is no yes, by its status. word is the receiver's one word for it, where it has
// such; else the error quotes how the answer begins. What is quoted is scrubbed before it is cut: half a secret is one.
//
// Statuses that pass by themselves are retried: 5xx, and of the 4xx only 408 and 425, which are about time, and 429.
func (p *poster) refused(a answer, word string) error {
	after, asked := p.after(a.header)
	after = max(after, a.wait)
	reason := fmt.Sprintf("status %d", a.status)
	said := reason
	if word != "" {
		reason, said = word, fmt.Sprintf("status %d, %q", a.status, word)
	} else if begins := clip(p.scrub(a.body), 120); begins != "" {
		said = fmt.Sprintf("status %d, %q", a.status, begins)
	}
	switch {
	case a.status < 300:
		return p.failure(pipeline.Retry, "no yes", 0, "%s is not the answer that means yes", said)
	case a.status < 400:
		return p.failure(pipeline.Final, reason, 0, "%s: the receiver redirects, which is not followed; put the final address into the settings", said)
	case a.status == http.StatusGone:
		return p.failure(pipeline.Gone, reason, 0, "%s: the receiver is gone for good", said)
	case a.status == http.StatusTooManyRequests, a.status == http.StatusServiceUnavailable && asked:
		return p.failure(pipeline.Throttled, reason, cmp.Or(after, p.pace), "%s: the receiver asks to wait", said)
	case a.status >= 500, a.status == http.StatusRequestTimeout, a.status == http.StatusTooEarly:
		return p.failure(pipeline.Retry, reason, after, "%s", said)
	}
	return p.failure(pipeline.Final, reason, 0, "%s: the receiver refuses this message", said)
}

// A refusal is what a receiver's word for it means, and what to do.
type refusal struct {
	verdict pipeline.Verdict
	hint    string
}

// judge is refused for a receiver with words of its own: one that is known decides, unless the status says that it passes by itself. The
// zero refusal is none that is known.
func (p *poster) judge(a answer, word string, known refusal) error {
	if known.hint != "" && a.status < 500 && a.status != http.StatusTooManyRequests {
		return p.failure(known.verdict, word, 0, "status %d, %q: %s", a.status, word, known.hint)
	}
	return p.refused(a, word)
}

// after reads Retry-After, in seconds or as a date.
func (p *poster) after(h http.Header) (time.Duration, bool) {
	s := strings.TrimSpace(h.Get("Retry-After"))
	if n, err := strconv.ParseInt(s, 10, 32); err == nil {
		return max(0, time.Duration(n)*time.Second), true
	}
	if t, err := http.ParseTime(s); err == nil {
		return max(0, t.Sub(p.now())), true
	}
	return 0, false
}

// scrub takes secrets out of a text, whole or in the parts in which an error could quote them, makes it safe to print and
// short enough to store.
func (p *poster) scrub(s string) string {
	var hide []string
	if u, err := url.Parse(p.url.Reveal()); err == nil {
		pass, _ := u.User.Password()
		hide = append(hide, u.String(), u.RequestURI(), u.Path, u.EscapedPath(), u.RawQuery, u.Fragment, u.User.Username(), pass)
		hide = append(hide, strings.Split(u.Path, "/")...)
		hide = append(hide, strings.Split(u.EscapedPath(), "/")...)
		for _, vs := range u.Query() {
			hide = append(hide, vs...)
		}
		if pass != "" { // as it goes over the wire
			hide = append(hide, base64.StdEncoding.EncodeToString([]byte(u.User.Username()+":"+pass)))
		}
	}
	// Parts of an address that are shorter are words like /hook, which every sentence may hold.
	hide = slices.DeleteFunc(hide, func(h string) bool { return len(h) < 6 })
	hide = append(hide, p.url.Reveal())
	for _, h := range p.hide {
		hide = append(hide, h.Reveal(), strings.TrimPrefix(h.Reveal(), secretPrefix))
	}
	slices.SortFunc(hide, func(a, b string) int { return len(b) - len(a) }) // the whole before its parts
	for _, h := range hide {
		if h != "" {
			s = strings.ReplaceAll(s, h, "***")
			s = strings.ReplaceAll(s, strings.Trim(strconv.Quote(h), `"`), "***")
		}
	}
	return line(s, 300)
}

// address checks a receiver's address.
func address(m *Mistakes, to pipeline.Secret) {
	u, err := url.Parse(to.Reveal())
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" {
		m.add("url", "it looks like https://host/path", "is not a web address")
	}
}

// plainHTTP reports whether messages go out unencrypted to another machine.
func plainHTTP(to pipeline.Secret) bool {
	u, err := url.Parse(to.Reveal())
	return err == nil && u.Scheme == "http" && u.Hostname() != "localhost" && !strings.HasPrefix(u.Hostname(), "127.") && u.Hostname() != "::1"
}
