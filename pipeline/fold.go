package pipeline

import (
	"context"
	"fmt"
	"slices"
	"time"

	"wirewatch/pipeline/dedup"
)

// This file is the last step of processing: the one transaction in which an article finds its story and its event, and in which
// what is to be told of it is written down.

// Tx is the transaction in which an article joins its story.
type Tx interface {
	// What was stored before: since the index looked last, and of this article.

	// Changes calls f for what happened to articles after seq, in commit order, leaving out articles seen before since.
	Changes(after int64, since time.Time, f func(Change) error) error
	// ArticleByURL finds the newest article under a canonical URL.
	ArticleByURL(canonical string) (Article, bool, error)
	// ArticlesByURL lists all articles under a canonical URL, the newest first.
	ArticlesByURL(canonical string) ([]Article, error)
	// Article loads an article by its ID.
	Article(id int64) (Article, bool, error)

	// The story and the event it joins.

	// OpenStory makes a new story.
	OpenStory(title string, now time.Time) (int64, error)
	// MergeStories makes the story from part of the story into; alerts raised for either count for both from now on.
	MergeStories(from, into int64) error
	// JoinEvent puts a story into an event, or one that it was merged into; 0: it opens one. It returns that event.
	JoinEvent(story, event int64) (int64, error)
	// MergeEvents makes the event from part of the event into; alerts raised for either count for both from now on.
	MergeEvents(from, into int64) error
	// SaveTerms keeps what an article is about, and DropTerms forgets it of articles seen before then.
	SaveTerms(article int64, seen time.Time, terms []byte) error
	DropTerms(before time.Time) error

	// The article itself.

	// JoinedByURL finds the newest article under a canonical URL that has a story, and that story; 0: there is none.
	JoinedByURL(canonical string) (article, story int64, err error)
	// JoinArticle gives an article of the past its place, which it has not had until now: Story, Relation, Of and Score. opened: it opened
	// the story, and what it is about is kept.
	JoinArticle(a *Article, opened bool) error
	// Near calls f for the articles with a story whose time is in [from, to).
	Near(from, to time.Time, f func(Placed)) error
	// LastChange is the number of the last change.
	LastChange() (int64, error)
	// SaveWalk stores how far a backfill's walk is.
	SaveWalk(backfill int64, w Walk) error

	// InsertArticle stores a with its blocks and its page (nil: none), notes the change, and returns a's new ID.
	InsertArticle(a *Article, p *Page) (int64, error)
	// PageFound notes that the page of an article is there, which was withdrawn until now if it was.
	PageFound(article int64) error
	// PageGone notes that the page of an article is gone, and reports whether that is news.
	PageGone(article int64, now time.Time) (bool, error)
	// UpdateArticle puts what an article says anew in its place and notes the change. What it is stays.
	UpdateArticle(a *Article) error

	// What its site repeats.

	// NoteBlocks stores an article's fingerprints in the place of those it had, and returns what the site's last articles say of
	// those that stand in MinStories stories or more.
	NoteBlocks(a *Article, prints []Print) ([]Sighting, error)
	// LearnBlock stores that a block is boilerplate, unless something was decided about it before.
	LearnBlock(b LearnedBlock) error
	// LiftBlock ends the removal of a learned block of the site, for good.
	LiftBlock(site string, hash int64) error

	// What rules find in it.

	// SaveMatches stores the matches of an article; known (article, rule) pairs get the new spans.
	SaveMatches(article int64, ms []Match) error
	// Matches lists the rules that are stored as matching the article.
	Matches(article int64) ([]string, error)
	// DropMatch deletes the match of a rule in an article.
	DropMatch(article int64, rule string) error

	// What rules count.

	// StoryPoints lists the articles of a story in the order of their times.
	StoryPoints(story int64, by CountBy) ([]Point, error)
	// StoryRules lists the rules that match an article of the story.
	StoryRules(story int64) ([]string, error)
	// RulePoints calls f for the articles in which a rule matches and whose times are in [from, to], the latest first, until f says
	// false.
	RulePoints(rule string, by CountBy, from, to time.Time, f func(Point) bool) error
	// Episodes lists the rule's told episodes that have a time in [from, to], by their numbers.
	Episodes(rule string, from, to time.Time) ([]Episode, error)
	// OpenEpisode stores an episode that is about to be told, and returns its number, which no other of the rule ever had.
	OpenEpisode(rule string, e Episode) (int, error)
	// WidenEpisode gives a told episode new bounds; those of lower numbers within them are part of it from now on.
	WidenEpisode(rule string, e Episode) error
	// Outlets says of articles who published them, in the order of their times.
	Outlets(articles []int64) ([]Outlet, error)

	// What is told of it.

	// RaiseAlert stores the alert and a delivery per channel, unless there is one already for its rule and kind and its
	// story or a story merged with it; with OncePer, its article or event. It reports whether it did. What replays alone told of is told
	// live to the channels that they did not tell.
	RaiseAlert(a Alert, channels []string) (bool, error)
	// RaiseArchived stores an alert of a replay with a delivery per channel, which waits in the bundle a.Archive until due. Where its subject
	// was told before, each of the channels that has no delivery of that gets one. It returns the channels that are told by it.
	RaiseArchived(a Alert, due time.Time, channels []string) ([]string, error)
	// RulesToldOf lists the rules that told of an article of the story, or of one merged with it.
	RulesToldOf(story int64) ([]string, error)
	// RaiseUpdate stores an update of what the alert's rule told of the alert's article before, with a delivery to each of the
	// channels that was told then, unless this version, or that it was withdrawn, was told already. It reports whether it did.
	RaiseUpdate(a Alert, channels []string) (bool, error)
	// RaiseGrowth stores an update of what the alert's rule told of the alert's story, with a delivery to each of the channels that was
	// told then, once more outlets carry it than that channel was told of. It reports whether it did.
	RaiseGrowth(a Alert, more int, channels []string) (bool, error)
	// Respan gives the alerts about an article the spans that a rule has in its text now.
	Respan(article int64, m Match) error

	// SaveItem stores the item's outcome.
	SaveItem(it Item) error
}

// ChangeKind is what happened to an article.
type ChangeKind string

const (
	ChangeArticle ChangeKind = "article" // it was stored
	ChangeText    ChangeKind = "text"    // its text was extracted again
	ChangeMove    ChangeKind = "move"    // it belongs to another story now
	ChangeSplit   ChangeKind = "split"   // a person took it out of its story into another
	ChangePrune   ChangeKind = "prune"   // it is gone
	ChangeEvent   ChangeKind = "event"   // its event was merged into another
)

// A Change is a row of the store's change log, joined with the article as it stands.
type Change struct {
	Seq       int64
	Kind      ChangeKind
	Article   int64
	Story     int64
	Canonical string
	Site      string
	Lang      string
	Published time.Time
	Seen      time.Time
	Sketch    []byte
	Event     int64
	Terms     []byte // of an article that opened a story, with ChangeArticle; else nil
}

// commit is the one transaction that matters: the article joins its story, its matches raise alerts and deliveries, and the
// item is closed, or none of it happens. It returns how many alerts were raised.
func (p *Processor) commit(ctx context.Context, l Lease, it Item, got *reading) (raised int, err error) {
	if it.past() {
		return 0, p.commitPast(ctx, l, it, got)
	}
	if err := p.weigh(ctx, it, got); err != nil {
		return 0, fmt.Errorf("store %s: %w", got.article.URL, err)
	}
	a := &got.article
	err = p.Store.Write(ctx, l, func(tx Tx) error {
		raised = 0
		ms, err := p.fold(tx, it, a, got)
		if err != nil {
			return err
		}
		joined := a.Story != 0 // else it is the first of its story
		joins := joined && a.ID == 0
		version := a.ID == 0 && a.Relation == "version"
		switch {
		case a.ID == 0:
			err = p.insert(tx, a, got)
		case got.page != nil: // the text is stored already
			err = tx.PageFound(a.ID)
		}
		if err != nil {
			return err
		}
		if err := tx.SaveMatches(a.ID, ms); err != nil {
			return err
		}
		if !it.Quiet {
			if raised, err = p.raise(tx, a, ms, joined, version); err != nil {
				return err
			}
			if joins {
				n, err := p.grow(tx, a)
				if err != nil {
					return err
				}
				raised += n
			}
		}
		it.Article = a.ID
		return tx.SaveItem(it)
	})
	if err != nil {
		return 0, fmt.Errorf("store %s: %w", got.article.URL, err)
	}
	return raised, nil
}

// insert stores a text that is new, in the story that fold found or in one of its own.
func (p *Processor) insert(tx Tx, a *Article, got *reading) (err error) {
	opens := a.Story == 0
	if opens {
		if a.Story, err = p.open(tx, a, got.event); err != nil {
			return err
		}
	}
	if a.ID, err = tx.InsertArticle(a, got.page); err != nil {
		return err
	}
	if opens && got.terms != nil {
		if err := tx.SaveTerms(a.ID, a.Seen, got.terms); err != nil {
			return err
		}
	}
	if a.Source == SourcePage {
		_, err = learn(tx, a, got.prints)
	}
	return err
}

// raise writes down what is to be told of the article: the matches that nobody was told of, what rules count that it makes pass (joined:
// its story may have other articles), then what a version changes. It returns how many alerts that is.
func (p *Processor) raise(tx Tx, a *Article, ms []Match, joined, version bool) (raised int, err error) {
	first := map[string]bool{}
	for _, m := range ms {
		if m.Silent || m.When != nil {
			continue
		}
		ok, err := tx.RaiseAlert(Alert{Rule: m.Rule, About: m.About, Kind: KindMatch, OncePer: m.OncePer, Created: a.Seen, Story: Story{ID: a.Story},
			Article: *a, Spans: m.Spans, Wait: m.Waits, Escalate: m.Escalate}, m.Channels)
		if err != nil {
			return raised, err
		}
		if ok {
			first[m.Rule] = true
			raised++
		}
	}
	if p.Counting != nil {
		n, err := tally{tx, a, ms, a.Seen}.count(joined, p.Counting())
		if err != nil {
			return raised, err
		}
		raised += n
	}
	if version {
		n, err := p.update(tx, a, ms, first)
		if err != nil {
			return raised, err
		}
		raised += n
	}
	return raised, nil
}

// fold finds the article's place: known (ID set), a version or a copy (Story set), or a story of its own. It returns the
// matches of the text that stands: got's, or those of the page's text where the feed's yields to it.
func (p *Processor) fold(tx Tx, it Item, a *Article, got *reading) ([]Match, error) {
	ms := got.matches
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.catchUp(tx, a.Seen.Add(-p.Window)); err != nil {
		return nil, err
	}
	a.ID = 0
	prev, ok, err := earlier(tx, it, a, func(prev *Article) bool { return p.alike(it, a, prev) })
	if err != nil {
		return nil, err
	}
	if !ok {
		d := p.Index.Decide(dedup.Doc{URL: a.Canonical, Site: a.Site, Lang: a.Lang, Published: a.Published, Seen: a.Seen, Sketch: a.Sketch})
		a.Relation, a.Of, a.Story, a.Score = d.Relation, d.Of, d.Story, d.Score
		if a.Story == 0 && p.Events != nil {
			got.event = p.Events.Decide(dedup.EventDoc{Published: a.Published, Seen: a.Seen, Terms: got.terms})
			if got.event.Event != 0 && a.Relation == dedup.RelNew {
				a.Relation, a.Of, a.Score = dedup.RelSameEvent, got.event.Of, got.event.Score
			}
		}
		for _, s := range d.Merge { // this article shows that they were one story all along
			if err := tx.MergeStories(s, a.Story); err != nil {
				return nil, err
			}
		}
		return ms, nil
	}
	if prev.Story == 0 { // a backfill was first, and what it stored has not been joined yet
		if err := p.joinNow(tx, &prev); err != nil {
			return nil, err
		}
	}
	if err := p.reunite(tx, it, prev); err != nil {
		return nil, err
	}
	a.Story = prev.Story
	return p.settle(a, got, prev), nil
}

// settle decides what an article is to what is stored of the same one: the same text (ID set), or a version of it. It returns the matches
// of the text that stands.
func (p *Processor) settle(a *Article, got *reading, prev Article) []Match {
	ms := got.matches
	a.Of, a.Relation, a.Score = prev.ID, "version", 1
	switch {
	case prev.Pruned && (a.Source == SourceFeed || dedup.SameText(prev.Sketch, a.Sketch) || dedup.SameText(prev.Sketch, dedup.Sketch(a.Title, got.whole, a.Lang))):
		// Its text is gone, and is not kept again: there is nothing in which a rule could have matched anew.
		a.ID, a.Relation, ms = prev.ID, "identical", nil
	case prev.Title == a.Title && prev.Body == a.Body:
		a.ID, a.Relation = prev.ID, "identical"
	case prev.ID == got.known, prev.Title == a.Title && prev.Body == got.whole:
		// The words are the same, or it was stored before a block in it was learned. What matched in the learned block is no match; the
		// spans are the stored text's.
		a.ID, a.Relation = prev.ID, "identical"
		ms = slices.DeleteFunc(p.Match(&prev), func(m Match) bool { return !covers(ms, []Match{m}) })
	case prev.Source == SourcePage && (a.Source == SourceFeed || stub(a, &prev)):
		// The feed's text, or a paywall's stub, is the poorer one, unless it says what the page did not. The spans of its matches are not
		// the page's.
		if told := p.Match(&prev); covers(told, ms) {
			a.ID, a.Relation, ms = prev.ID, "identical", told
		}
	}
	return ms
}

// open makes a story for an article, in the event that it tells of.
func (p *Processor) open(tx Tx, a *Article, d dedup.EventDecision) (story int64, err error) {
	if story, err = tx.OpenStory(a.Title, a.Seen); err != nil {
		return 0, err
	}
	event, err := tx.JoinEvent(story, d.Event)
	for _, e := range d.Merge { // this article shows that they were one all along
		if err == nil {
			err = tx.MergeEvents(e, event)
		}
	}
	return story, err
}

// reunite joins the story that the item's feed text opened with the one its page turns out to belong to.
func (p *Processor) reunite(tx Tx, it Item, prev Article) error {
	if it.Article == 0 || it.Article == prev.ID {
		return nil
	}
	first, ok, err := tx.Article(it.Article)
	if err != nil || !ok || first.Story == prev.Story {
		return err
	}
	return tx.MergeStories(first.Story, prev.Story)
}

// covers reports whether every rule that matched in b matched in a.
func covers(a, b []Match) bool {
	for _, m := range b {
		if !slices.ContainsFunc(a, func(x Match) bool { return x.Rule == m.Rule }) {
			return false
		}
	}
	return true
}

// earlier finds what is stored of the same article: under its URL, or made of the same item before its page could be had.
// alike says of one whose canonical link is another's address whether the texts bear it out.
func earlier(tx Tx, it Item, a *Article, alike func(prev *Article) bool) (prev Article, ok bool, err error) {
	if a.Canonical != "" {
		prev, ok, err = tx.ArticleByURL(a.Canonical)
	}
	if ok && a.Canonical != it.Canonical && it.Canonical != "" && prev.ID != it.Article && !alike(&prev) {
		// Some sites give all of their pages one canonical link. Believed, it would make one story of the whole site, with one alert.
		a.Canonical = it.Canonical
		prev, ok, err = tx.ArticleByURL(a.Canonical)
	}
	if !ok && err == nil && it.Article != 0 {
		prev, ok, err = tx.Article(it.Article)
	}
	return prev, ok, err
}

// sameWords reports whether two articles have the same headline or the same text.
func sameWords(a, b *Article) bool {
	return a.Title == b.Title || dedup.SameText(a.Sketch, b.Sketch)
}

// alike reports whether the texts bear out that a and prev are one article, as a's page says. What a backfill stored and nothing has joined
// yet is not in the index.
func (p *Processor) alike(it Item, a, prev *Article) bool {
	if prev.Story == 0 {
		return sameWords(a, prev)
	}
	if prev.Title == a.Title {
		return true
	}
	d := p.Index.Decide(dedup.Doc{URL: it.Canonical, Site: a.Site, Lang: a.Lang, Published: a.Published, Seen: a.Seen, Sketch: a.Sketch})
	return d.Story == prev.Story
}

// catchUp brings the index up to what is committed. The index is never taught by a transaction's own rows, only by this, so a
// rolled back one leaves no trace, and processes that share a store agree.
//
// Since what was seen before since is not read, it also leaves: a process that has run for months decides as one that begins now.
func (p *Processor) catchUp(tx Tx, since time.Time) error {
	defer p.Index.Expire(since)
	now := since.Add(p.Window)
	if p.Events != nil && now.Sub(p.forgot) > time.Hour {
		old := now.Add(-p.Events.Window())
		if err := tx.DropTerms(old); err != nil {
			return err
		}
		p.Events.Forget(old)
		p.forgot = now
	}
	return tx.Changes(p.seq, since, func(c Change) error {
		switch c.Kind {
		case ChangeArticle, ChangeText:
			p.Index.Add(dedup.Doc{ID: c.Article, Story: c.Story, URL: c.Canonical, Site: c.Site, Lang: c.Lang,
				Published: c.Published, Seen: c.Seen, Sketch: c.Sketch})
			if p.Events != nil && c.Terms != nil {
				p.Events.Add(dedup.EventDoc{ID: c.Article, Event: c.Event, Published: c.Published, Seen: c.Seen, Terms: c.Terms})
			}
		case ChangeMove:
			p.Index.Move(c.Article, c.Story)
			if p.Events != nil {
				p.Events.Move(c.Article, c.Event)
			}
		case ChangeSplit:
			p.Index.Move(c.Article, c.Story)
			if p.Events != nil { // whatever becomes of its story says nothing of the event that it was put into
				p.Events.Drop(c.Article)
			}
		case ChangeEvent:
			if p.Events != nil {
				p.Events.Move(c.Article, c.Event)
			}
		case ChangePrune:
			p.Index.Remove(c.Article)
		}
		p.seq = c.Seq
		return nil
	})
}
