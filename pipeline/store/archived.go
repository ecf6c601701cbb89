package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"wirewatch/pipeline"
)

// What replays raise, and how it meets what is told live.

// lines are the channels with a line of the archive, and when the first in it is due.
const lines = `SELECT c.channel AS channel, (SELECT f.due FROM deliveries f WHERE f.channel = c.channel AND f.state = 'held' AND f.archived = 1
		ORDER BY f.bundle, f.pos LIMIT 1) AS due
	FROM (SELECT DISTINCT channel FROM deliveries WHERE state = 'held' AND archived = 1) c`

// busy finds what comes before the archive: an open delivery that is due, or one that failed, on a channel. It takes the time, and the
// channel is written behind it.
const busy = `SELECT 1 FROM deliveries o WHERE o.state = 'open' AND (o.due <= ? OR o.attempts > 0) AND o.channel = `

// NextArchived loads what stands first in a channel's line of the archive: one delivery, or up to n of those that are to be gathered;
// none behind one that is not due, and none while anything else is due for the channel or has failed.
func (s *Store) NextArchived(ctx context.Context, channel string, now time.Time, n int) ([]pipeline.Delivery, error) {
	c, done := s.read(ctx)
	defer done()
	var ids []int64
	first, ended := "", false
	err := c.each(func(scan func(...any) error) error {
		var id, due int64
		var bundle string
		if err := scan(&id, &due, &bundle); err != nil {
			return err
		}
		alone := len(ids) == 1 && first != pipeline.ForArchiveDigest
		if ended = ended || due > ms(now) || alone || len(ids) > 0 && bundle != first; !ended {
			ids, first = append(ids, id), bundle
		}
		return nil
	}, `SELECT d.id, d.due, d.bundle FROM deliveries d WHERE d.channel = ? AND d.state = 'held' AND d.archived = 1 AND NOT EXISTS (`+busy+`?)
		ORDER BY d.bundle, d.pos LIMIT ?`, channel, ms(now), channel, n)
	if err != nil || len(ids) == 0 {
		return nil, wrapArchive(channel, err)
	}
	w := where{}
	w.in(`d.id`, ids)
	out, err := loadDeliveries(c, w.String()+` ORDER BY d.pos`, w.args...)
	return out, wrapArchive(channel, err)
}

func wrapArchive(channel string, err error) error {
	if err != nil {
		return fmt.Errorf("look into the archive's line of %s: %w", channel, err)
	}
	return nil
}

// EndGathering makes due what waits to be gathered: nothing more is to come.
func (s *Store) EndGathering(ctx context.Context) error {
	err := s.tx(ctx, func(c conn) error {
		now := ms(s.now())
		_, err := c.exec(`UPDATE deliveries SET due = ? WHERE state = 'held' AND archived = 1 AND bundle = ? AND attempts = 0 AND due > ?`,
			now, pipeline.ForArchiveDigest, now)
		return err
	})
	if err != nil {
		return fmt.Errorf("end what is gathered of the archive: %w", err)
	}
	return nil
}

// RaiseArchived stores an alert of a replay with a delivery per channel, which waits in the bundle a.Archive until due. Where its subject was
// told, as RaiseAlert sees it, the first alert that told of it gets a delivery to each channel that no such alert has one to. It
// returns the channels that are told by it. What counts as told because it was taken out of a story that was is told to nobody.
func (t *Tx) RaiseArchived(a pipeline.Alert, due time.Time, channels []string) (told []string, err error) {
	known, untold, err := untold(t.c, &a, channels)
	if err == nil && len(untold) > 0 {
		if len(known) == 0 {
			a.Wait = map[string]time.Duration{}
			for _, ch := range untold {
				a.Wait[ch] = due.Sub(a.Created)
			}
			err = insertAlert(t.c, t.s.text, t.s.now, a, untold)
		}
		for _, ch := range untold {
			if err != nil || len(known) == 0 {
				break
			}
			d := firstDelivery(&a, ch)
			d.Due = due
			_, err = insertDelivery(t.c, t.s.text, known[0], d, false)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("raise what rule %s found in the archive: %w", a.Rule, err)
	}
	return untold, nil
}

// Untold lists the channels that RaiseArchived would tell, and what of: nothing is stored.
func (s *Store) Untold(ctx context.Context, a pipeline.Alert, channels []string) (subject string, told []string, err error) {
	c, done := s.read(ctx)
	defer done()
	_, told, err = untold(c, &a, channels)
	if err == nil && a.OncePer == pipeline.PerArticle { // its versions are one
		var ids []int64
		if ids, err = versionIDs(c, a.Article.ID); err == nil && len(ids) > 0 {
			a.Subject = fmt.Sprint("article:", ids[0])
		}
	}
	if err != nil {
		return "", nil, fmt.Errorf("look who was told of article %d by rule %s: %w", a.Article.ID, a.Rule, err)
	}
	return a.Subject, told, nil
}

// untold lists the alerts that told of the alert's subject, and the channels that none of them has a delivery to.
func untold(c conn, a *pipeline.Alert, channels []string) (known []int64, out []string, err error) {
	known, err = toldBy(c, a)
	if err != nil || slices.Contains(known, 0) {
		return known, nil, err
	}
	had := map[string]bool{}
	for _, id := range known {
		names, err := column[string](c, `SELECT channel FROM deliveries WHERE alert = ?`, id)
		if err != nil {
			return nil, nil, err
		}
		for _, n := range names {
			had[n] = true
		}
	}
	for _, ch := range channels {
		if !had[ch] {
			had[ch] = true
			out = append(out, ch)
		}
	}
	return known, out, nil
}

// outOfArchive tells live what replays alone told of: the past, told to whomever, must not keep from a channel what it would be told of
// now. Channels that no replay told are told, and what still waits in a channel's line leaves it for the queue; what a channel was
// sent, or is being, is not sent again. It reports whether anyone is told.
func outOfArchive(c conn, text func() string, now func() time.Time, known []int64, a pipeline.Alert, channels []string) (told bool, err error) {
	for _, id := range known {
		alone, err := c.has(`SELECT 1 FROM alerts WHERE id = ? AND archived = 1`, id)
		if err != nil || !alone {
			return false, err
		}
	}
	if a.Created.IsZero() {
		a.Created = now()
	}
	a.Archive = ""
	_, missing, err := untold(c, &a, channels)
	if err != nil {
		return false, err
	}
	for _, id := range known {
		if _, err := c.exec(`UPDATE alerts SET archived = 0 WHERE id = ?`, id); err != nil {
			return false, err
		}
		for _, ch := range channels {
			n, err := c.exec(`UPDATE deliveries SET state = 'open', archived = 0, bundle = '', due = ?, created = ?,
				pos = (SELECT MAX(o.pos) + 1 FROM deliveries o WHERE o.channel = deliveries.channel)
				WHERE alert = ? AND channel = ? AND state = 'held' AND archived = 1 AND said = ''`, ms(a.Created.Add(a.Wait[ch])), ms(a.Created), id, ch)
			if err != nil {
				return false, fmt.Errorf("channel %s: %w", ch, err)
			}
			told = told || n > 0
		}
	}
	for _, ch := range missing {
		if _, err := insertDelivery(c, text, known[0], firstDelivery(&a, ch), false); err != nil {
			return false, err
		}
		told = true
	}
	if told {
		err = insertEscalation(c, text, known[0], &a)
	}
	return told, err
}

// PastMatches lists up to n stored matches of rules in articles that have their story, by the articles' times and addresses, behind a place.
func (s *Store) PastMatches(ctx context.Context, f pipeline.PastFilter, after pipeline.PastPlace, n int) ([]pipeline.PastMatch, error) {
	w := where{}
	w.add(true, `a.story <> 0`)
	if len(f.Rules) > 0 {
		names := make([]any, len(f.Rules))
		for i, r := range f.Rules {
			names[i] = r
		}
		w.add(true, `m.rule IN (`+marks(len(names))+`)`, names...)
	}
	w.add(!f.Since.IsZero(), `m.dated >= ?`, ms(f.Since))
	w.add(!f.Until.IsZero(), `m.dated < ?`, ms(f.Until))
	w.sites(`a.site`, f.Sites)
	w.add(f.Backfilled, `a.past = 1`)
	w.add(after.Article != 0, `m.dated >= ? AND (m.dated, a.canonical, m.article, m.rule) > (?, ?, ?, ?)`, ms(after.At), ms(after.At), after.Canonical, after.Article, after.Rule)
	c, done := s.read(ctx)
	defer done()
	var out []pipeline.PastMatch
	err := c.each(func(scan func(...any) error) error {
		var m pipeline.PastMatch
		var when, published, seen int64
		var spans string
		a := &m.Article
		if err := scan(&m.Rule, &spans, &when, &a.ID, &a.Story, &a.Canonical, &a.URL, &a.Title, &a.Site, &published, &seen); err != nil {
			return err
		}
		m.At, a.Published, a.Seen = at(when), at(published), at(seen)
		out = append(out, m)
		return unlist(spans, &out[len(out)-1].Spans, "spans")
	}, `SELECT m.rule, m.spans, m.dated, a.id, a.story, a.canonical, a.url, a.title, a.site, a.published, a.seen
		FROM matches m JOIN articles a ON a.id = m.article`+w.String()+` ORDER BY m.dated, a.canonical, m.article, m.rule LIMIT ?`, append(w.args, n)...)
	if err != nil {
		return nil, fmt.Errorf("list matches of the past: %w", err)
	}
	return out, nil
}

// RuleMatches lists the articles with a stored match of the rule whose times are in the range and which are of the site ("": all; its
// subdomains are of it), in the order of their IDs. Those whose text retention took are left out.
func (s *Store) RuleMatches(ctx context.Context, rule string, r pipeline.Range, site string) ([]int64, error) {
	w := where{}
	w.add(true, `m.rule = ? AND a.pruned < ?`, rule, prunedBody)
	w.add(!r.Since.IsZero(), `m.dated >= ?`, ms(r.Since))
	w.add(!r.Until.IsZero(), `m.dated < ?`, ms(r.Until))
	w.site(`a.site`, site)
	c, done := s.read(ctx)
	defer done()
	ids, err := column[int64](c, `SELECT m.article FROM matches m JOIN articles a ON a.id = m.article`+w.String()+` ORDER BY m.article`, w.args...)
	if err != nil {
		return nil, fmt.Errorf("list matches of rule %s: %w", rule, err)
	}
	return ids, nil
}
