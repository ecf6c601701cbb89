package past

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"regexp"
	"strconv"
	"strings"
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
	Rendered  string `json:"rendered"`
	Protected bool   `json:"protected"` // it takes a password to read it
}

// A wpPage is one answer of the API.
type wpPage struct {
	posts  []wpPost
	broken []error // what is among them and no post
	total  int     // posts that the query has in all; -1: the server does not say
	pages  int     // on so many pages; -1: the server does not say
}

// whole reports whether a page holds all that its query has. A page may be shorter than it should be, as hidden posts are counted and not
// shown, and some servers cap pages without a word, so that only the count is believed; and that only where it is not less than what is there,
// as some switch counting off and say 0.
func (p wpPage) whole() bool {
	n := len(p.posts) + len(p.broken)
	return (n == 0 || n == p.total) && p.pages <= 1
}

func readPage(h http.Header, raw []json.RawMessage) wpPage {
	p := wpPage{total: wpCount(h, "X-WP-Total"), pages: wpCount(h, "X-WP-TotalPages")}
	for _, r := range raw {
		var post wpPost
		err := json.Unmarshal(r, &post)
		var odd *json.UnmarshalTypeError // PHP writes [] for an empty object, plug-ins false for what is not there: the rest is read all the same
		if err != nil && !errors.As(err, &odd) || post.ID == 0 {
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

// jsonTries is in how many places of an answer JSON is looked for.
const jsonTries = 50

var (
	jsonStart = regexp.MustCompile(`[>\r\n\x{FEFF}][ \t]*[\[{]`)
	jsonTail  = regexp.MustCompile(`^(?s:\s|<!--.*?-->)*$`)
)

// readJSON reads the JSON of an answer of WordPress into v. On many sites there is something around it: byte order marks of plug-ins' files,
// PHP's notices in front, a cache's comment behind. JSON inside of a page does not count.
func readJSON(body []byte, v any) error {
	body = bytes.TrimLeft(body, "\uFEFF \t\r\n")
	err := json.NewDecoder(bytes.NewReader(body)).Decode(v)
	if err == nil {
		return nil
	}
	for _, at := range jsonStart.FindAllIndex(body, jsonTries) {
		rest := body[at[1]-1:]
		d := json.NewDecoder(bytes.NewReader(rest))
		if d.Decode(v) == nil && jsonTail.Match(rest[d.InputOffset():]) {
			return nil
		}
	}
	return err
}
