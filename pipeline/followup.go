package pipeline

import (
	"context"
	"time"

	"wirewatch/pipeline/diff"
)

// Follow-up: what a rule told of goes on. Its article gets new versions, its page is withdrawn, more outlets carry its story. Each is
// raised in the transaction that stores it, refers to the alert that told first, and goes to the channels that were told then.

// How much of a diff an update carries, in words of context and in characters.
const (
	updateContext = 8
	updateLength  = 1500
)

// update tells the rules that ask for it what a new version of an article changed: those that hold for it, and those that held for the
// version before. ms are the matches of the version, first the rules that it was just told to as news. It returns how many updates were raised.
func (p *Processor) update(tx Tx, a *Article, ms []Match, first map[string]bool) (raised int, err error) {
	prev, ok, err := tx.Article(a.Of)
	// Where the feed's text stood in for the page, or does now, nothing was edited; of a pruned one nobody knows.
	if err != nil || !ok || prev.Pruned || prev.Source != a.Source {
		return 0, err
	}
	type told struct {
		Match
		lapsed bool
	}
	var list []told
	for _, m := range ms {
		if m.Updates.Versions && !m.Silent && !first[m.Rule] {
			list = append(list, told{Match: m})
		}
	}
	for _, m := range p.Match(&prev) {
		if m.Updates.Versions && !m.Silent && !covers(ms, []Match{m}) {
			m.Spans = nil
			list = append(list, told{m, true})
		}
	}
	if len(list) == 0 {
		return 0, nil
	}
	u := Updated(&prev, a)
	for _, m := range list {
		u.Lapsed, u.Separate = m.lapsed, m.Updates.Separate
		ok, err := tx.RaiseUpdate(Alert{Rule: m.Rule, About: m.About, Kind: KindUpdate, Created: a.Seen, Story: Story{ID: a.Story}, Article: *a, Spans: m.Spans, Update: &u}, m.Channels)
		if err != nil {
			return 0, err
		}
		if ok {
			raised++
		}
	}
	return raised, nil
}

// Updated says what changed from one version of an article to the next, short enough for a message.
func Updated(prev, next *Article) Update {
	var u Update
	short := func(a, b string, limit int) []diff.Chunk {
		if !diff.Changed(a, b) {
			return nil
		}
		chunks := diff.Words(a, b)
		removed, added := diff.Count(chunks)
		u.Removed, u.Added = u.Removed+removed, u.Added+added
		out, left := diff.Short(chunks, updateContext, limit)
		u.Left += left
		return out
	}
	u.Title = short(prev.Title, next.Title, updateLength/3)
	u.Body = short(prev.Body, next.Body, updateLength)
	u.Corrected = notices(next) > notices(prev)
	return u
}

// grow tells the rules that ask for it that more outlets carry a story that they told of. It returns how many updates were raised.
func (p *Processor) grow(tx Tx, a *Article) (raised int, err error) {
	if p.Rule == nil {
		return 0, nil
	}
	return p.follow(tx, a.Story, func(m Match) (bool, error) {
		if m.Updates.Outlets == 0 {
			return false, nil
		}
		return tx.RaiseGrowth(Alert{Rule: m.Rule, About: m.About, Kind: KindUpdate, Created: a.Seen, Story: Story{ID: a.Story},
			Update: &Update{Separate: m.Updates.Separate}}, m.Updates.Outlets, m.Channels)
	})
}

// follow calls raise for each rule that told of a story and may speak, and counts what was raised.
func (p *Processor) follow(tx Tx, story int64, raise func(Match) (bool, error)) (raised int, err error) {
	told, err := tx.RulesToldOf(story)
	if err != nil {
		return 0, err
	}
	for _, rule := range told {
		m := p.Rule(rule)
		if m.Silent {
			continue
		}
		ok, err := raise(m)
		if err != nil {
			return raised, err
		}
		if ok {
			raised++
		}
	}
	return raised, nil
}

// withdraw stores that an item's page is gone, and tells the rules that ask for it and told of the article. What came quietly goes
// quietly.
func (p *Processor) withdraw(ctx context.Context, l Lease, it Item, now time.Time) error {
	raised := 0
	err := p.Store.Write(ctx, l, func(tx Tx) error {
		raised = 0
		fresh, err := tx.PageGone(it.Article, now)
		if err == nil && fresh && !it.Quiet {
			raised, err = p.tellWithdrawn(tx, it.Article, now)
		}
		if err != nil {
			return err
		}
		return tx.SaveItem(it)
	})
	if err == nil && raised > 0 && p.Wake != nil {
		p.Wake()
	}
	return err
}

func (p *Processor) tellWithdrawn(tx Tx, article int64, now time.Time) (raised int, err error) {
	a, ok, err := tx.Article(article)
	if err != nil || !ok || p.Rule == nil {
		return 0, err
	}
	return p.follow(tx, a.Story, func(m Match) (bool, error) {
		if !m.Updates.Withdrawn {
			return false, nil
		}
		return tx.RaiseUpdate(Alert{Rule: m.Rule, About: m.About, Kind: KindUpdate, Created: now, Story: Story{ID: a.Story}, Article: a,
			Update: &Update{Withdrawn: true, Separate: m.Updates.Separate}}, m.Channels)
	})
}
