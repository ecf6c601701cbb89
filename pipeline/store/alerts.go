package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"wirewatch/pipeline"
)

// payload is what an alert says that is not about a stored article (health, tests), what changed in the one that it updates, or what
// was counted, with the other articles where they are of no one story.
type payload struct {
	Story   pipeline.Story
	Article pipeline.Article
	Outlets []pipeline.Outlet
	Health  pipeline.Health
	Update  *pipeline.Update `json:",omitempty"`
	Count   *pipeline.Count  `json:",omitempty"`
}

// RaiseAlert stores the alert and a delivery per channel, due at once or when a.Wait says, unless there is one already for its rule, kind and seq and
// its story or a story merged with it; with a.OncePer, for its article or its event. It reports whether it did. With a.Story.ID set,
// a.Subject is not looked at; else it names the subject. One that replays alone told does not stand in its way: see outOfArchive.
func (t *Tx) RaiseAlert(a pipeline.Alert, channels []string) (bool, error) {
	raised, err := raise(t.c, t.s.text, t.s.now, a, channels)
	if err != nil {
		return false, fmt.Errorf("raise alert of rule %s: %w", a.Rule, err)
	}
	return raised, nil
}

func raise(c conn, text func() string, now func() time.Time, a pipeline.Alert, channels []string) (bool, error) {
	known, err := toldBy(c, &a)
	if err != nil {
		return false, err
	}
	if len(known) > 0 {
		return outOfArchive(c, text, now, known, a, channels)
	}
	return true, insertAlert(c, text, now, a, channels)
}

// toldBy names the alert's subject and lists the alerts that told of it, as subject does.
func toldBy(c conn, a *pipeline.Alert) (ids []int64, err error) {
	switch {
	case a.Story.ID != 0:
		if a.Story.ID, err = rootOf(c, a.Story.ID); err != nil {
			return nil, fmt.Errorf("story %d: %w", a.Story.ID, err)
		}
		return subject(c, a)
	case a.Subject == "":
		return nil, errors.New("it has neither story nor subject")
	}
	return column[int64](c, `SELECT id FROM alerts WHERE rule = ? AND subject = ? AND kind = ? AND seq = ? ORDER BY id`, a.Rule, a.Subject, a.Kind, a.Seq)
}

// insertAlert stores an alert with a delivery per channel, due at once or when a.Wait says, and the one that escalates it.
func insertAlert(c conn, text func() string, now func() time.Time, a pipeline.Alert, channels []string) error {
	if a.Created.IsZero() {
		a.Created = now()
	}
	spans, err := list(a.Spans)
	if err != nil {
		return err
	}
	p := payload{Update: a.Update, Count: a.Count}
	if a.Article.ID == 0 {
		a.Article.Blocks, a.Article.Sketch = nil, nil
		p.Story, p.Article, p.Outlets, p.Health = a.Story, a.Article, a.Outlets, a.Health
	} else if a.Story.ID == 0 {
		p.Outlets = a.Outlets
	}
	said := ""
	if a.Article.ID == 0 || a.Update != nil || a.Count != nil {
		b, err := json.Marshal(p)
		if err != nil {
			return err
		}
		said = Clean(string(b))
	}
	about, err := json.Marshal(a.About)
	if err != nil {
		return err
	}
	var id int64
	err = c.get([]any{&id}, `INSERT INTO alerts (rule, subject, kind, seq, created, story, article, spans, payload, about, archived)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id`,
		a.Rule, a.Subject, a.Kind, a.Seq, ms(a.Created), a.Story.ID, a.Article.ID, spans, said, Clean(string(about)), bit(a.Archive != ""))
	if err != nil {
		return err
	}
	for _, ch := range channels {
		if _, err := insertDelivery(c, text, id, firstDelivery(&a, ch), a.Passes()); err != nil {
			return err
		}
	}
	return insertEscalation(c, text, id, &a)
}

// insertEscalation stores the delivery that escalates an alert, if the alert is to be.
func insertEscalation(c conn, text func() string, id int64, a *pipeline.Alert) error {
	e := a.Escalate
	if e.To == "" {
		return nil
	}
	d := pipeline.Delivery{Channel: e.To, State: pipeline.DeliveryHeld, Bundle: pipeline.ForEscalation, Due: a.Created.Add(e.After), Created: a.Created}
	_, err := insertDelivery(c, text, id, d, false)
	return err
}

// firstDelivery is a delivery of the alert as it begins.
func firstDelivery(a *pipeline.Alert, channel string) pipeline.Delivery {
	d := pipeline.Delivery{Channel: channel, State: pipeline.DeliveryOpen, Due: a.Created.Add(a.Wait[channel]), Created: a.Created}
	if a.Archive != "" {
		d.State, d.Bundle, d.Archived = pipeline.DeliveryHeld, a.Archive, true
	}
	return d
}

// insertDelivery stores a delivery of an alert at the end of its channel's queue and returns its ID; 0: the channel has one of it already.
func insertDelivery(c conn, text func() string, alert int64, d pipeline.Delivery, passes bool) (id int64, err error) {
	err = c.get([]any{&id}, `INSERT INTO deliveries (uid, alert, channel, pos, state, bundle, due, created, passes, archived)
		SELECT ?, ?, ?, COALESCE(MAX(pos), 0) + 1, ?, ?, ?, ?, ?, ? FROM deliveries WHERE channel = ?
		ON CONFLICT (alert, channel) DO NOTHING RETURNING id`,
		"msg_"+text(), alert, d.Channel, string(d.State), string(d.Bundle), ms(d.Due), ms(d.Created), bit(passes), bit(d.Archived), d.Channel)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return 0, fmt.Errorf("channel %s: %w", d.Channel, err)
	}
	return id, nil
}

// Raise stores an alert that is not about a new article (health, a test) with its deliveries, as Tx.RaiseAlert does.
func (s *Store) Raise(ctx context.Context, a pipeline.Alert, channels []string) (bool, error) {
	raised := false
	err := s.tx(ctx, func(c conn) (err error) {
		if err := c.lock(lockStories); err != nil {
			return err
		}
		raised, err = raise(c, s.text, s.now, a, channels)
		return err
	})
	if err != nil {
		return false, fmt.Errorf("raise alert of rule %s: %w", a.Rule, err)
	}
	return raised, nil
}

// readAbout reads what an alert says of its rule; "" of one from before that was kept.
func readAbout(a *pipeline.Alert, about string) error {
	if about == "" {
		return nil
	}
	if err := json.Unmarshal([]byte(about), &a.About); err != nil {
		return fmt.Errorf("what alert %d says of its rule cannot be read: %w", a.ID, err)
	}
	return nil
}

// maxOutlets bounds how many other sites of a story an alert names.
const maxOutlets = 50

// Saying loads what there would be to say of an alert about an article (its ID) now: the article without its blocks, its story, who else
// carries it. ErrNotFound: there is no such article.
func (s *Store) Saying(ctx context.Context, article int64) (pipeline.Alert, error) {
	c, done := s.read(ctx)
	defer done()
	var a pipeline.Alert
	as, err := loadArticles(c, articleColumns, ` WHERE id = ?`, article)
	if err == nil && len(as) == 0 {
		err = ErrNotFound
	}
	if err == nil {
		a.Article, a.Story.ID = as[0], as[0].Story
		err = fill(c, &a, "")
	}
	if err != nil {
		return a, fmt.Errorf("what is to be said of article %d: %w", article, err)
	}
	return a, nil
}

// fill loads what there is to say of an alert: the story as it stands now, the article, the story's other outlets.
func fill(c conn, a *pipeline.Alert, said string) error {
	if said != "" {
		var p payload
		if err := json.Unmarshal([]byte(said), &p); err != nil {
			return fmt.Errorf("what alert %d says cannot be read: %w", a.ID, err)
		}
		a.Update, a.Count, a.Outlets = p.Update, p.Count, p.Outlets
		if a.Article.ID == 0 {
			story := a.Story.ID
			a.Story, a.Article, a.Health = p.Story, p.Article, p.Health
			a.Story.ID = story
		}
	}
	if a.Article.ID != 0 {
		as, err := loadArticles(c, articleColumns, ` WHERE id = ?`, a.Article.ID)
		if err != nil {
			return fmt.Errorf("article %d: %w", a.Article.ID, err)
		}
		if len(as) > 0 { // else it was pruned meanwhile
			a.Article = as[0]
			if a.Story.ID != 0 {
				a.Story.ID = a.Article.Story // a person may have taken it out of the story that it was told of
			}
		}
	}
	if a.Story.ID == 0 {
		return nil
	}
	st, err := loadStory(c, a.Story.ID)
	if err != nil {
		return fmt.Errorf("story %d: %w", a.Story.ID, err)
	}
	a.Story = st
	// One article a site, its first, and none of the alert's own site: the outlets say who else carries the story.
	named := map[string]bool{a.Article.Site: true}
	return c.each(func(scan func(...any) error) error {
		var o pipeline.Outlet
		var published int64
		if err := scan(&o.Site, &o.SiteName, &o.Title, &o.URL, &published); err != nil {
			return err
		}
		if o.Published = at(published); !named[o.Site] && len(a.Outlets) < maxOutlets {
			named[o.Site] = true
			a.Outlets = append(a.Outlets, o)
		}
		return nil
	}, `SELECT site, site_name, title, url, published FROM articles WHERE story = ? AND id <> ?
		ORDER BY CASE WHEN published = 0 THEN seen ELSE published END, id LIMIT ?`, st.ID, a.Article.ID, maxStory)
}
