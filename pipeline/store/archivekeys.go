package store

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
	"strconv"
)

// Names of what an archive holds. An article's key is its canonical URL, behind # a digest of when it was published, its title and its
// body (its fingerprint, where retention took that), and behind ~ a number from the second article on of which all of this is the same: a page may return to what it said before.
// A story, and an event, goes by the key of its first article in the order of archives: by time of publication, canonical URL, title, key.

// archiveBatch is how many articles are looked at together: their texts are in memory at once.
const archiveBatch = 200

// maxNamed bounds how many names are remembered from one batch to the next.
const maxNamed = 50_000

// A namer finds out what the articles, stories and events of a store are called. It remembers names, so it must not outlive a transaction
// in which they stand.
type namer struct {
	c        conn
	articles map[int64]string
	stories  map[int64]string
	events   map[int64]string
}

func newNamer(c conn) *namer {
	return &namer{c, map[int64]string{}, map[int64]string{}, map[int64]string{}}
}

// unnamed are the ids, each once and without 0, that known does not have yet.
func unnamed(known map[int64]string, ids []int64) []int64 {
	if len(known) > maxNamed {
		clear(known)
	}
	var out []int64
	for _, id := range ids {
		if _, ok := known[id]; !ok && id != 0 {
			out = append(out, id)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// place is where an article stands in the order of archives, as far as the database can say it.
type place struct {
	published        int64
	canonical, title string
}

func (p place) compare(q place) int {
	return cmp.Or(cmp.Compare(p.published, q.published), cmp.Compare(p.canonical, q.canonical), cmp.Compare(p.title, q.title))
}

// named is an article of which the key is wanted, or one that might have the same.
type named struct {
	id              int64
	site, url, feed string
}

// nameArticles finds the keys of articles.
func (n *namer) nameArticles(ids []int64) error {
	ids = unnamed(n.articles, ids)
	for chunk := range slices.Chunk(ids, archiveBatch) {
		if err := n.nameChunk(chunk); err != nil {
			return err
		}
	}
	return nil
}

func (n *namer) nameChunk(ids []int64) error {
	all := slices.Clone(ids)
	err := inChunks(ids, func(marks string, args []any) error {
		alike, err := column[int64](n.c, `SELECT b.id FROM articles a CROSS JOIN articles b
			WHERE b.published = a.published AND b.canonical = a.canonical AND b.title = a.title AND b.id <> a.id AND a.id IN (`+marks+`)`, args...)
		all = append(all, alike...)
		return err
	})
	if err != nil {
		return err
	}
	slices.Sort(all)
	all = slices.Compact(all)
	groups := map[string][]named{} // by key, without a number
	err = inChunks(all, func(marks string, args []any) error {
		return n.c.each(func(scan func(...any) error) error {
			var x named
			var p place
			var body string
			var sketch []byte
			var pruned int64
			if err := scan(&x.id, &p.published, &p.canonical, &p.title, &x.site, &x.url, &x.feed, &sketch, &body, &pruned); err != nil {
				return err
			}
			if pruned >= prunedBody { // what is left of it
				body = string(sketch)
			}
			key := p.canonical + "#" + digest(p.published, p.title, body)
			if g := groups[key]; len(g) == 0 || g[len(g)-1].id != x.id {
				groups[key] = append(g, x)
			}
			return nil
		}, `SELECT id, published, canonical, title, site, url, feed, sketch, body, pruned FROM articles WHERE id IN (`+marks+`) ORDER BY id`, args...)
	})
	for key, g := range groups {
		slices.SortFunc(g, func(a, b named) int {
			return cmp.Or(cmp.Compare(a.site, b.site), cmp.Compare(a.url, b.url), cmp.Compare(a.feed, b.feed), cmp.Compare(a.id, b.id))
		})
		for i, x := range g {
			n.articles[x.id] = key
			if i > 0 {
				n.articles[x.id] = key + "~" + strconv.Itoa(i+1)
			}
		}
	}
	return err
}

// digest is of what an article says and when. 128 bits of SHA-256 name a text as well as all of them would, and are shorter.
func digest(published int64, title, body string) string {
	h := sha256.New()
	h.Write([]byte(strconv.FormatInt(published, 10) + "\x00" + title + "\x00" + body)) // no title has a NUL
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// nameStories finds the keys of stories that stand.
func (n *namer) nameStories(ids []int64) error {
	of := map[int64]int64{}
	for _, id := range unnamed(n.stories, ids) {
		of[id] = id
	}
	return n.nameFirsts(n.stories, of)
}

// nameEvents finds the keys of events.
func (n *namer) nameEvents(ids []int64) error {
	of := map[int64]int64{}
	err := inChunks(unnamed(n.events, ids), func(marks string, args []any) error {
		for _, q := range []string{`SELECT id, event FROM stories WHERE event <> 0 AND event IN (`, `SELECT id, id FROM stories WHERE event = 0 AND id IN (`} {
			err := n.c.each(func(scan func(...any) error) error {
				var story, event int64
				err := scan(&story, &event)
				of[story] = event
				return err
			}, q+marks+`)`, args...)
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return n.nameFirsts(n.events, of)
}

// nameFirsts names groups of stories by the first article of each: of says of stories in which group they are.
func (n *namer) nameFirsts(known map[int64]string, of map[int64]int64) error {
	at := map[int64]place{}
	firsts := map[int64][]int64{} // of each group the first article; several, where their keys decide
	err := inChunks(slices.Sorted(maps.Keys(of)), func(marks string, args []any) error {
		return n.c.each(func(scan func(...any) error) error {
			var story, id int64
			var p place
			if err := scan(&story, &id, &p.published, &p.canonical, &p.title); err != nil {
				return err
			}
			group := of[story]
			was, begun := at[group]
			switch before := p.compare(was); {
			case !begun || before < 0:
				at[group], firsts[group] = p, []int64{id}
			case before == 0:
				firsts[group] = append(firsts[group], id)
			}
			return nil
		}, `SELECT story, id, published, canonical, title FROM articles WHERE story IN (`+marks+`)`, args...)
	})
	if err != nil {
		return err
	}
	if err := n.nameArticles(slices.Concat(slices.Collect(maps.Values(firsts))...)); err != nil {
		return err
	}
	for group, ids := range firsts {
		keys := make([]string, len(ids))
		for i, id := range ids {
			keys[i] = n.articles[id]
		}
		known[group] = slices.Min(keys)
	}
	return nil
}
