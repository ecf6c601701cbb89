package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"wirewatch/pipeline"
)

// Sites: how each site's pages are read, for the watch on drift.

const day = 24 * time.Hour

func dayNumber(t time.Time) int64 { return t.UTC().Unix() / int64(day/time.Second) }

// countSite counts a new article for its site.
func (t *Tx) countSite(a *pipeline.Article) error {
	s, ok := pipeline.SampleOf(a)
	if !ok || a.Site == "" {
		return nil
	}
	site, n := ident(a.Site), dayNumber(a.Seen)
	var d pipeline.SiteDay
	var lengths string
	err := t.c.get([]any{&d.Articles, &d.Bodies, &d.Dated, &d.Signed, &lengths},
		`SELECT articles, bodies, dated, signed, lengths FROM site_days WHERE site = ? AND day = ?`, site, n)
	if err == nil {
		err = unlist(lengths, &d.Lengths, "lengths")
	} else if errors.Is(err, ErrNotFound) {
		err = nil
	}
	if err != nil {
		return fmt.Errorf("count an article of %s: %w", a.Site, err)
	}
	d.Add(s)
	if lengths, err = list(d.Lengths); err == nil {
		_, err = t.c.exec(`INSERT INTO site_days (site, day, articles, bodies, dated, signed, lengths) VALUES (?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (site, day) DO UPDATE SET articles = excluded.articles, bodies = excluded.bodies, dated = excluded.dated,
			signed = excluded.signed, lengths = excluded.lengths`, site, n, d.Articles, d.Bodies, d.Dated, d.Signed, lengths)
	}
	if err != nil {
		return fmt.Errorf("count an article of %s: %w", a.Site, err)
	}
	return nil
}

// SiteDays lists what was read of sites on the days since, by site, in order of days.
func (s *Store) SiteDays(ctx context.Context, since time.Time) (map[string][]pipeline.SiteDay, error) {
	c, done := s.read(ctx)
	defer done()
	out := map[string][]pipeline.SiteDay{}
	err := c.each(func(scan func(...any) error) error {
		var d pipeline.SiteDay
		var n int64
		var lengths string
		if err := scan(&d.Site, &n, &d.Articles, &d.Bodies, &d.Dated, &d.Signed, &lengths); err != nil {
			return err
		}
		if err := unlist(lengths, &d.Lengths, "lengths"); err != nil {
			return err
		}
		d.Day = time.Unix(n*int64(day/time.Second), 0).UTC()
		out[d.Site] = append(out[d.Site], d)
		return nil
	}, `SELECT site, day, articles, bodies, dated, signed, lengths FROM site_days WHERE day >= ? ORDER BY site, day`, dayNumber(since))
	if err != nil {
		return nil, fmt.Errorf("list the days of sites: %w", err)
	}
	return out, nil
}

// SiteSamples lists what the latest articles of a site, up to n, say of how it is read; the newest first.
func (s *Store) SiteSamples(ctx context.Context, site string, n int) ([]pipeline.SiteSample, error) {
	c, done := s.read(ctx)
	defer done()
	var out []pipeline.SiteSample
	err := c.each(func(scan func(...any) error) error {
		var seen int64
		var source, date, authors string
		var chars int
		if err := scan(&seen, &source, &chars, &date, &authors); err != nil {
			return err
		}
		x := pipeline.SiteSample{Seen: at(seen)}
		if source == string(pipeline.SourcePage) { // as pipeline.SampleOf has it
			x.Chars, x.Dated, x.Signed = chars, date != "", authors != "[]"
		}
		out = append(out, x)
		return nil
	}, `SELECT seen, source, LENGTH(body), date, authors FROM articles
		WHERE site = ? AND (published = 0 OR seen - published <= ?) AND (source = ? OR why IN (?, ?, ?)) ORDER BY id DESC LIMIT ?`,
		ident(site), pipeline.DriftFresh.Milliseconds(), string(pipeline.SourcePage), pipeline.WhyShort, pipeline.WhyPaywall, pipeline.WhyUnreadable, n)
	if err != nil {
		return nil, fmt.Errorf("list the latest of %s: %w", site, err)
	}
	return out, nil
}

// SiteStates lists the sites that ever broke, as they were judged last.
func (s *Store) SiteStates(ctx context.Context) (map[string]pipeline.SiteHealth, error) {
	c, done := s.read(ctx)
	defer done()
	out := map[string]pipeline.SiteHealth{}
	err := c.each(func(scan func(...any) error) error {
		var h pipeline.SiteHealth
		var since int64
		var why, habit string
		if err := scan(&h.Site, &h.State, &since, &why, &habit); err != nil {
			return err
		}
		h.Since = at(since)
		if err := unlist(why, &h.Why, "reasons"); err != nil {
			return err
		}
		if err := json.Unmarshal([]byte(habit), &h.Habit); err != nil {
			return fmt.Errorf("stored habit is no JSON: %w", err)
		}
		out[h.Site] = h
		return nil
	}, `SELECT site, state, since, why, habit FROM site_states`)
	if err != nil {
		return nil, fmt.Errorf("list the states of sites: %w", err)
	}
	return out, nil
}

// SaveSiteState saves the judgement on a site and tells the operator what it shows. It reports whether the state is another than before.
func (s *Store) SaveSiteState(ctx context.Context, h pipeline.SiteHealth, shown ...pipeline.Condition) (changed bool, err error) {
	why, err := list(h.Why)
	if err != nil {
		return false, err
	}
	habit, err := json.Marshal(h.Habit)
	if err != nil {
		return false, err
	}
	err = s.tx(ctx, func(c conn) error {
		if err := s.observe(c, shown); err != nil {
			return err
		}
		n, err := c.exec(`INSERT INTO site_states (site, state, since, why, habit) VALUES (?, ?, ?, ?, ?)
			ON CONFLICT (site) DO UPDATE SET state = excluded.state, since = excluded.since, why = excluded.why, habit = excluded.habit
			WHERE site_states.state <> excluded.state`, ident(h.Site), string(h.State), ms(h.Since), why, string(habit))
		changed = n > 0
		return err
	})
	if err != nil {
		return false, fmt.Errorf("save the state of %s: %w", h.Site, err)
	}
	return changed, nil
}

// PruneSiteDays forgets what was read of sites before a day.
func (s *Store) PruneSiteDays(ctx context.Context, before time.Time) error {
	err := s.tx(ctx, func(c conn) error {
		_, err := c.exec(`DELETE FROM site_days WHERE day < ?`, dayNumber(before))
		return err
	})
	if err != nil {
		return fmt.Errorf("prune the days of sites: %w", err)
	}
	return nil
}
