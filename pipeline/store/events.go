package store

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"wirewatch/pipeline"
)

// JoinEvent puts a story into an event, which may have been merged into another; 0: it opens one. It returns the event that the
// story is in.
func (t *Tx) JoinEvent(story, event int64) (int64, error) {
	joined, err := story, error(nil)
	if event != 0 {
		joined, err = eventOf(t.c, event)
	}
	if err == nil {
		_, err = t.c.exec(`UPDATE stories SET event = ? WHERE id = ?`, joined, story)
	}
	if err != nil {
		return 0, fmt.Errorf("put story %d into event %d: %w", story, event, err)
	}
	return joined, nil
}

// MergeEvents makes the event from part of the event into. Alerts raised for either count for both from now on.
func (t *Tx) MergeEvents(from, into int64) error {
	if err := mergeEvents(t.c, from, into); err != nil {
		return fmt.Errorf("merge event %d into %d: %w", from, into, err)
	}
	return nil
}

// mergeEvents puts all stories of one event into another, and notes a change of an article that the index of events knows.
func mergeEvents(c conn, from, into int64) error {
	a, err := eventOf(c, from)
	if err != nil {
		return err
	}
	b, err := eventOf(c, into)
	if err != nil || a == b {
		return err
	}
	_, err = c.exec(`INSERT INTO changes (kind, article) SELECT ?, t.article FROM article_terms t
		JOIN articles x ON x.id = t.article JOIN stories s ON s.id = x.story WHERE s.event = ? ORDER BY t.article`, string(pipeline.ChangeEvent), a)
	if err != nil {
		return err
	}
	_, err = c.exec(`UPDATE stories SET event = ? WHERE event = ? OR id = ? AND event = 0`, b, a, a)
	return err
}

// eventOf is the event that a story is in. Events are named by stories, so it also finds the one that an event was merged into.
func eventOf(c conn, story int64) (int64, error) {
	var event int64
	err := c.get([]any{&event}, `SELECT CASE WHEN event = 0 THEN id ELSE event END FROM stories WHERE id = ?`, story)
	return event, err
}

// SaveTerms keeps what an article is about, for the index of events.
func (t *Tx) SaveTerms(article int64, seen time.Time, terms []byte) error {
	if _, err := t.c.exec(`INSERT INTO article_terms (article, seen, terms) VALUES (?, ?, ?)`, article, ms(seen), terms); err != nil {
		return fmt.Errorf("save the terms of article %d: %w", article, err)
	}
	return nil
}

// DropTerms forgets what articles seen before then are about.
func (t *Tx) DropTerms(before time.Time) error {
	if _, err := t.c.exec(`DELETE FROM article_terms WHERE seen < ?`, ms(before)); err != nil {
		return fmt.Errorf("drop old terms: %w", err)
	}
	return nil
}

// subject names what an alert about an article of a standing story is told once of, and reports whether it was: whatever rule
// the alert before it went by. A rule that is told once an event has told of the event when it told of any of its stories.
func subject(c conn, a *pipeline.Alert) (known bool, err error) {
	key := []any{a.Rule, a.Kind, a.Seq}
	const (
		told   = ` SELECT 1 FROM alerts WHERE rule = ? AND kind = ? AND seq = ? AND `
		before = ` SELECT 1 FROM story_told WHERE rule = ? AND kind = ? AND seq = ? AND ` // it was taken out of another story
	)
	switch a.OncePer {
	case pipeline.PerArticle:
		a.Subject = "article:" + strconv.FormatInt(a.Article.ID, 10)
		// Another version of it is the same article to a reader, in whatever story it is by now; without a link, or where the page took
		// another address, only the chain of versions knows.
		const of = `(article IN (SELECT id FROM down) OR article IN (SELECT id FROM articles WHERE canonical = ? AND canonical <> ''))`
		url := ident(a.Article.Canonical)
		return c.has(`WITH RECURSIVE `+versionChain+told+`article <> 0 AND `+of+`
			UNION ALL SELECT 1 FROM article_told WHERE rule = ? AND kind = ? AND seq = ? AND `+of+` LIMIT 1`,
			slices.Concat([]any{a.Article.ID}, key, []any{url}, key, []any{url})...)
	case pipeline.PerEvent:
		event, err := eventOf(c, a.Story.ID)
		if err != nil {
			return false, err
		}
		a.Subject = "event:" + strconv.FormatInt(event, 10)
		return c.has(`WITH RECURSIVE scope (id) AS (
				SELECT id FROM stories WHERE event = ? OR id = ? OR id = ?
				UNION SELECT s.id FROM stories s JOIN scope ON s.merged_into = scope.id WHERE s.merged_into <> 0)
			`+told+`(story IN (SELECT id FROM scope) OR subject IN (SELECT 'event:' || id FROM scope))
			UNION ALL `+before+`story IN (SELECT id FROM scope) LIMIT 1`,
			append(append([]any{event, event, a.Story.ID}, key...), key...)...)
	}
	a.Subject = "story:" + strconv.FormatInt(a.Story.ID, 10)
	return c.has(`WITH RECURSIVE `+family+told+`(subject IN (SELECT 'story:' || id FROM family) OR story IN (SELECT id FROM family))
		UNION ALL `+before+`story IN (SELECT id FROM family) LIMIT 1`,
		append(append([]any{a.Story.ID}, key...), key...)...)
}
