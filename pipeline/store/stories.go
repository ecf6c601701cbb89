package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"wirewatch/pipeline"
)

// A StoryFilter chooses stories. Its zero values choose all.
type StoryFilter struct {
	Since      time.Time // stories with an article seen since
	Site       string    // that this site carries
	Rule       string    // in which this rule matched
	MinOutlets int       // that so many sites carry
	Limit      int       // 0: 100
}

// A StoryRow is a story in a list.
type StoryRow struct {
	pipeline.Story
	Articles, Outlets int
	First, Last       time.Time // when its first and its latest article were seen
	Sites             []string  // who carries it, the first first
	Rules             []string  // that matched in it, by name
}

// Stories lists the stories that stand, the newest first.
func (s *Store) Stories(ctx context.Context, f StoryFilter) ([]StoryRow, error) {
	w := where{}
	w.add(true, `merged_into = 0 AND id <> 0`)
	in := func(cond string, args ...any) {
		w.add(true, `EXISTS (SELECT 1 FROM articles a WHERE a.story = stories.id AND `+cond+`)`, args...)
	}
	if !f.Since.IsZero() {
		in(`a.seen >= ?`, ms(f.Since))
	}
	if f.Site != "" {
		in(`a.site = ?`, ident(f.Site))
	}
	if f.Rule != "" {
		in(`EXISTS (SELECT 1 FROM matches m WHERE m.article = a.id AND m.rule = ?)`, f.Rule)
	}
	w.add(f.MinOutlets > 1, `(SELECT COUNT(DISTINCT a.site) FROM articles a WHERE a.story = stories.id) >= ?`, f.MinOutlets)
	c, done := s.read(ctx)
	defer done()
	var out []StoryRow
	err := c.each(func(scan func(...any) error) error {
		var r StoryRow
		var created int64
		err := scan(&r.ID, &r.Title, &created)
		r.Created = at(created)
		out = append(out, r)
		return err
	}, `SELECT id, title, created FROM stories`+w.String()+` ORDER BY id DESC LIMIT ?`, append(w.args, limit(f.Limit))...)
	if err == nil {
		err = count(c, out)
	}
	if err != nil {
		return nil, fmt.Errorf("list stories: %w", err)
	}
	return out, nil
}

// count fills in what is counted of stories.
func count(c conn, rows []StoryRow) error {
	byID := make(map[int64]*StoryRow, len(rows))
	ids := make([]int64, len(rows))
	for i := range rows {
		byID[rows[i].ID], ids[i] = &rows[i], rows[i].ID
	}
	return inChunks(ids, func(marks string, args []any) error {
		err := c.each(func(scan func(...any) error) error {
			var story, first, last int64
			var site string
			var n int
			if err := scan(&story, &site, &n, &first, &last); err != nil {
				return err
			}
			r := byID[story]
			r.Articles += n
			if !slices.Contains(r.Sites, site) {
				r.Sites = append(r.Sites, site)
				r.Outlets = len(r.Sites)
			}
			if f := at(first); r.First.IsZero() || f.Before(r.First) {
				r.First = f
			}
			if l := at(last); l.After(r.Last) {
				r.Last = l
			}
			return nil
		}, `SELECT story, site, COUNT(*), MIN(seen), MAX(seen) FROM articles WHERE story IN (`+marks+`) GROUP BY story, site ORDER BY MIN(id)`, args...)
		if err != nil {
			return err
		}
		return c.each(func(scan func(...any) error) error {
			var story int64
			var rule string
			err := scan(&story, &rule)
			if err == nil {
				byID[story].Rules = append(byID[story].Rules, rule)
			}
			return err
		}, `SELECT DISTINCT a.story, m.rule FROM articles a JOIN matches m ON m.article = a.id WHERE a.story IN (`+marks+`) ORDER BY a.story, m.rule`, args...)
	})
}

// A Told is an alert of a story.
type Told struct {
	Alert    int64 // 0: it was told of the story that this one was taken out of
	Rule     string
	Kind     string
	Seq      int
	Article  int64
	Created  time.Time
	Channels []string // with their state, as "desk: sent"
}

// A Verdict is what a person decided about a story and another one.
type Verdict struct {
	Other    int64 // the other story, as it stands now
	Together bool  // else apart
	Decided  time.Time
}

// ToldOf lists what was told of a story or counts as told of it, the oldest first.
func (s *Store) ToldOf(ctx context.Context, story int64) ([]Told, error) {
	c, done := s.read(ctx)
	defer done()
	var out []Told
	root, err := rootOf(c, story)
	if err == nil {
		err = c.each(func(scan func(...any) error) error {
			var t Told
			err := scan(&t.Rule, &t.Kind, &t.Seq)
			out = append(out, t)
			return err
		}, `WITH RECURSIVE `+family+` SELECT DISTINCT rule, kind, seq FROM story_told WHERE story IN (SELECT id FROM family) ORDER BY rule, kind, seq`, root)
	}
	if err == nil {
		err = c.each(func(scan func(...any) error) error {
			var t Told
			var created int64
			var channel, state string
			if err := scan(&t.Alert, &t.Rule, &t.Kind, &t.Seq, &t.Article, &created, &channel, &state); err != nil {
				return err
			}
			t.Created = at(created)
			if n := len(out); n == 0 || out[n-1].Alert != t.Alert {
				out = append(out, t)
			}
			if channel != "" {
				last := &out[len(out)-1]
				last.Channels = append(last.Channels, channel+": "+state)
			}
			return nil
		}, `WITH RECURSIVE `+family+` SELECT a.id, a.rule, a.kind, a.seq, a.article, a.created, COALESCE(d.channel, ''), COALESCE(d.state, '')
			FROM alerts a LEFT JOIN deliveries d ON d.alert = a.id
			WHERE a.story IN (SELECT id FROM family) ORDER BY a.id, d.channel LIMIT ?`, root, maxStory)
	}
	if err != nil {
		return nil, fmt.Errorf("list what was told of story %d: %w", story, err)
	}
	return out, nil
}

// Verdicts lists what was decided by hand about a story, the oldest first.
func (s *Store) Verdicts(ctx context.Context, story int64) ([]Verdict, error) {
	c, done := s.read(ctx)
	defer done()
	root, err := rootOf(c, story)
	var out []Verdict
	if err == nil {
		err = eachVerdict(c, root, func(v verdict) error {
			other := v.a
			if v.inA && (!v.inB || v.b != root) { // the one outside; of two inside the one that was merged
				other = v.b
			}
			out = append(out, Verdict{Other: other, Together: v.kind == together, Decided: at(v.decided)})
			return nil
		})
	}
	for i := range out {
		if err == nil && !out[i].Together { // what was made one is named by what it was
			out[i].Other, err = rootOf(c, out[i].Other)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("list what was decided about story %d: %w", story, err)
	}
	return out, nil
}

// family is a common table of a story that stands and all that were merged into it; it takes the story.
const family = `family (id) AS (
	SELECT CAST(? AS BIGINT)
	UNION SELECT s.id FROM stories s JOIN family ON s.merged_into = family.id WHERE s.merged_into <> 0)`

// Verdicts of story_verdicts.
const (
	apart    = "apart"
	together = "together"
)

// verdict is a row of story_verdicts that concerns a story.
type verdict struct {
	a, b     int64
	kind     string
	decided  int64
	inA, inB bool // whether the story's family holds a, or b
}

func eachVerdict(c conn, root int64, f func(verdict) error) error {
	return c.each(func(scan func(...any) error) error {
		var v verdict
		if err := scan(&v.a, &v.b, &v.kind, &v.decided, &v.inA, &v.inB); err != nil {
			return err
		}
		return f(v)
	}, `WITH RECURSIVE `+family+`
		SELECT v.a, v.b, v.verdict, v.decided, CASE WHEN x.id IS NULL THEN 0 ELSE 1 END, CASE WHEN y.id IS NULL THEN 0 ELSE 1 END
		FROM story_verdicts v LEFT JOIN family x ON x.id = v.a LEFT JOIN family y ON y.id = v.b
		WHERE v.a IN (SELECT id FROM family) OR v.b IN (SELECT id FROM family) ORDER BY v.decided, v.a, v.b`, root)
}

// keptApart lists the stories, by their roots, that a person keeps apart from a story that stands.
func keptApart(c conn, root int64) ([]int64, error) {
	var others []int64
	err := eachVerdict(c, root, func(v verdict) error {
		switch {
		case v.kind != apart || v.inA && v.inB:
		case v.inA:
			others = append(others, v.b)
		default:
			others = append(others, v.a)
		}
		return nil
	})
	for i := range others {
		if err == nil {
			others[i], err = rootOf(c, others[i])
		}
	}
	slices.Sort(others)
	return slices.Compact(others), err
}

// decideOn stores a verdict on two stories in the place of an older one.
func decideOn(c conn, x, y int64, kind string, now time.Time) error {
	_, err := c.exec(`INSERT INTO story_verdicts (a, b, verdict, decided) VALUES (?, ?, ?, ?)
		ON CONFLICT (a, b) DO UPDATE SET verdict = excluded.verdict, decided = excluded.decided`, min(x, y), max(x, y), kind, ms(now))
	return err
}

// SplitStory takes articles out of a story into one of their own, whose ID it returns, for good: nothing but JoinStories makes them
// one again. What was told of the story counts as told of both. Articles that were known as copies or versions of what they
// leave behind become new ones.
func (s *Store) SplitStory(ctx context.Context, story int64, articles ...int64) (int64, error) {
	var out int64
	err := s.tx(ctx, func(c conn) (err error) {
		if err := c.lock(lockStories); err != nil {
			return err
		}
		out, err = s.split(c, story, articles)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("split story %d: %w", story, err)
	}
	return out, nil
}

func (s *Store) split(c conn, story int64, articles []int64) (int64, error) {
	root, err := storyNamed(c, story)
	if err != nil {
		return 0, err
	}
	articles = slices.Clone(articles)
	slices.Sort(articles)
	articles = slices.Compact(articles)
	if len(articles) == 0 {
		return 0, errors.New("no article is named")
	}
	var title string
	for i, id := range articles {
		var in int64
		var t string
		if err := c.get([]any{&in, &t}, `SELECT story, title FROM articles WHERE id = ?`, id); err != nil {
			return 0, fmt.Errorf("article %d: %w", id, err)
		}
		if in != root {
			return 0, fmt.Errorf("article %d is in story %d, not in this one", id, in)
		}
		if i == 0 {
			title = t
		}
	}
	var all int
	if err := c.get([]any{&all}, `SELECT COUNT(*) FROM articles WHERE story = ?`, root); err != nil {
		return 0, err
	}
	if all == len(articles) {
		return 0, errors.New("these are all of its articles: one has to stay")
	}
	now := s.now()
	var id int64
	// Two reports may well be of one event: it stays theirs, and a rule that is told once an event is not told again.
	event, err := eventOf(c, root)
	if err != nil {
		return 0, err
	}
	if err := c.get([]any{&id}, `INSERT INTO stories (title, created, event) VALUES (?, ?, ?) RETURNING id`, title, ms(now), event); err != nil {
		return 0, err
	}
	err = inChunks(articles, func(marks string, args []any) error {
		if _, err := c.exec(`INSERT INTO changes (kind, article) SELECT 'split', id FROM articles WHERE id IN (`+marks+`) ORDER BY id`, args...); err != nil {
			return err
		}
		_, err := c.exec(`UPDATE articles SET story = ? WHERE id IN (`+marks+`)`, append([]any{id}, args...)...)
		return err
	})
	if err != nil {
		return 0, err
	}
	// An excerpt may be of any story; the other relations say that two articles are in one.
	if _, err := c.exec(`UPDATE articles SET relation = 'new', of_id = 0, score = 0 WHERE story IN (?, ?) AND relation IN ('identical', 'copy', 'version')
		AND EXISTS (SELECT 1 FROM articles o WHERE o.id = articles.of_id AND o.story IN (?, ?) AND o.story <> articles.story)`, root, id, root, id); err != nil {
		return 0, err
	}
	if _, err := c.exec(`INSERT INTO story_told (story, rule, kind, seq) WITH RECURSIVE `+family+`
		SELECT CAST(? AS BIGINT), rule, kind, seq FROM alerts WHERE story IN (SELECT id FROM family)
		UNION SELECT CAST(? AS BIGINT), rule, kind, seq FROM story_told WHERE story IN (SELECT id FROM family)`, root, id, id); err != nil {
		return 0, err
	}
	// Whatever was kept apart from the story holds for both parts of it.
	others, err := keptApart(c, root)
	if err != nil {
		return 0, err
	}
	for _, o := range append(others, root) {
		if err := decideOn(c, o, id, apart, now); err != nil {
			return 0, err
		}
	}
	return id, nil
}

// JoinStories makes stories one, for good, and returns the one that stands: the first named. What a person decided against it
// before is lifted; what was told of either counts as told of both.
func (s *Store) JoinStories(ctx context.Context, into int64, from ...int64) (int64, error) {
	var out int64
	err := s.tx(ctx, func(c conn) error {
		if err := c.lock(lockStories); err != nil {
			return err
		}
		root, err := storyNamed(c, into)
		if err != nil {
			return fmt.Errorf("story %d: %w", into, err)
		}
		out = root
		joined := 0
		for _, f := range from {
			other, err := storyNamed(c, f)
			if err != nil {
				return fmt.Errorf("story %d: %w", f, err)
			}
			if other == root {
				continue
			}
			joined++
			if err := liftBetween(c, root, other); err != nil {
				return err
			}
			if err := leaveEvent(c, other, root); err != nil {
				return err
			}
			if err := leaveEvent(c, root, other); err != nil {
				return err
			}
			if err := mergeStories(c, other, root); err != nil {
				return err
			}
			if err := decideOn(c, root, other, together, s.now()); err != nil {
				return err
			}
		}
		if joined == 0 {
			return errors.New("they are one story already")
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("join stories: %w", err)
	}
	return out, nil
}

// leaveEvent puts a story into the event of another one that it is about to be joined with, where a person took it out of a story of its
// own event: what it was taken out of stays in that event, and must not become one with the other's. A story by which its event goes
// cannot leave it.
func leaveEvent(c conn, story, to int64) error {
	event, err := eventOf(c, story)
	if err != nil {
		return err
	}
	others, err := keptApart(c, story)
	if err != nil {
		return err
	}
	apart := false
	for _, o := range others {
		of, err := eventOf(c, o)
		if err != nil {
			return err
		}
		apart = apart || of == event
	}
	opener, err := rootOf(c, event)
	if err != nil || !apart || opener == story {
		return err
	}
	if event, err = eventOf(c, to); err != nil {
		return err
	}
	_, err = c.exec(`UPDATE stories SET event = ? WHERE id IN (WITH RECURSIVE `+family+` SELECT id FROM family)`, event, story)
	return err
}

// liftBetween takes back what keeps two stories apart, whichever of the stories merged into them it was decided on.
func liftBetween(c conn, x, y int64) error {
	_, err := c.exec(`DELETE FROM story_verdicts WHERE verdict = 'apart' AND (a, b) IN (
			WITH RECURSIVE fx (id) AS (SELECT CAST(? AS BIGINT) UNION SELECT s.id FROM stories s JOIN fx ON s.merged_into = fx.id WHERE s.merged_into <> 0),
				fy (id) AS (SELECT CAST(? AS BIGINT) UNION SELECT s.id FROM stories s JOIN fy ON s.merged_into = fy.id WHERE s.merged_into <> 0)
			SELECT v.a, v.b FROM story_verdicts v
			WHERE v.a IN (SELECT id FROM fx) AND v.b IN (SELECT id FROM fy) OR v.a IN (SELECT id FROM fy) AND v.b IN (SELECT id FROM fx))`, x, y)
	return err
}
