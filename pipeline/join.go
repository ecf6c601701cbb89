package pipeline

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"wirewatch/pipeline/dedup"
)

// A Placed is an article as a duplicate index sees it, with its place among the stories.
type Placed struct {
	ID, Story                    int64 // Story 0: it has none yet
	Event                        int64
	Canonical, Site, Lang, Title string
	Published, Seen              time.Time
	Taken                        time.Time // when its page was fetched, or archived; zero: it has no page
	Sketch, Terms                []byte
	Body                         string // where terms are not known any more, and the article opened its story or has none
}

// learn works out again what an article is about: the store keeps that for as long as live events last, and a backfill may come years later.
func (p *Placed) learn() {
	if p.Terms == nil && p.Body != "" {
		p.Terms = dedup.Terms(p.Title, p.Body, p.Lang)
	}
	p.Body = ""
}

// time is when the article is to be thought of as having come: when it was published.
func (p *Placed) time() time.Time {
	if p.Published.IsZero() {
		return p.Seen
	}
	return p.Published
}

// JoinStore is what joining needs of the store.
type JoinStore interface {
	// Unjoined lists the first articles without a story, in the order of publication and then of their canonical URLs.
	Unjoined(ctx context.Context, limit int) ([]Placed, error)
	// PastIsIdle reports whether no backfill is at work.
	PastIsIdle(ctx context.Context, now time.Time) (bool, error)
	// Write is that of ProcessStore.
	Write(ctx context.Context, l Lease, f func(Tx) error) error
}

// A Joiner gives the articles that backfills stored their stories and events, in the order of publication (equal ones by canonical URL, then
// in the order in which their pages were taken), so that it does not matter in which order they came. Each transaction joins a batch of
// them, and what is not joined yet is what is left to do: ended at any moment, the next pass goes on behind the last batch.
//
// It decides with an index of its own over the articles published around the one it decides on, live ones among them, as the Processor
// decides with that of the recent past. What the index has learned of words depends on what it was taught and in which order; so that a pass
// that was broken decides as one that was not, it is built anew for each span of time, of what stands before it. It raises no alert.
type Joiner struct {
	Store     JoinStore
	NewIndex  func() *dedup.Index
	NewEvents func() *dedup.Events
	Window    time.Duration // how far apart two articles of one story may be published
	Eager     bool          // join also while a backfill is at work
	Batch     int           // articles a transaction; 0: 200
	Now       func() time.Time
	Report    func(Event, error)
	Progress  func(joined int) // told after every batch; nil: nobody is

	index    *dedup.Index
	events   *dedup.Events
	span     int64          // for which it was built
	begins   time.Time      // when that span begins
	from, to time.Time      // what it holds
	seq      int64          // the last change it knows
	own      map[int64]bool // articles joined since, which it has been taught
}

// Name is the lease kind of joining.
func (j *Joiner) Name() string { return "join" }

// Due is one key while articles wait to be joined.
func (j *Joiner) Due(ctx context.Context) ([]string, error) {
	list, err := j.Store.Unjoined(ctx, 1)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	if !j.Eager {
		if idle, err := j.Store.PastIsIdle(ctx, j.Now()); err != nil || !idle {
			return nil, err
		}
	}
	return []string{"past"}, nil
}

// Run joins all that waits, and returns how many articles that was.
func (j *Joiner) Run(ctx context.Context, l Lease) (total int, err error) {
	start := j.Now()
	defer func() { j.index, j.events = nil, nil }() // it holds what is near in time to what was joined last, and may never be needed again
	j.index = nil
	last := int64(0)
	for {
		list, err := j.Store.Unjoined(ctx, cmp.Or(j.Batch, 200))
		if err != nil {
			return total, err
		}
		if len(list) == 0 {
			break
		}
		if list[0].ID == last {
			return total, fmt.Errorf("join: article %d was joined and has no story", last)
		}
		last = list[0].ID
		slices.SortStableFunc(list, func(a, b Placed) int {
			return cmp.Or(a.Published.Compare(b.Published), cmp.Compare(a.Canonical, b.Canonical), a.Taken.Compare(b.Taken))
		})
		// A batch is of one span. Those without a date come first in the list, and are of the time in which they were seen.
		if n := slices.IndexFunc(list, func(p Placed) bool { return j.spanOf(&p) != j.spanOf(&list[0]) }); n > 0 {
			list = list[:n]
		}
		if err := j.Store.Write(ctx, l, func(tx Tx) error { return j.join(tx, list) }); err != nil {
			return total, fmt.Errorf("join %d articles: %w", len(list), err)
		}
		total += len(list)
		if j.Progress != nil {
			j.Progress(total)
		}
	}
	j.Report(Event{Stage: "join", Key: l.Key, Outcome: "ok", Count: total, Took: j.Now().Sub(start)}, nil)
	return total, nil
}

// join joins articles in their order. Unlike the Processor's index this one learns from rows that are not committed, because the articles
// of a batch must know of each other; a transaction that fails therefore ends the index.
func (j *Joiner) join(tx Tx, list []Placed) (err error) {
	defer func() {
		if err != nil {
			j.index = nil
		}
	}()
	from, to := list[0].time(), list[0].time()
	for i := range list {
		if t := list[i].time(); t.Before(from) {
			from = t
		} else if t.After(to) {
			to = t
		}
	}
	if err := j.reach(tx, j.spanOf(&list[0]), from.Add(-j.Window), to.Add(j.Window)); err != nil {
		return err
	}
	for i := range list {
		list[i].learn()
		if err := j.one(tx, &list[i]); err != nil {
			return fmt.Errorf("article %d: %w", list[i].ID, err)
		}
	}
	return nil
}

// spanOf numbers the span of time, as long as the window, in which an article was published.
func (j *Joiner) spanOf(p *Placed) int64 {
	return p.time().Unix() / max(int64(j.Window/time.Second), 1)
}

// reach makes the index hold what has a story in [from, to).
func (j *Joiner) reach(tx Tx, span int64, from, to time.Time) error {
	if j.index == nil || span != j.span {
		seq, err := tx.LastChange()
		if err != nil {
			return err
		}
		j.index, j.events, j.seq, j.own, j.span = j.NewIndex(), j.NewEvents(), seq, map[int64]bool{}, span
		j.begins = time.Unix(span*int64(j.Window/time.Second), 0)
		begin := j.begins.Add(-j.Window)
		j.from, j.to = begin, begin
	} else if err := j.catchUp(tx); err != nil {
		return err
	}
	if to.After(j.to) {
		if err := tx.Near(j.to, to, j.add); err != nil {
			return err
		}
		j.to = to
	}
	if from.After(j.from) {
		j.index.Expire(from)
		j.from = from
	}
	return nil
}

// add teaches the index of an article with a story. It was seen, to the index, when it was published: what the index forgets goes by that.
func (j *Joiner) add(p Placed) {
	at := p.time()
	j.index.Add(dedup.Doc{ID: p.ID, Story: p.Story, URL: p.Canonical, Site: p.Site, Lang: p.Lang, Published: p.Published, Seen: at, Sketch: p.Sketch})
	if around := j.events.Window(); !at.Before(j.begins.Add(-around)) && at.Before(j.begins.Add(j.Window+around)) {
		p.learn()
	}
	if p.Terms != nil {
		j.events.Add(dedup.EventDoc{ID: p.ID, Event: p.Event, Published: p.Published, Seen: at, Terms: p.Terms})
	}
}

// catchUp tells the index what happened since: the daemon stores, merges and prunes meanwhile, and so does the pass itself.
func (j *Joiner) catchUp(tx Tx) error {
	return tx.Changes(j.seq, time.Time{}, func(c Change) error {
		j.seq = c.Seq
		p := Placed{ID: c.Article, Story: c.Story, Event: c.Event, Canonical: c.Canonical, Site: c.Site, Lang: c.Lang, Published: c.Published,
			Seen: c.Seen, Sketch: c.Sketch, Terms: c.Terms}
		switch near := !p.time().Before(j.from) && p.time().Before(j.to); c.Kind {
		case ChangeArticle, ChangeText:
			if j.own[c.Article] && c.Kind == ChangeArticle {
				delete(j.own, c.Article)
			} else if near && c.Sketch != nil {
				j.add(p)
			}
		case ChangeMove, ChangeSplit, ChangeEvent:
			if c.Kind != ChangeEvent {
				j.index.Move(c.Article, c.Story)
			}
			if c.Kind == ChangeSplit {
				j.events.Drop(c.Article)
			} else {
				j.events.Move(c.Article, c.Event)
			}
		case ChangePrune:
			j.index.Remove(c.Article)
		}
		return nil
	})
}

// one gives an article its story and its event.
func (j *Joiner) one(tx Tx, p *Placed) error {
	merged, opened, err := place(tx, j.index, j.events, p)
	if err != nil {
		return err
	}
	if merged { // what moved is known by the log alone
		return j.catchUp(tx)
	}
	if !opened {
		p.Terms = nil
	}
	j.add(*p)
	j.own[p.ID] = true
	return nil
}

// place finds an article's story and event and stores them. It reports whether other stories or events became one by it, and whether it
// opened a story.
func place(tx Tx, x *dedup.Index, events *dedup.Events, p *Placed) (merged, opened bool, err error) {
	a := Article{ID: p.ID, Relation: dedup.RelNew, Title: p.Title}
	prev, story, err := tx.JoinedByURL(p.Canonical)
	if err != nil {
		return false, false, err
	}
	var event dedup.EventDecision
	if story != 0 {
		a.Story, a.Of, a.Relation, a.Score = story, prev, "version", 1
	} else {
		d := x.Decide(dedup.Doc{URL: p.Canonical, Site: p.Site, Lang: p.Lang, Published: p.Published, Seen: p.time(), Sketch: p.Sketch})
		a.Relation, a.Of, a.Story, a.Score = d.Relation, d.Of, d.Story, d.Score
		for _, s := range d.Merge {
			merged = true
			if err := tx.MergeStories(s, a.Story); err != nil {
				return false, false, err
			}
		}
		if a.Story == 0 && events != nil && p.Terms != nil {
			event = events.Decide(dedup.EventDoc{Published: p.Published, Seen: p.time(), Terms: p.Terms})
			if event.Event != 0 && a.Relation == dedup.RelNew {
				a.Relation, a.Of, a.Score = dedup.RelSameEvent, event.Of, event.Score
			}
		}
	}
	if opened = a.Story == 0; opened {
		if a.Story, err = tx.OpenStory(p.Title, p.time()); err != nil {
			return false, false, err
		}
		if p.Event, err = tx.JoinEvent(a.Story, event.Event); err != nil {
			return false, false, err
		}
		for _, e := range event.Merge {
			merged = true
			if err := tx.MergeEvents(e, p.Event); err != nil {
				return false, false, err
			}
		}
	}
	if err := tx.JoinArticle(&a, opened); err != nil {
		return false, false, err
	}
	p.Story = a.Story
	return merged, opened, nil
}

// joinNow joins an article of the past that a live one is known by: the live one cannot wait for the pass.
func (p *Processor) joinNow(tx Tx, prev *Article) error {
	pl := Placed{ID: prev.ID, Canonical: prev.Canonical, Site: prev.Site, Lang: prev.Lang, Title: prev.Title, Published: prev.Published, Seen: prev.Seen, Sketch: prev.Sketch}
	if _, _, err := place(tx, p.Index, p.Events, &pl); err != nil {
		return fmt.Errorf("join article %d: %w", prev.ID, err)
	}
	prev.Story = pl.Story
	return nil
}
