package sitemap

import (
	"errors"
	"fmt"
	"strings"

	"wirewatch/scrapers/feed"
)

// errFeed says that the document's root is a feed's.
var errFeed = errors.New("a feed")

// maxField is how long the text of an element may be, in bytes: no address, date or title is longer, and a longer one is none.
const maxField = 64 << 10

// space is the namespace that an element stands in, as far as it matters here.
type space uint8

const (
	foreign space = iota
	core          // of the sitemap protocol
	news
)

// role is what an open element is to its children.
type role uint8

const (
	mute        role = iota // nothing inside counts
	root                    // urlset or sitemapindex
	entry                   // url or sitemap
	newsEntry               // news:news
	publication             // news:publication
	leaf                    // its text is wanted
	inLeaf                  // markup inside it
)

type frame struct {
	name  string
	role  role
	field *string  // of a leaf
	bound []string // prefixes that it declares
}

// tree reads a sitemap's elements.
type tree struct {
	*reader
	frames  []frame
	spaces  map[string][]space // by prefix, the innermost last
	rootURI string
	open    bool // an entry is
	index   bool // the root is an index
	entry   Entry
	text    strings.Builder

	loc, lastmod, published, keywords string // texts of the open entry
}

func (r *reader) xml(text string) error {
	t := &tree{reader: r, spaces: map[string][]space{}}
	m := feed.NewMarkup(text)
	rooted, ended := false, false
	for {
		p, ok := m.Next()
		if !ok {
			break
		}
		var err error
		switch {
		case p.Name == "":
			if n := len(t.frames); n > 0 && (t.frames[n-1].role == leaf || t.frames[n-1].role == inLeaf) {
				t.text.WriteString(p.Text)
			}
		case p.End:
			err = t.end(p.Name)
			ended = rooted && len(t.frames) == 0
		case len(t.frames) == 0 && rooted: // behind the root
		case len(t.frames) == 0:
			rooted, err = t.start0(p)
			ended = rooted && p.Empty
		default:
			err = t.start(p)
		}
		if err != nil {
			return err
		}
	}
	switch {
	case !rooted:
		return fmt.Errorf("%w: no element of it is a urlset, a sitemapindex or a feed", ErrNotSitemap)
	case !ended:
		r.notes.Partial = fmt.Errorf("the document was cut behind entry %d", r.n)
	}
	return nil
}

// start0 looks for the root. What stands in front of it, such as a plug-in's warning, is passed over.
func (t *tree) start0(p feed.Piece) (bool, error) {
	prefix, local := cutName(p.Name)
	switch local {
	case "urlset", "sitemapindex":
	case "html":
		return false, fmt.Errorf("%w: an HTML page", ErrNotSitemap)
	case "rss", "feed", "rdf", "channel":
		return false, errFeed
	default:
		return false, nil
	}
	t.index = local == "sitemapindex"
	t.rootURI = p.Spaces[prefix]
	if p.Empty {
		return true, nil
	}
	f := frame{name: p.Name, role: root}
	t.bind(&f, p)
	t.frames = append(t.frames, f)
	return true, nil
}

func cutName(name string) (prefix, local string) {
	prefix, local, ok := strings.Cut(name, ":")
	if !ok {
		prefix, local = "", prefix
	}
	return prefix, strings.ToLower(local)
}

// bind notes the namespaces that a start tag declares.
func (t *tree) bind(f *frame, p feed.Piece) {
	for prefix, uri := range p.Spaces {
		t.spaces[prefix] = append(t.spaces[prefix], t.spaceOf(uri))
		f.bound = append(f.bound, prefix)
	}
}

// spaceOf tells namespaces apart as their owners wrote them over the years: by http and https, of whichever version. The root's own
// namespace is the protocol's whatever it is called, since the root was known by its name.
func (t *tree) spaceOf(uri string) space {
	s := strings.ToLower(strings.TrimSpace(uri))
	s = strings.TrimPrefix(strings.TrimPrefix(s, "https://"), "http://")
	s = strings.TrimPrefix(s, "www.")
	switch {
	case strings.HasPrefix(s, "google.com/schemas/sitemap-news/"):
		return news
	case s == "", uri == t.rootURI, strings.HasPrefix(s, "sitemaps.org/schemas/sitemap"), strings.HasPrefix(s, "google.com/schemas/sitemap/"):
		return core
	}
	return foreign
}

// named is the namespace of a name. A prefix that nobody declared names none.
func (t *tree) named(prefix string) space {
	if s := t.spaces[prefix]; len(s) > 0 {
		return s[len(s)-1]
	}
	if prefix == "" {
		return core
	}
	return foreign
}

func (t *tree) start(p feed.Piece) error {
	prefix, local := cutName(p.Name)
	in := t.named(prefix)
	if uri, ok := p.Spaces[prefix]; ok {
		in = t.spaceOf(uri)
	}
	// What a start tag closes by itself: an entry inside an entry, a field inside a field.
	if in == core && t.open && t.top() != mute && (local == "url" || local == "sitemap") {
		for t.open {
			if err := t.pop(); err != nil {
				return err
			}
		}
	}
	if in == core && t.top() == leaf && (local == "loc" || local == "lastmod" || local == "changefreq" || local == "priority") {
		if err := t.pop(); err != nil {
			return err
		}
	}
	f := frame{name: p.Name}
	t.bind(&f, p)
	switch t.top() {
	case root:
		if in == core && (local == "url" || local == "sitemap") {
			f.role, t.open = entry, true
			t.entry = Entry{Child: t.index || local == "sitemap"}
			t.loc, t.lastmod, t.published, t.keywords = "", "", "", ""
		}
	case entry:
		switch {
		case in == core && local == "loc":
			f.field = &t.loc
		case in == core && local == "lastmod":
			f.field = &t.lastmod
		case in == news && local == "news":
			f.role = newsEntry
		}
	case newsEntry:
		switch {
		case in != news:
		case local == "publication":
			f.role = publication
		case local == "publication_date":
			f.field = &t.published
		case local == "title":
			f.field = &t.entry.Title
		case local == "keywords":
			f.field = &t.keywords
		}
	case publication:
		switch {
		case in != news:
		case local == "name":
			f.field = &t.entry.Publication
		case local == "language":
			f.field = &t.entry.Lang
		}
	case leaf, inLeaf:
		f.role = inLeaf
	}
	if f.field != nil {
		f.role = leaf
		t.text.Reset()
	}
	if len(t.frames) >= MaxDepth {
		return fmt.Errorf("%w: more than %d elements are open; the document is hostile or no sitemap", ErrTooDeep, MaxDepth)
	}
	t.frames = append(t.frames, f)
	if p.Empty {
		return t.pop()
	}
	return nil
}

func (t *tree) top() role { return t.frames[len(t.frames)-1].role }

// end closes everything up to the innermost element of that name; an end tag that nothing opened means nothing.
func (t *tree) end(name string) error {
	for i := len(t.frames) - 1; i >= 0; i-- {
		if !strings.EqualFold(t.frames[i].name, name) {
			continue
		}
		for len(t.frames) > i {
			if err := t.pop(); err != nil {
				return err
			}
		}
		return nil
	}
	return nil
}

func (t *tree) pop() error {
	f := t.frames[len(t.frames)-1]
	t.frames = t.frames[:len(t.frames)-1]
	for _, prefix := range f.bound {
		if s := t.spaces[prefix]; len(s) > 1 {
			t.spaces[prefix] = s[:len(s)-1]
		} else {
			delete(t.spaces, prefix)
		}
	}
	switch f.role {
	case leaf:
		if *f.field == "" && t.text.Len() <= maxField { // the first one counts
			*f.field = strings.TrimSpace(t.text.String())
		}
	case entry:
		t.open = false
		return t.close()
	}
	return nil
}

// close hands the open entry on.
func (t *tree) close() error {
	e := t.entry
	e.URL, e.Lastmod, e.Published = t.loc, ParseDate(t.lastmod), ParseDate(t.published)
	for _, s := range []*string{&e.Title, &e.Publication, &e.Lang} {
		*s = strings.Join(strings.Fields(*s), " ")
	}
	for tag := range strings.SplitSeq(t.keywords, ",") {
		if tag = strings.Join(strings.Fields(tag), " "); tag != "" {
			e.Tags = append(e.Tags, tag)
		}
	}
	return t.give(e)
}
