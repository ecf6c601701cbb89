package dedup

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// EventDoc is what the event index knows of an article.
type EventDoc struct {
	ID        int64     // of the article; 0: it is not told of again
	Event     int64     // 0: none yet
	Published time.Time // zero: unknown
	Seen      time.Time // zero: unknown. A document without any time is near every event in time
	Terms     []byte    // made by Terms
}

func (d EventDoc) when() int64 {
	return Doc{Published: d.Published, Seen: d.Seen}.unix()
}

func (d Doc) unix() int64 {
	if w := d.when(); !w.IsZero() {
		return w.Unix()
	}
	return noTime
}

// EventDecision says which event a document tells of.
type EventDecision struct {
	Event int64   // 0: it opens one
	Of    int64   // the first article of the event, where that has an ID
	Score float64 // mean likeness to the articles of the event, 0 to 1

	// Merge lists further events that this document shows to be the same as Event, in ascending order.
	Merge []int64
}

// EventOptions are the settings of Events; the zero value of each means its default.
type EventOptions struct {
	// Window is how long after its last article an event is over; default 7 days.
	Window time.Duration
	// Most bounds how many events are kept in memory; those whose last article is oldest go first. Default 50,000.
	Most int
}

// What it takes to be of one event. Measured on the development data; see the test for the figures they give.
const (
	joinEvent = 0.18 // mean likeness of the articles …
	// … and for two events that each have so many articles, this share of the likeness that the articles of each have among
	// themselves: two fires in one town are like each other, but not as the reports of one of them are.
	cohesive    = 0.65
	established = 4

	// What words are telling is not known before so many documents; until then, it takes up to that much more likeness.
	unlearned = 20
	cautious  = 3

	perVector  = 96  // heaviest terms of an article that count
	perEvent   = 192 // and of an event
	searched   = 24  // heaviest terms by which events are looked for
	mostListed = 256 // of the events with a term, the newest
	mostLike   = 24  // events compared in full
	rareTerm   = 0.5 // added to every count, so that a term that nobody had before has a weight
	sweepEvery = 4096
	forgetting = 0.8 // what counts of terms keep at a sweep
)

// strictness is what two events have to be more than alike enough to be one.
type strictness struct {
	alike       float64 // factor on the likeness
	established float64 // articles from which on an event has to be …
	cohesive    float64 // … this share as like the other as its articles are among themselves
}

// atLeisure is for input that is all known; atOnce for an article that is decided on with nothing of what comes later known: what is put
// together then by mistake stays so, and draws more after it.
var (
	atLeisure = strictness{1, established, cohesive}
	atOnce    = strictness{1.15, 2, 0.8}
)

// joins are the thresholds of languages that differ: where endings carry more of the grammar, the stems that are left say more.
var joins = map[string]float64{"ru": 0.38, "uk": 0.38, "be": 0.38, "bg": 0.38}

// Events groups articles by what happened, from the terms that they have in common. An event is the sum of its articles'
// vectors (TF-IDF, of unit length), so that the mean likeness of an article to all articles of an event is one product
// (average linkage, Sokal and Michener 1958). How telling a term is, it learns from what is added, for each language by
// itself; articles of two languages are never of one event. Memory is bounded by Most. It is not safe for concurrent
// use: its owner decides and adds under the lock that orders its writes. The same documents in the same order always
// give the same decisions.
type Events struct {
	window int64 // seconds
	most   int
	langs  map[string]*lexis
	at     map[int64]*lexis // by event
	event  map[int64]int64  // by article: the event it was put into
	into   map[int64]int64  // by event: what it was merged into
	added  int              // since the last sweep
}

// lexis is the vocabulary and the events of one language.
type lexis struct {
	join  float64
	docs  float64 // documents learned, forgotten ones in part
	terms map[uint32]uint32
	hash  []uint32  // by term
	df    []float32 // by term: documents with it
	post  [][]uint32
	slots []happening
	slot  map[int64]uint32
	free  []uint32

	// Scratch space, zero between calls.
	query []float32 // by term
	votes []float32 // by slot
	voted []uint32
}

// happening is an event: what its articles have in common.
type happening struct {
	id          int64
	of          int64   // its first article
	n           float64 // articles
	norm        float64 // of the sum, squared
	sum         []weighted
	days        []uint16 // of the year that titles of its articles name, ascending
	first, last int64    // Unix seconds; noTime: no article with a time
}

type weighted struct {
	term   uint32
	weight float32
}

// NewEvents makes an empty index of events.
func NewEvents(o EventOptions) *Events {
	if o.Window <= 0 {
		o.Window = 7 * 24 * time.Hour
	}
	if o.Most <= 0 {
		o.Most = 50_000
	}
	return &Events{window: int64(o.Window / time.Second), most: o.Most, langs: map[string]*lexis{}, at: map[int64]*lexis{}, event: map[int64]int64{}, into: map[int64]int64{}}
}

// Len is the number of events in memory.
func (x *Events) Len() int { return len(x.at) }

func (x *Events) lexis(lang string) *lexis {
	l := x.langs[lang]
	if l == nil {
		l = &lexis{join: joinEvent, terms: map[uint32]uint32{}, slot: map[int64]uint32{}}
		if j, ok := joins[lang]; ok {
			l.join = j
		}
		x.langs[lang] = l
	}
	return l
}

// Decide says of which event d is, without adding it. A document without terms opens an event of its own.
func (x *Events) Decide(d EventDoc) EventDecision {
	lang, terms, days := decodeTerms(d.Terms)
	l := x.langs[lang]
	if l == nil || len(terms) == 0 {
		return EventDecision{}
	}
	one := l.single(terms, days, d.when(), 1)
	near := x.near(l, &one, atOnce)
	if len(near) == 0 {
		return EventDecision{}
	}
	best := &l.slots[near[0].slot]
	out := EventDecision{Event: best.id, Of: best.of, Score: min(near[0].score, 1)}
	if len(near) == 1 {
		return out
	}
	joined := best.with(&one)
	for _, c := range near[1:] {
		if h := &l.slots[c.slot]; x.one(l, &joined, h, joined.dot(h)/(joined.n*h.n), atOnce) {
			out.Merge = append(out.Merge, h.id)
		}
	}
	slices.Sort(out.Merge)
	return out
}

// Learn counts the terms of d as in use, without putting it into an event: for input that is known before it is decided on.
func (x *Events) Learn(d EventDoc) {
	lang, terms, _ := decodeTerms(d.Terms)
	x.lexis(lang).learn(terms)
}

// Add learns the terms of d and puts it into its event.
func (x *Events) Add(d EventDoc) {
	x.Learn(d)
	x.Put(d)
	if x.added++; x.added >= sweepEvery {
		x.sweep()
	}
}

// Put puts d into its event without learning its terms.
func (x *Events) Put(d EventDoc) {
	lang, terms, days := decodeTerms(d.Terms)
	if d.Event == 0 || len(terms) == 0 {
		return
	}
	l := x.lexis(lang)
	one := l.single(terms, days, d.when(), 0)
	if len(one.sum) == 0 {
		return
	}
	d.Event = x.stands(d.Event)
	one.id, one.of = d.Event, d.ID
	if d.ID != 0 {
		x.event[d.ID] = d.Event
	}
	if at := x.at[d.Event]; at != nil && at != l {
		return // a story that was joined by hand with one in another language: its event keeps its first language
	}
	x.at[d.Event] = l
	n, ok := l.slot[d.Event]
	if !ok {
		l.insert(one)
		return
	}
	l.replace(n, l.slots[n].with(&one))
}

// Merge makes the event from part of the event into.
func (x *Events) Merge(from, into int64) {
	from, into = x.stands(from), x.stands(into)
	if from == into {
		return
	}
	x.into[from] = into
	a := x.at[from]
	if a == nil {
		return
	}
	n := a.slot[from]
	h := a.slots[n]
	a.remove(n)
	delete(x.at, from)
	switch b := x.at[into]; b {
	case nil:
		h.id = into // known by an article of the other's: it goes by the number that stands
		x.at[into] = a
		a.insert(h)
	case a:
		m := a.slot[into]
		a.replace(m, a.slots[m].with(&h))
	}
}

// stands is the event that an event was merged into, or itself.
func (x *Events) stands(event int64) int64 {
	for {
		e, ok := x.into[event]
		if !ok {
			return event
		}
		event = e
	}
}

// Move says of which event an article is now: what was its event has been merged into that one. Articles that were never put into
// an event are no matter.
func (x *Events) Move(article, event int64) {
	if e, ok := x.event[article]; ok && event != 0 {
		x.Merge(e, event)
	}
}

// Drop takes an article out of what Move looks at: it says no more what becomes of the event that it was put into. Its words stay there.
func (x *Events) Drop(article int64) { delete(x.event, article) }

// Window is how long after its last article an event is over.
func (x *Events) Window() time.Duration { return time.Duration(x.window) * time.Second }

// Forget drops the events whose last article is from before t. Events without any time stay until there are too many.
func (x *Events) Forget(t time.Time) {
	before := t.Unix()
	for _, id := range x.ids() {
		l := x.at[id]
		if n := l.slot[id]; l.slots[n].last != noTime && l.slots[n].last < before {
			l.remove(n)
			delete(x.at, id)
		}
	}
	x.tidy()
}

// tidy forgets what is known of articles and merges of events that are gone.
func (x *Events) tidy() {
	for article, e := range x.event {
		if x.at[x.stands(e)] == nil {
			delete(x.event, article)
		} else {
			x.event[article] = x.stands(e)
		}
	}
	for from, into := range x.into {
		if s := x.stands(into); x.at[s] != nil {
			x.into[from] = s
		}
	}
	for from, into := range x.into {
		if x.at[into] == nil {
			delete(x.into, from)
		}
	}
}

// ids lists the events in ascending order.
func (x *Events) ids() []int64 {
	ids := make([]int64, 0, len(x.at))
	for id := range x.at {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

// Joined says that an event was merged into another, and how alike the articles of the two are.
type Joined struct {
	From, Into int64
	Score      float64 // 0 to 1
}

// Settle puts together all events that are one by what is known now, the most alike first, and returns which went into
// which. It looks at everything again, so it is for input that is all there.
func (x *Events) Settle() (merged []Joined) {
	langs := make([]string, 0, len(x.langs))
	for lang := range x.langs {
		langs = append(langs, lang)
	}
	slices.Sort(langs)
	for _, lang := range langs {
		merged = append(merged, x.settle(x.langs[lang])...)
	}
	return merged
}

// single is the event of one article, which is learned already or (with pending 1) not yet. Terms that nobody had before are
// numbered from the end of the vocabulary.
func (l *lexis) single(terms []termWeight, days []uint16, when int64, pending float64) happening {
	h := happening{n: 1, first: when, last: when, days: days}
	h.sum = make([]weighted, 0, len(terms))
	fresh := uint32(len(l.hash))
	for _, t := range terms {
		i, ok := l.terms[t.hash]
		df := pending
		if ok {
			df += float64(l.df[i])
		} else {
			i = fresh
			fresh++
		}
		// How telling a term is: the logarithm of how many documents there are to one that has it.
		if w := t.weight * float32(math.Log((l.docs+pending+1)/(df+rareTerm))); w > 0 {
			h.sum = append(h.sum, weighted{i, w})
		}
	}
	h.sum = heaviest(h.sum, perVector)
	var norm float64
	for _, w := range h.sum {
		norm += float64(w.weight) * float64(w.weight)
	}
	if norm == 0 {
		h.sum = nil
		return h
	}
	by := float32(1 / math.Sqrt(norm))
	for i := range h.sum {
		h.sum[i].weight *= by
	}
	h.norm = 1
	return h
}

// heaviest keeps the n heaviest terms, in the order of their numbers. It sorts whole numbers, which is several times as fast as
// comparing terms: weights are above zero, and the bits of such a float have its order.
func heaviest(ws []weighted, n int) []weighted {
	if len(ws) <= n && slices.IsSortedFunc(ws, func(a, b weighted) int { return cmp.Compare(a.term, b.term) }) {
		return ws
	}
	keys := make([]uint64, len(ws))
	if len(ws) > n {
		for i, w := range ws {
			keys[i] = uint64(^math.Float32bits(w.weight))<<32 | uint64(w.term)
		}
		slices.Sort(keys)
		keys = keys[:n]
		for i, k := range keys {
			keys[i] = k<<32 | uint64(^uint32(k>>32))
		}
	} else {
		for i, w := range ws {
			keys[i] = uint64(w.term)<<32 | uint64(math.Float32bits(w.weight))
		}
	}
	slices.Sort(keys)
	for i, k := range keys {
		ws[i] = weighted{uint32(k >> 32), math.Float32frombits(uint32(k))}
	}
	return ws[:len(keys)]
}

func (l *lexis) learn(terms []termWeight) {
	l.docs++
	for _, t := range terms {
		i, ok := l.terms[t.hash]
		if !ok {
			i = uint32(len(l.hash))
			l.terms[t.hash] = i
			l.hash = append(l.hash, t.hash)
			l.df = append(l.df, 0)
			l.post = append(l.post, nil)
			l.query = append(l.query, 0)
		}
		l.df[i]++
	}
}

// with is h and o together.
func (h *happening) with(o *happening) happening {
	out := *h
	out.n += o.n
	out.norm += o.norm + 2*h.dot(o)
	out.sum = make([]weighted, 0, len(h.sum)+len(o.sum))
	a, b := h.sum, o.sum
	for len(a) > 0 && len(b) > 0 {
		switch {
		case a[0].term < b[0].term:
			out.sum = append(out.sum, a[0])
			a = a[1:]
		case a[0].term > b[0].term:
			out.sum = append(out.sum, b[0])
			b = b[1:]
		default:
			out.sum = append(out.sum, weighted{a[0].term, a[0].weight + b[0].weight})
			a, b = a[1:], b[1:]
		}
	}
	out.sum = heaviest(append(append(out.sum, a...), b...), perEvent)
	out.days = union(h.days, o.days)
	if out.last = max(h.last, o.last); h.first == noTime || o.first != noTime && o.first < h.first {
		out.first = o.first
	}
	return out
}

// dot is the product of two sums.
func (h *happening) dot(o *happening) float64 {
	var s float64
	a, b := h.sum, o.sum
	for len(a) > 0 && len(b) > 0 {
		switch {
		case a[0].term < b[0].term:
			a = a[1:]
		case a[0].term > b[0].term:
			b = b[1:]
		default:
			s += float64(a[0].weight) * float64(b[0].weight)
			a, b = a[1:], b[1:]
		}
	}
	return s
}

// cohesion is the mean likeness of the articles of an event to each other.
func (h *happening) cohesion() float64 {
	return (h.norm - h.n) / (h.n * (h.n - 1))
}

// one says whether two happenings with this mean likeness are the same.
func (x *Events) one(l *lexis, a, b *happening, like float64, by strictness) bool {
	if otherDays(a.days, b.days) {
		return false // the weather of two days: alike in all but that
	}
	unsure := unlearned / (unlearned + l.docs)
	need := l.join * by.alike * (1 + cautious*unsure*unsure)
	if a.last != noTime && b.last != noTime {
		gap := max(a.first-b.last, b.first-a.last, 0)
		if gap > x.window {
			return false
		}
		need *= 1 + float64(gap)/float64(x.window) // what is older has to be more alike
	}
	if like < need {
		return false
	}
	return a.n < by.established || b.n < by.established || like >= by.cohesive*math.Sqrt(max(0, a.cohesion()*b.cohesion()))
}

// rival is an event that is the same as another by what is known.
type rival struct {
	slot  uint32
	score float64
}

// near lists the events that are one with h, the most alike first. It leaves out h itself.
func (x *Events) near(l *lexis, h *happening, by strictness) []rival {
	for len(l.votes) < len(l.slots) {
		l.votes = append(l.votes, 0)
	}
	top := h.sum
	if len(top) > searched {
		top = heaviest(slices.Clone(top), searched)
	}
	l.voted = l.voted[:0]
	known := uint32(len(l.hash))
	for _, w := range top {
		if w.term >= known {
			continue
		}
		list := l.post[w.term]
		for _, s := range list[max(0, len(list)-mostListed):] {
			if l.votes[s] == 0 {
				l.voted = append(l.voted, s)
			}
			l.votes[s] += w.weight * w.weight
		}
	}
	likely := l.likely(h.id)
	terms := h.sum
	for len(terms) > 0 && terms[len(terms)-1].term >= known {
		terms = terms[:len(terms)-1]
	}
	for _, w := range terms {
		l.query[w.term] = w.weight
	}
	var out []rival
	for _, s := range likely {
		c := &l.slots[s]
		var like float64
		for _, w := range c.sum {
			like += float64(w.weight) * float64(l.query[w.term])
		}
		if like /= h.n * c.n; x.one(l, h, c, like, by) {
			out = append(out, rival{s, like})
		}
	}
	for _, w := range terms {
		l.query[w.term] = 0
	}
	slices.SortFunc(out, func(a, b rival) int {
		return cmp.Or(cmp.Compare(b.score, a.score), cmp.Compare(l.slots[a.slot].id, l.slots[b.slot].id))
	})
	return out
}

// likely takes the votes and returns the slots with most of them, except that of the event itself.
func (l *lexis) likely(itself int64) []uint32 {
	type slot struct {
		n     uint32
		votes float32
	}
	top := make([]slot, 0, mostLike+1)
	for _, s := range l.voted {
		v := l.votes[s]
		l.votes[s] = 0
		if c := &l.slots[s]; c.n == 0 || c.id == itself {
			continue
		}
		if len(top) == mostLike && v <= top[mostLike-1].votes {
			continue
		}
		i := len(top)
		for i > 0 && v > top[i-1].votes {
			i--
		}
		if top = slices.Insert(top, i, slot{s, v}); len(top) > mostLike {
			top = top[:mostLike]
		}
	}
	out := make([]uint32, len(top))
	for i, t := range top {
		out[i] = t.n
	}
	return out
}

func (l *lexis) insert(h happening) uint32 {
	var n uint32
	if k := len(l.free); k > 0 {
		n = l.free[k-1]
		l.free = l.free[:k-1]
		l.slots[n] = h
	} else {
		n = uint32(len(l.slots))
		l.slots = append(l.slots, h)
	}
	l.slot[h.id] = n
	for _, w := range h.sum {
		l.post[w.term] = append(l.post[w.term], n)
	}
	return n
}

// replace puts h, which is more of the same, into a slot. Terms that it has dropped stay listed until the next sweep: they bring
// it into a comparison, and no further.
func (l *lexis) replace(n uint32, h happening) {
	old := l.slots[n].sum
	for _, w := range h.sum {
		for len(old) > 0 && old[0].term < w.term {
			old = old[1:]
		}
		if len(old) == 0 || old[0].term != w.term {
			l.post[w.term] = append(l.post[w.term], n)
		}
	}
	l.slots[n] = h
}

func (l *lexis) remove(n uint32) {
	for _, w := range l.slots[n].sum {
		l.post[w.term] = slices.DeleteFunc(l.post[w.term], func(s uint32) bool { return s == n })
	}
	delete(l.slot, l.slots[n].id)
	l.slots[n] = happening{}
	l.free = append(l.free, n)
}
