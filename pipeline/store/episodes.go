package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"wirewatch/pipeline"
)

// dated is when an article stands on the line of time on which rules count, as Article.Time says.
const dated = `CASE WHEN a.published = 0 OR a.published > a.seen THEN a.seen ELSE a.published END`

// keyBy is what is counted of the articles a.
func keyBy(by pipeline.CountBy) string {
	if by == pipeline.CountSources {
		return `a.site`
	}
	// The first of its versions. A version that a person took out of a story of the others is another article.
	return `CAST(CASE WHEN a.relation <> 'version' THEN a.id ELSE (
		WITH RECURSIVE up (id, relation, of_id) AS (
			SELECT a.id, a.relation, a.of_id
			UNION SELECT o.id, o.relation, o.of_id FROM up CROSS JOIN articles o WHERE o.id = up.of_id AND up.relation = 'version')
		SELECT MIN(id) FROM up) END AS TEXT)`
}

// errStop ends the reading of rows.
var errStop = errors.New("stop")

// points calls f for each article that the rest of a query of points finds, until f says false.
func points(c conn, rest string, f func(pipeline.Point) bool, args ...any) error {
	err := c.each(func(scan func(...any) error) error {
		var p pipeline.Point
		var when int64
		if err := scan(&p.Article, &when, &p.Key); err != nil {
			return err
		}
		if p.At = at(when); !f(p) {
			return errStop
		}
		return nil
	}, rest, args...)
	if errors.Is(err, errStop) {
		return nil
	}
	return err
}

// StoryPoints lists the articles of a story, each with what is counted of it, in the order of their times.
func (t *Tx) StoryPoints(story int64, by pipeline.CountBy) ([]pipeline.Point, error) {
	return storyPoints(t.c, story, by)
}

// StoryPoints lists the articles of a story, each with what is counted of it, in the order of their times. A story that was merged into
// another stands for that one.
func (s *Store) StoryPoints(ctx context.Context, story int64, by pipeline.CountBy) ([]pipeline.Point, error) {
	c, done := s.read(ctx)
	defer done()
	return storyPoints(c, story, by)
}

func storyPoints(c conn, story int64, by pipeline.CountBy) (out []pipeline.Point, err error) {
	root, err := rootOf(c, story)
	if err == nil {
		err = points(c, `SELECT a.id, `+dated+` AS dated, `+keyBy(by)+` FROM articles a WHERE a.story = ? ORDER BY dated, a.id`,
			func(p pipeline.Point) bool { out = append(out, p); return true }, root)
	}
	if err != nil {
		return nil, fmt.Errorf("list the times of story %d: %w", story, err)
	}
	return out, nil
}

// StoryRules lists the rules that match an article of the story, by name.
func (t *Tx) StoryRules(story int64) ([]string, error) {
	out, err := column[string](t.c, `SELECT DISTINCT m.rule FROM articles a CROSS JOIN matches m WHERE m.article = a.id AND a.story = ? ORDER BY m.rule`, story)
	if err != nil {
		return nil, fmt.Errorf("list the rules of story %d: %w", story, err)
	}
	return out, nil
}

// RulePoints calls f for the articles in which a rule matches and whose times are in [from, to], each with what is counted of it, the
// latest first, until f says false. f must not query.
func (t *Tx) RulePoints(rule string, by pipeline.CountBy, from, to time.Time, f func(pipeline.Point) bool) error {
	err := points(t.c, `SELECT m.article, m.dated, `+keyBy(by)+` FROM matches m CROSS JOIN articles a
		WHERE a.id = m.article AND m.rule = ? AND m.dated >= ? AND m.dated <= ? ORDER BY m.dated DESC, m.article DESC`, f, rule, ms(from), ms(to))
	if err != nil {
		return fmt.Errorf("list the times of rule %s: %w", rule, err)
	}
	return nil
}

// Episodes lists the rule's told episodes that have a time in [from, to], by their numbers.
func (t *Tx) Episodes(rule string, from, to time.Time) (out []pipeline.Episode, err error) {
	err = t.c.each(func(scan func(...any) error) error {
		var e pipeline.Episode
		var begins, ends int64
		err := scan(&e.Number, &begins, &ends)
		e.Begins, e.Ends = at(begins), at(ends)
		out = append(out, e)
		return err
	}, `SELECT number, begins, ends FROM count_episodes WHERE rule = ? AND ends >= ? AND begins <= ? ORDER BY number`, rule, ms(from), ms(to))
	if err != nil {
		return nil, fmt.Errorf("list episodes of rule %s: %w", rule, err)
	}
	return out, nil
}

// OpenEpisode stores an episode that is about to be told, and returns its number.
func (t *Tx) OpenEpisode(rule string, e pipeline.Episode) (number int, err error) {
	err = t.c.get([]any{&number}, `INSERT INTO count_episodes (rule, number, begins, ends)
		SELECT CAST(? AS TEXT), COALESCE(MAX(number), 0) + 1, CAST(? AS BIGINT), CAST(? AS BIGINT) FROM count_episodes WHERE rule = ? RETURNING number`,
		rule, ms(e.Begins), ms(e.Ends), rule)
	if err != nil {
		return 0, fmt.Errorf("open an episode of rule %s: %w", rule, err)
	}
	return number, nil
}

// WidenEpisode gives a told episode new bounds; those of lower numbers within them are part of it from now on.
func (t *Tx) WidenEpisode(rule string, e pipeline.Episode) error {
	_, err := t.c.exec(`UPDATE count_episodes SET begins = ?, ends = ? WHERE rule = ? AND number = ?`, ms(e.Begins), ms(e.Ends), rule, e.Number)
	if err == nil {
		_, err = t.c.exec(`DELETE FROM count_episodes WHERE rule = ? AND number < ? AND begins >= ? AND ends <= ?`, rule, e.Number, ms(e.Begins), ms(e.Ends))
	}
	if err != nil {
		return fmt.Errorf("widen episode %d of rule %s: %w", e.Number, rule, err)
	}
	return nil
}

// Outlets says of articles who published them, in the order of their times.
func (t *Tx) Outlets(articles []int64) ([]pipeline.Outlet, error) {
	type row struct {
		pipeline.Outlet
		when, id int64
	}
	var rows []row
	err := inChunks(articles, func(marks string, args []any) error {
		return t.c.each(func(scan func(...any) error) error {
			var r row
			var published int64
			err := scan(&r.id, &r.when, &r.Site, &r.SiteName, &r.Title, &r.URL, &published)
			r.Published = at(published)
			rows = append(rows, r)
			return err
		}, `SELECT a.id, `+dated+`, a.site, a.site_name, a.title, a.url, a.published FROM articles a WHERE a.id IN (`+marks+`)`, args...)
	})
	if err != nil {
		return nil, fmt.Errorf("list who published %d articles: %w", len(articles), err)
	}
	slices.SortFunc(rows, func(x, y row) int { return cmp.Or(cmp.Compare(x.when, y.when), cmp.Compare(x.id, y.id)) })
	out := make([]pipeline.Outlet, len(rows))
	for i, r := range rows {
		out[i] = r.Outlet
	}
	return out, nil
}
