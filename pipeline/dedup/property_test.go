package dedup

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// desk is a reader of the index who keeps stories as the daemon does: joins, and stories that turn out to be one.
type desk struct {
	x     *Index
	docs  map[int64]Doc // with their stories
	order []int64
}

func newDesk() *desk { return &desk{x: New(Options{}), docs: map[int64]Doc{}} }

func (k *desk) take(d Doc) Decision {
	c := k.x.Decide(d)
	d.Story = d.ID
	if c.Story != 0 {
		d.Story = c.Story
	}
	k.docs[d.ID] = d
	k.order = append(k.order, d.ID)
	k.x.Add(d)
	for _, s := range c.Merge {
		for id, o := range k.docs {
			if o.Story == s {
				k.move(id, d.Story)
			}
		}
	}
	return c
}

func (k *desk) move(id, story int64) {
	d := k.docs[id]
	d.Story = story
	k.docs[id] = d
	k.x.Move(id, story)
}

func (k *desk) remove(id int64) {
	delete(k.docs, id)
	k.x.Remove(id)
}

// rebuilt is an index filled anew from what is known, in the order of IDs as the store gives it.
func (k *desk) rebuilt() *Index {
	x := New(Options{})
	for _, id := range slices.Sorted(maps.Keys(k.docs)) {
		x.Add(k.docs[id])
	}
	return x
}

// bcubed is the F1 of one clustering against another, both by document.
func bcubed(got, want map[int64]int64) float64 {
	g, w, both := map[int64]float64{}, map[int64]float64{}, map[[2]int64]float64{}
	for id := range want {
		g[got[id]]++
		w[want[id]]++
		both[[2]int64{got[id], want[id]}]++
	}
	var p, r float64
	for k, n := range both {
		p += n * n / g[k[0]]
		r += n * n / w[k[1]]
	}
	p, r = p/float64(len(want)), r/float64(len(want))
	return 2 * p * r / (p + r)
}

// A crash and a rebuild make the same index, whatever had been added, moved and taken out in whatever order.
func TestRebuildDecidesTheSame(t *testing.T) {
	for seed := range uint64(2) {
		r := rand.New(rand.NewPCG(seed, 3))
		p := newWire(seed)
		k := newDesk()
		var last time.Time
		for range 1500 {
			switch n := r.IntN(20); {
			case n < 15 || len(k.docs) < 50:
				d, _ := p.next()
				k.take(d)
				last = d.Seen
			case n < 17: // again, with another text
				id := k.order[r.IntN(len(k.order))]
				if d, ok := k.docs[id]; ok {
					e, _ := p.next()
					d.Sketch = e.Sketch
					k.docs[id] = d
					k.x.Add(d)
				}
			case n < 18:
				k.remove(k.order[r.IntN(len(k.order))])
			case n < 19: // by hand
				a, b := k.order[r.IntN(len(k.order))], k.order[r.IntN(len(k.order))]
				if d, ok := k.docs[b]; ok && k.docs[a].ID != 0 {
					k.move(a, d.Story)
				}
			default:
				before := last.Add(-8 * time.Hour)
				n := 0
				for id, d := range k.docs {
					if d.Seen.Before(before) {
						delete(k.docs, id)
						n++
					}
				}
				if got := k.x.Expire(before); got != n {
					t.Fatalf("%d expired, want %d", got, n)
				}
			}
		}
		y := k.rebuilt()
		if k.x.Len() != y.Len() || k.x.Len() != len(k.docs) || k.x.post.len() != y.post.len() {
			t.Fatalf("%d documents and %d postings, rebuilt %d and %d, want %d", k.x.Len(), k.x.post.len(), y.Len(), y.post.len(), len(k.docs))
		}
		ask := slices.Collect(maps.Values(k.docs))
		for range 300 {
			d, _ := p.next()
			ask = append(ask, d)
		}
		joined := 0
		for _, d := range ask {
			a, b, again := k.x.Decide(d), y.Decide(d), k.x.Decide(d)
			if fmt.Sprint(a) != fmt.Sprint(b) || fmt.Sprint(a) != fmt.Sprint(again) {
				t.Fatalf("document %d: %+v, rebuilt %+v, again %+v", d.ID, a, b, again)
			}
			if a.Story != 0 {
				joined++
			}
		}
		if joined < 20 {
			t.Fatalf("%d joined only", joined)
		}
	}
}

// The order in which documents arrive changes next to nothing: the clusters of any two orders agree to a BCubed of .98 at
// least, those of the whole filter, which looks twice, to .99.
func TestOrderOfArrival(t *testing.T) {
	for seed := range uint64(2) {
		p := newWire(seed + 10)
		var docs []Doc
		gold := map[int64]int64{}
		for range 1200 {
			d, of := p.next()
			docs = append(docs, d)
			gold[d.ID] = of
		}
		var first [2]map[int64]int64
		r := rand.New(rand.NewPCG(seed, 4))
		for round := range 3 {
			stream, whole := newDesk(), wholeStories(docs)
			for _, d := range docs {
				stream.take(d)
			}
			got := [2]map[int64]int64{{}, whole}
			for id, d := range stream.docs {
				got[0][id] = d.Story
			}
			if round == 0 {
				first = got
			}
			a, b := bcubed(got[0], first[0]), bcubed(got[1], first[1])
			t.Logf("order %d: stream %.4f whole %.4f of the first's, %.4f %.4f of the truth", round, a, b, bcubed(got[0], gold), bcubed(got[1], gold))
			if a < .98 || b < .99 {
				t.Errorf("the order of arrival shows: %.4f, %.4f", a, b)
			}
			r.Shuffle(len(docs), func(i, j int) { docs[i], docs[j] = docs[j], docs[i] })
		}
	}
}

// wholeStories is what the filter says after all of its input, by the documents' own IDs.
func wholeStories(docs []Doc) map[int64]int64 {
	l := &lines{x: New(Options{}), known: map[ident]bool{}}
	var list []*Doc
	for _, d := range docs {
		d := l.enter(d, ident(fmt.Sprint(d.ID)), nil)
		list = append(list, d)
	}
	l.again(list)
	out := map[int64]int64{}
	for i, d := range docs {
		out[d.ID] = l.story(list[i].Story)
	}
	return out
}

// Of two documents alone, it does not matter which came first.
func TestJoiningIsSymmetric(t *testing.T) {
	p := newWire(20)
	var docs []Doc
	for range 400 {
		d, _ := p.next()
		docs = append(docs, d)
	}
	joined, excerpts := 0, 0
	for i := range docs {
		for j := max(0, i-40); j < i; j++ {
			decide := func(a, b Doc) Decision {
				x := New(Options{})
				a.Story = a.ID
				x.Add(a)
				return x.Decide(b)
			}
			ab, ba := decide(docs[i], docs[j]), decide(docs[j], docs[i])
			if ab.Relation != ba.Relation || ab.Score != ba.Score || (ab.Story == 0) != (ba.Story == 0) {
				t.Fatalf("%d and %d: %+v, the other way %+v", docs[i].ID, docs[j].ID, ab, ba)
			}
			if ab.Story != 0 {
				joined++
			}
			if ab.Relation == RelExcerpt {
				excerpts++
			}
		}
	}
	if joined < 20 {
		t.Fatalf("%d pairs joined only", joined)
	}
	t.Logf("%d joined, %d excerpts", joined, excerpts)
}

// wire makes real text: stories written from words of its own, carried by sites with changes and boilerplate, a minute
// apart.
type wire struct {
	r    *rand.Rand
	n    int64
	base []string // recent originals
	of   []int64
}

func newWire(seed uint64) *wire { return &wire{r: rand.New(rand.NewPCG(seed, 5))} }

// next makes a document, and says of which first document it is a copy.
func (w *wire) next() (Doc, int64) {
	w.n++
	site := fmt.Sprintf("site%d.example", w.r.IntN(40))
	title := fmt.Sprintf("Headline %d", w.r.IntN(1e6))
	body, of := "", w.n
	if len(w.base) > 5 && w.r.IntN(3) == 0 {
		i := max(0, len(w.base)-1-w.r.IntN(30))
		words := strings.Fields(w.base[i])
		of = w.of[i]
		switch w.r.IntN(5) {
		case 0:
		case 1:
			for k := range words {
				if w.r.IntN(20) == 0 {
					words[k] = fmt.Sprint("edit", w.r.IntN(1000))
				}
			}
		case 2:
			words = words[:max(len(words)/2, min(len(words), 60))]
		case 3:
			words = append(prose(w.r.Uint64(), 30), words[len(words)/6:]...)
		case 4:
			k := len(words) / 2
			words = append(slices.Clone(words[k:]), words[:k]...)
		}
		body = strings.Join(words, " ")
	} else {
		body = strings.Join(prose(w.r.Uint64(), 80+w.r.IntN(500)), " ")
		w.base = append(w.base, body)
		w.of = append(w.of, of)
	}
	for k := range 3 { // what the site repeats
		if w.r.IntN(2) == 0 {
			body += " " + strings.Join(prose(hashString(fmt.Sprint(site, k)), 25), " ")
		}
	}
	at := day.Add(time.Duration(w.n) * time.Minute)
	return Doc{ID: w.n, URL: fmt.Sprintf("https://%s/%d", site, w.n), Site: site, Published: at, Seen: at.Add(time.Minute), Sketch: Sketch(title, body, "")}, of
}
