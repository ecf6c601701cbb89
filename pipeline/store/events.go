package store

import (
	"fmt"
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

// subject names what an alert about an article of a standing story is told once of, and lists the alerts that told of it, the oldest
// first: whatever rule the alert before it went by. A rule that is told once an event has told of the event when it told of any of its
// stories. 0 among them is one that is not there: what a story was taken out of was told, or another store told of it.
func subject(c conn, a *pipeline.Alert) (told []int64, err error) {
	key := []any{a.Rule, a.Kind, a.Seq}
	// A rule may have told of very many stories: each of the ways to one alert goes by an index. (A CROSS JOIN keeps SQLite from going by the
	// rule.)
	const (
		named  = ` SELECT id FROM alerts WHERE rule = ? AND kind = ? AND seq = ? AND subject IN `
		before = ` UNION SELECT CAST(0 AS BIGINT) FROM story_told WHERE rule = ? AND kind = ? AND seq = ? AND story IN ` // it was taken out of another story
		order  = ` ORDER BY 1`
	)
	about := func(column, ids string) string {
		return ` SELECT a.id FROM ` + ids + ` x CROSS JOIN alerts a WHERE a.` + column + ` = x.id AND a.` + column + ` <> 0 AND a.rule = ? AND a.kind = ? AND a.seq = ?`
	}
	args := func(first ...any) []any { return append(append(append(first, key...), key...), key...) }
	switch a.OncePer {
	case pipeline.PerArticle:
		a.Subject = "article:" + strconv.FormatInt(a.Article.ID, 10)
		// Another version of it is the same article to a reader, in whatever story it is by now; without a link, or where the page took
		// another address, only the chain of versions knows.
		return column[int64](c, `WITH RECURSIVE `+versionChain+`, same (id) AS (SELECT id FROM down UNION SELECT id FROM articles WHERE canonical = ? AND canonical <> '')`+
			about("article", "same")+` UNION SELECT CAST(0 AS BIGINT) FROM article_told WHERE rule = ? AND kind = ? AND seq = ? AND article IN (SELECT id FROM same)`+order,
			append(append([]any{a.Article.ID, ident(a.Article.Canonical)}, key...), key...)...)
	case pipeline.PerEvent:
		event, err := eventOf(c, a.Story.ID)
		if err != nil {
			return nil, err
		}
		a.Subject = "event:" + strconv.FormatInt(event, 10)
		return column[int64](c, `WITH RECURSIVE scope (id) AS (
				SELECT id FROM stories WHERE event = ? OR id = ? OR id = ?
				UNION SELECT s.id FROM stories s JOIN scope ON s.merged_into = scope.id WHERE s.merged_into <> 0)`+
			named+`(SELECT 'event:' || id FROM scope) UNION`+about("story", "scope")+before+`(SELECT id FROM scope)`+order, args(event, event, a.Story.ID)...)
	}
	a.Subject = "story:" + strconv.FormatInt(a.Story.ID, 10)
	return column[int64](c, `WITH RECURSIVE `+family+named+`(SELECT 'story:' || id FROM family) UNION`+about("story", "family")+before+`(SELECT id FROM family)`+order,
		args(a.Story.ID)...)
}
