package scrapers

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"wirewatch/pipeline"
)

// This file knows the addresses under which web archives show what they have taken: …/web/20240102030405id_/https://example.org/a. With
// id_ the archive gives the document's own bytes, without a frame and with no link rewritten.

// CaptureTime is how web archives write a time, in UTC.
const CaptureTime = "20060102150405"

var replayPath = regexp.MustCompile(`^(.*/)(\d{14})(?:[a-z]{2}_)?/(https?:/.+)$`)

// ReplayAddress is where an archive gives the bytes that it took of a page. base is what comes before the time.
func ReplayAddress(base string, taken time.Time, original string) string {
	return base + taken.UTC().Format(CaptureTime) + "id_/" + original
}

// replayed reads a replay address: the page's own address, and when it was taken.
func replayed(address string) (original string, taken time.Time, ok bool) {
	m := replayPath.FindStringSubmatch(address)
	if m == nil {
		return "", time.Time{}, false
	}
	taken, err := time.Parse(CaptureTime, m[2])
	if err != nil {
		return "", time.Time{}, false
	}
	// Proxies on the way like to make one slash of two.
	scheme, rest, _ := strings.Cut(m[3], ":")
	original = scheme + "://" + strings.TrimLeft(rest, "/")
	return original, taken, Host(original) != pipeline.NoHost
}

// ofCopy turns a fetched copy into the page of the item that it is a copy of. An archive that has nothing of the asked moment redirects to
// the nearest one, and a copy of a redirect leads on to what that led to: a login, a front page, a page of the archive. Only a copy
// of the same address is the article's page.
func ofCopy(p *pipeline.Page, item pipeline.Item, memento string) error {
	at := item.Taken
	final := item.Entry.URL
	if _, _, archived := replayed(item.Copy); archived {
		original, taken, ok := replayed(p.FinalURL)
		if !ok {
			return &pipeline.Failure{Verdict: pipeline.Retry, Reason: "no copy",
				Err: fmt.Errorf("%s led to a page of its own in place of the copy", Host(item.Copy))}
		}
		if !samePage(original, item.Entry.URL) {
			return &pipeline.Failure{Verdict: pipeline.Final, Reason: "another page",
				Err: fmt.Errorf("the copy that %s keeps leads to another page, of %s", Host(item.Copy), Host(original))}
		}
		final, at = PlainAddress(original), taken
	}
	if t, err := http.ParseTime(memento); err == nil {
		at = t
	}
	if !at.IsZero() {
		p.Fetched = at.UTC()
	}
	p.URL, p.FinalURL, p.ETag, p.LastModified = item.Entry.URL, final, "", ""
	return nil
}

// samePage reports whether two addresses are one page's to an archive: scheme, www, port and a last slash make no difference.
func samePage(a, b string) bool { return pageKey(a) == pageKey(b) }

func pageKey(s string) string {
	u, err := url.Parse(s)
	if err != nil {
		return s
	}
	key := Site("https://"+u.Hostname()) + strings.TrimRight(cmp.Or(u.EscapedPath(), "/"), "/")
	if q, err := url.QueryUnescape(u.RawQuery); err == nil && q != "" {
		key += "?" + q
	}
	return strings.ToLower(key)
}

// PlainAddress takes off what archives note of an address beyond what readers use: the scheme's own port and the fragment.
func PlainAddress(s string) string {
	u, err := url.Parse(strings.TrimSpace(s))
	if err != nil || u.Host == "" {
		return s
	}
	u.Fragment, u.RawFragment, u.User = "", "", nil
	u.Scheme = strings.ToLower(u.Scheme)
	if port := u.Port(); u.Scheme == "http" && port == "80" || u.Scheme == "https" && port == "443" {
		u.Host = strings.TrimSuffix(u.Host, ":"+port)
	}
	return u.String()
}
