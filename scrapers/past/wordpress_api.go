package past

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	xhtml "golang.org/x/net/html"

	"wirewatch/pipeline"
	"wirewatch/scrapers"
)

// A wpPost is a post as the REST API of WordPress gives it.
type wpPost struct {
	ID       int64  `json:"id"`
	Date     string `json:"date"` // in the site's own time; what posts are selected and ordered by
	DateGMT  string `json:"date_gmt"`
	Modified string `json:"modified_gmt"`
	Link     string `json:"link"`
	GUID     wpText `json:"guid"`
	Title    wpText `json:"title"`
	Content  wpText `json:"content"`
	Excerpt  wpText `json:"excerpt"`
	Embedded struct {
		Author []struct {
			Name string `json:"name"`
		} `json:"author"`
	} `json:"_embedded"`
}

// A wpText is HTML.
type wpText struct {
	Rendered string `json:"rendered"`
}

// A wpPage is one answer of the API.
type wpPage struct {
	posts  []wpPost
	broken []error // what is among them and no post
	total  int     // posts that the query has in all; -1: the server does not say
	pages  int     // on so many pages; -1: the server does not say
}

// whole reports whether a page holds all that its query has. A page may be shorter than it should be, as hidden posts are counted and not
// shown, and some servers cap pages without a word, so that only the count is believed.
func (p wpPage) whole() bool {
	n := len(p.posts) + len(p.broken)
	return p.total >= 0 && n >= p.total || n == 0 && p.pages <= 1
}

// errSmaller says that pages were made smaller, so that the numbers of those behind the first do not hold any more.
var errSmaller = errors.New("pages are smaller now")

// A wpAPI asks the REST API of one site. It is not safe for concurrent use.
type wpAPI struct {
	client  *scrapers.Client
	site    *url.URL
	opts    scrapers.RequestOptions
	root    *url.URL // nil: not found yet
	perPage int      // posts a page; the server may want less
}

// get asks for a path under the API's root and reads its JSON into v.
func (a *wpAPI) get(ctx context.Context, path string, q url.Values, v any) (http.Header, error) {
	if err := a.discover(ctx); err != nil {
		return nil, err
	}
	resp, _, err := a.client.Ask(ctx, a.opts, under(a.root, path, q), http.Header{"Accept": {"application/json"}})
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	host := scrapers.Authority(resp.Request.URL)
	body, rerr := io.ReadAll(resp.Body)
	if resp.StatusCode != http.StatusOK {
		return nil, a.refused(host, resp, body)
	}
	if rerr != nil {
		return nil, a.client.Failed(ctx, rerr, host, scrapers.ForFeeds)
	}
	if err := json.Unmarshal(bytes.TrimSpace(bytes.TrimPrefix(body, []byte("\xEF\xBB\xBF"))), v); err != nil {
		return nil, &pipeline.Failure{Verdict: pipeline.Retry, Reason: "not json", Err: fmt.Errorf("%s answered something else than JSON where the API of WordPress should be; %s", host, a.instead())}
	}
	return resp.Header, nil
}

// under is an address below the API's root, which is a path or, on sites with plain permalinks, the parameter rest_route.
func under(root *url.URL, path string, q url.Values) string {
	u := *root
	if route := u.Query().Get("rest_route"); route != "" {
		q.Set("rest_route", strings.TrimSuffix(route, "/")+path)
	} else {
		u.Path = strings.TrimSuffix(u.Path, "/") + path
	}
	u.RawQuery = q.Encode()
	return u.String()
}

// A wpRefusal is an answer of the API that is none; its code says why in WordPress's words.
type wpRefusal struct {
	code string
	err  error
}

func (r *wpRefusal) Error() string { return r.err.Error() }
func (r *wpRefusal) Unwrap() error { return r.err }

var wpCode = regexp.MustCompile(`^[a-z0-9_]{1,60}$`)

// refused says what a status of the API means.
func (a *wpAPI) refused(host string, resp *http.Response, body []byte) error {
	err := a.client.Refused(resp)
	var fail *pipeline.Failure
	if !errors.As(err, &fail) { // a success without a document
		return &pipeline.Failure{Verdict: pipeline.Final, Reason: fmt.Sprint("status ", resp.StatusCode), Err: fmt.Errorf("%s answered %s; %s", host, scrapers.StatusText(resp.StatusCode), a.instead())}
	}
	var said struct {
		Code string `json:"code"`
	}
	_ = json.Unmarshal(body, &said) // an answer of something before WordPress is HTML and has no code
	because := ""
	if wpCode.MatchString(said.Code) {
		because = " (" + said.Code + ")"
	}
	switch resp.StatusCode {
	case http.StatusServiceUnavailable:
		fail.Verdict = pipeline.Throttled // as with feeds, it says no more than "later"
	case http.StatusUnauthorized, http.StatusForbidden:
		fail.Err = fmt.Errorf("%s keeps its API to itself: it answered %s%s; %s", host, scrapers.StatusText(resp.StatusCode), because, a.instead())
	case http.StatusNotFound, http.StatusGone:
		fail.Verdict = pipeline.Final
		fail.Err = fmt.Errorf("%s has no API of WordPress where one should be: it answered %s%s; %s", host, scrapers.StatusText(resp.StatusCode), because, a.instead())
	default:
		if because != "" {
			fail.Err = fmt.Errorf("%s answered %s%s", host, scrapers.StatusText(resp.StatusCode), because)
		}
	}
	return &wpRefusal{code: said.Code, err: fail}
}

// instead says what may help where the API does not.
func (a *wpAPI) instead() string {
	bare := *a.site
	bare.User, bare.RawQuery = nil, ""
	return fmt.Sprintf("try sitemap:%s or feed: with the address of its feed", bare.String())
}

// posts asks for a page of the posts that q selects. A page behind the last one is empty.
func (a *wpAPI) posts(ctx context.Context, q url.Values, page int) (wpPage, error) {
	for {
		q.Set("page", strconv.Itoa(page))
		q.Set("per_page", strconv.Itoa(a.perPage))
		q.Set("_embed", "author")
		q.Set("_fields", "id,date,date_gmt,modified_gmt,link,guid,title,content,excerpt,_links,_embedded")
		var raw []json.RawMessage
		h, err := a.get(ctx, "/wp/v2/posts", q, &raw)
		var no *wpRefusal
		switch fail := pipeline.AsFailure(err); {
		case err == nil:
			return readPage(h, raw), nil
		case errors.As(err, &no) && no.code == "rest_post_invalid_page_number":
			return wpPage{total: -1, pages: -1}, nil
		case (fail.Reason == "status 400" || fail.Reason == "too large") && a.smaller():
			if page > 1 {
				return wpPage{}, errSmaller
			}
		default:
			return wpPage{}, err
		}
	}
}

// smaller makes pages smaller and reports whether that was possible.
func (a *wpAPI) smaller() bool {
	for _, n := range []int{50, 20, 10, 5, 1} {
		if n < a.perPage {
			a.perPage = n
			return true
		}
	}
	return false
}

func readPage(h http.Header, raw []json.RawMessage) wpPage {
	p := wpPage{total: wpCount(h, "X-WP-Total"), pages: wpCount(h, "X-WP-TotalPages")}
	for _, r := range raw {
		var post wpPost
		if err := json.Unmarshal(r, &post); err != nil || post.ID == 0 {
			p.broken = append(p.broken, errors.New("the API lists something that is no post"))
			continue
		}
		p.posts = append(p.posts, post)
	}
	return p
}

func wpCount(h http.Header, name string) int {
	if n, err := strconv.Atoi(strings.TrimSpace(h.Get(name))); err == nil && n >= 0 {
		return n
	}
	return -1
}

// discover finds the API's root: by the site's Link header, by its page, or where it is by custom.
func (a *wpAPI) discover(ctx context.Context) error {
	if a.root != nil {
		return nil
	}
	if i := strings.Index(a.site.Path+"/", "/wp-json/"); i >= 0 || a.site.Query().Has("rest_route") {
		root := *a.site
		if i >= 0 {
			root.Path, root.RawQuery = root.Path[:i]+"/wp-json/", ""
		}
		a.root = &root
		return nil
	}
	base, link := a.site, ""
	resp, _, err := a.client.Ask(ctx, a.opts, a.site.String(), http.Header{"Accept": {"text/html, */*;q=0.5"}})
	if err == nil {
		base = resp.Request.URL
		err = a.client.Refused(resp)
		if link = apiRoot(resp.Header); link == "" {
			link = linkedRoot(resp.Body) // of a broken page what there is of it
		}
		resp.Body.Close()
	}
	if v := pipeline.AsFailure(err).Verdict; err != nil && link == "" && v != pipeline.Final && v != pipeline.Gone {
		return err
	}
	root, err := base.Parse(link)
	if link == "" || err != nil || scrapers.Authority(root) == pipeline.NoHost {
		root = base.JoinPath("wp-json/")
		root.RawQuery = ""
	}
	root.User, root.Fragment = nil, ""
	a.root = root
	return nil
}

var wpLink = regexp.MustCompile(`<([^<>]*)>\s*;[^<]*\brel="?https://api\.w\.org/?"?`)

// apiRoot is the root of the API of WordPress that a Link header names, or "".
func apiRoot(h http.Header) string {
	for _, l := range h.Values("Link") {
		if m := wpLink.FindStringSubmatch(l); m != nil {
			return m[1]
		}
	}
	return ""
}

// linkedRoot is the root of the API that a page's link element names, or "".
func linkedRoot(page io.Reader) string {
	z := xhtml.NewTokenizer(page)
	for {
		switch z.Next() {
		case xhtml.ErrorToken:
			return ""
		case xhtml.StartTagToken, xhtml.SelfClosingTagToken:
			t := z.Token()
			at := map[string]string{}
			for _, a := range t.Attr {
				at[a.Key] = a.Val
			}
			switch {
			case t.Data == "body":
				return ""
			case t.Data == "link" && strings.TrimSuffix(at["rel"], "/") == "https://api.w.org":
				return at["href"]
			}
		}
	}
}
