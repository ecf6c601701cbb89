package dedup

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
	"time"
)

// input is a line of the filter; fields it does not know are ignored.
type input struct {
	ID        ident  `json:"id"`
	URL       string `json:"url"`
	Site      string `json:"site"`
	Title     string `json:"title"`
	Text      string `json:"text"`
	Body      string `json:"body"`
	Published string `json:"published"`
	Date      string `json:"date"`
	Lang      string `json:"lang"`
}

// ident is a document's id: a string, or a number, which comes out as the string of its digits.
type ident string

func (i *ident) UnmarshalJSON(b []byte) error {
	if bytes.HasPrefix(b, []byte(`"`)) {
		return json.Unmarshal(b, (*string)(i))
	}
	var n json.Number
	if err := json.Unmarshal(b, &n); err != nil {
		return fmt.Errorf("an id is text or a number")
	}
	*i = ident(n)
	return nil
}

// output is a line of the answer. Story and event are the id of the first document in them.
type output struct {
	ID       ident   `json:"id"`
	Story    ident   `json:"story"`
	Event    ident   `json:"event"`
	Relation string  `json:"relation"`
	Of       ident   `json:"of"`
	Score    float64 `json:"score"`
}

// failure is the answer to a line that cannot be read.
type failure struct {
	ID   ident  `json:"id"`
	Line int    `json:"line"`
	Err  string `json:"err"`
}

// Lines is the filter `wirewatch dedup --jsonl`: documents in, one a line, decisions out in the same order. With stream
// it answers each line at once from what came before. Without, it reads everything first and looks a second time,
// so that stories which turned out to be one are one in every line. A bad line is answered by an
// error and the run goes on; the error returned is one of reading or writing.
func Lines(r io.Reader, w io.Writer, stream bool) error {
	l := &lines{x: New(Options{}), events: NewEvents(EventOptions{}), out: json.NewEncoder(w), known: map[ident]bool{}, stream: stream}
	l.out.SetEscapeHTML(false)
	in := bufio.NewReaderSize(r, 1<<16)
	var later []any
	for n := 1; ; n++ {
		line, err := in.ReadBytes('\n')
		if len(bytes.TrimSpace(line)) > 0 {
			answer := l.take(n, line)
			if stream {
				if d, ok := answer.(*Doc); ok {
					answer = l.answer(*d, l.decisions[d.ID])
				}
				if err := l.out.Encode(answer); err != nil {
					return fmt.Errorf("write decision: %w", err)
				}
			} else {
				later = append(later, answer)
			}
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return fmt.Errorf("read documents: %w", err)
		}
	}
	if stream {
		return nil
	}
	var docs []*Doc
	for _, a := range later {
		if d, ok := a.(*Doc); ok {
			docs = append(docs, d)
		}
	}
	l.again(docs)
	l.group(docs)
	for _, a := range later {
		if d, ok := a.(*Doc); ok {
			a = l.answer(*d, l.decisions[d.ID])
		}
		if err := l.out.Encode(a); err != nil {
			return fmt.Errorf("write decision: %w", err)
		}
	}
	return nil
}

// lines is a run of the filter. Documents are numbered from 1 as they come, and a story is the number of its first one.
type lines struct {
	x         *Index
	events    *Events
	stream    bool
	out       *json.Encoder
	known     map[ident]bool
	ids       []ident // by number - 1
	decisions []Decision
	about     []EventDoc      // by number
	tells     []int64         // by number of a story: its event
	told      map[int64]int64 // by number of an event: the one it was merged into
	into      []int64         // by number: the story a story was merged into, or itself
	members   map[int64][]int64
}

// take decides on a line and learns from it. It returns the document, or what is wrong with the line.
func (l *lines) take(n int, line []byte) any {
	var in input
	if err := json.Unmarshal(line, &in); err != nil {
		return failure{in.ID, n, "not a document: " + err.Error()}
	}
	if in.ID == "" || l.known[in.ID] {
		msg := "the id is missing"
		if in.ID != "" {
			msg = "the id stands here a second time"
		}
		return failure{in.ID, n, msg}
	}
	l.known[in.ID] = true
	body := in.Text
	if body == "" {
		body = in.Body
	}
	when := in.Published
	if when == "" {
		when = in.Date
	}
	site := in.Site
	if site == "" {
		if u, err := url.Parse(Canonical(in.URL)); err == nil {
			site = u.Host
		}
	}
	if body == "" { // a headline alone is still something to compare
		body = in.Title
	}
	return l.enter(Doc{URL: in.URL, Site: site, Lang: in.Lang, Published: parseTime(when), Sketch: Sketch(in.Title, body, in.Lang)}, in.ID, Terms(in.Title, body, in.Lang))
}

// enter numbers a document, decides on it and learns it.
func (l *lines) enter(d Doc, name ident, terms []byte) *Doc {
	if l.ids == nil {
		l.members = map[int64][]int64{}
		l.told = map[int64]int64{}
		l.decisions, l.into, l.about, l.tells = []Decision{{}}, []int64{0}, []EventDoc{{}}, []int64{0}
	}
	l.ids = append(l.ids, name)
	d.ID, d.Story = int64(len(l.ids)), 0
	l.decisions = append(l.decisions, Decision{})
	l.into = append(l.into, d.ID)
	l.about = append(l.about, EventDoc{Published: d.Published, Terms: terms})
	l.tells = append(l.tells, 0)
	l.learn(&d, l.x.Decide(d))
	if l.stream {
		l.tell(&d)
	}
	return &d
}

// learn puts d into the story of its decision, and stories together that turned out to be one.
func (l *lines) learn(d *Doc, c Decision) {
	d.Story = d.ID
	if c.Story != 0 {
		d.Story = c.Story
	}
	l.decisions[d.ID] = c
	l.x.Add(*d)
	l.members[d.Story] = append(l.members[d.Story], d.ID)
	for _, s := range c.Merge {
		l.merge(d.Story, s)
	}
}

// merge makes two stories one; the earlier one stands.
func (l *lines) merge(a, b int64) {
	a, b = l.story(a), l.story(b)
	if a == b {
		return
	}
	a, b = min(a, b), max(a, b)
	l.into[b] = a
	for _, id := range l.members[b] {
		l.x.Move(id, a)
	}
	l.members[a] = append(l.members[a], l.members[b]...)
	delete(l.members, b)
}

func (l *lines) story(s int64) int64 {
	for l.into[s] != s {
		s = l.into[s]
	}
	return s
}

// again decides on every document with all others known, and puts together the stories that this shows to be one. A
// document that opened a story and then turned out to belong to an earlier one is told as what it is to that one.
func (l *lines) again(docs []*Doc) {
	for _, d := range docs {
		d.Story = l.story(d.Story)
		c := l.x.Decide(*d)
		if c.Story == 0 {
			continue
		}
		// A text of two reports stands in the story of one and is like the other's too: that does not make one of them.
		if c.Story != d.Story && !slices.Contains(c.Merge, d.Story) && d.Story != d.ID {
			continue
		}
		for _, s := range append(c.Merge, c.Story) {
			l.merge(d.Story, s)
		}
	}
	for _, d := range docs {
		c := &l.decisions[d.ID]
		s := l.story(d.Story)
		if s == d.ID || c.Story != 0 {
			continue
		}
		late := l.x.Decide(*d)
		if late.Story == 0 || late.Of > d.ID {
			late = Decision{Relation: RelCopy, Of: s, Score: late.Score} // like a later one only, and so part of its story
		}
		*c = late
	}
}

// tell finds the event of a document that has just come. Only the first article of a story has a say in it: copies would make
// their wording the event's.
func (l *lines) tell(d *Doc) {
	c := &l.decisions[d.ID]
	if c.Story != 0 {
		for _, s := range c.Merge {
			l.unite(l.tells[s], l.tells[c.Story])
		}
		return
	}
	about := l.about[d.ID]
	e := l.events.Decide(about)
	if about.Event = d.ID; e.Event != 0 {
		about.Event = e.Event
		if c.Relation == RelNew {
			*c = Decision{Relation: RelSameEvent, Of: e.Event, Score: e.Score}
		}
	}
	l.events.Add(about)
	l.tells[d.ID] = about.Event
	for _, m := range e.Merge {
		l.unite(m, about.Event)
	}
}

// unite makes two events one; the earlier one stands.
func (l *lines) unite(a, b int64) {
	a, b = l.event(a), l.event(b)
	if a == b {
		return
	}
	l.told[max(a, b)] = min(a, b)
	l.events.Merge(max(a, b), min(a, b))
}

func (l *lines) event(e int64) int64 {
	for l.told[e] != 0 {
		e = l.told[e]
	}
	return e
}

// group finds the events of stories that are all known.
func (l *lines) group(docs []*Doc) {
	for _, d := range docs {
		l.events.Learn(l.about[d.ID])
	}
	for _, d := range docs {
		s := l.story(d.Story)
		l.tells[s] = s
		about := l.about[d.ID]
		about.Event = s
		l.events.Put(about)
	}
	score := map[int64]float64{}
	for _, m := range l.events.Settle() {
		l.told[m.From], score[m.From] = m.Into, m.Score
	}
	for _, d := range docs {
		c := &l.decisions[d.ID]
		if e := l.event(l.story(d.Story)); c.Relation == RelNew && e != d.ID {
			*c = Decision{Relation: RelSameEvent, Of: e, Score: score[d.ID]}
		}
	}
}

// answer words a decision.
func (l *lines) answer(d Doc, c Decision) output {
	s := l.ids[l.story(d.Story)-1]
	o := output{ID: l.ids[d.ID-1], Relation: c.Relation, Score: c.Score}
	if c.Of != 0 {
		o.Of = l.ids[c.Of-1]
	}
	o.Story = s
	o.Event = l.ids[l.event(l.tells[l.story(d.Story)])-1]
	return o
}

// parseTime reads RFC 3339 or a bare date; anything else is no time.
func parseTime(s string) time.Time {
	s = strings.TrimSpace(s)
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", time.DateTime, time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil {
			return t
		}
	}
	return time.Time{}
}
