package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"wirewatch/pipeline"
)

// An ArchiveFilter chooses what of the store goes into an archive. Its zero values choose all.
type ArchiveFilter struct {
	Since, Until time.Time // of the time of publication, half-open; an article whose date is unknown lies in no range
	Seen         bool      // they are of the time when it was stored
	Site         string    // with its subdomains
	Rule         string    // only what this rule matched
	// Canonical puts articles in the order of archives (by publication, canonical URL, title, key), whatever order they were stored in; else
	// they come as they were stored.
	Canonical bool
}

// Archive calls f for what the store holds, all of it as it stood at one moment: each article, before the first of a story that story, and
// in the end the episodes of rules that count. f must not write to the store. It may take as long as it needs; a SQLite file's write-ahead
// log grows meanwhile, if others write.
//
// In memory it holds 8 bytes an article that is chosen, and the texts of some hundred articles.
func (s *Store) Archive(ctx context.Context, f ArchiveFilter, each func(pipeline.ArchiveRecord) error) error {
	err := s.view(ctx, func(c conn) error {
		ids, ties, err := listArchive(c, f)
		if err != nil {
			return err
		}
		if c.d.index != "" {
			if _, err := c.exec(c.d.index); err != nil {
				return err
			}
		}
		r := archiveReader{c: c, names: newNamer(c), canonical: f.Canonical, each: each}
		if err := r.settle(ids, ties); err != nil {
			return err
		}
		for chunk := range slices.Chunk(ids, archiveBatch) {
			if err := r.articles(chunk); err != nil {
				return err
			}
		}
		return r.episodes(f)
	})
	if err != nil {
		return fmt.Errorf("archive the store: %w", err)
	}
	return nil
}

// A tie is a run of articles that are alike in all but their texts.
type tie struct{ from, to int }

// listArchive lists the articles that the filter chooses, in order but for ties.
func listArchive(c conn, f ArchiveFilter) (ids []int64, ties []tie, err error) {
	w := where{}
	when := `published`
	if f.Seen {
		when = `seen`
	}
	w.add(!f.Since.IsZero(), when+` >= ?`, ms(f.Since))
	w.add(!f.Until.IsZero(), when+` < ?`, ms(f.Until))
	w.add(!f.Seen && f.Since.IsZero() && !f.Until.IsZero(), `published <> 0`)
	w.site(`site`, f.Site)
	w.add(f.Rule != "", `EXISTS (SELECT 1 FROM matches m WHERE m.article = articles.id AND m.rule = ?)`, f.Rule)
	if !f.Canonical {
		ids, err = column[int64](c, `SELECT id FROM articles`+w.String()+` ORDER BY id`, w.args...)
		return ids, nil, err
	}
	var was place
	err = c.each(func(scan func(...any) error) error {
		var id int64
		var p place
		if err := scan(&id, &p.published, &p.canonical, &p.title); err != nil {
			return err
		}
		switch n := len(ids); {
		case n == 0 || p != was:
		case len(ties) > 0 && ties[len(ties)-1].to == n:
			ties[len(ties)-1].to++
		default:
			ties = append(ties, tie{n - 1, n + 1})
		}
		ids, was = append(ids, id), p
		return nil
	}, `SELECT id, published, canonical, title FROM articles`+w.String()+` ORDER BY published, canonical`+c.d.bytes+`, title`+c.d.bytes+`, id`, w.args...)
	return ids, ties, err
}

// An archiveReader reads articles for an archive, batch by batch.
type archiveReader struct {
	c         conn
	names     *namer
	canonical bool
	each      func(pipeline.ArchiveRecord) error
	told      bitset // stories that each was called for
}

// settle puts ties in the order of their keys.
func (r *archiveReader) settle(ids []int64, ties []tie) error {
	for len(ties) > 0 {
		var alike []int64
		n := 0
		for n < len(ties) && len(alike) < archiveBatch {
			alike = append(alike, ids[ties[n].from:ties[n].to]...)
			n++
		}
		if err := r.names.nameArticles(alike); err != nil {
			return err
		}
		for _, t := range ties[:n] {
			slices.SortFunc(ids[t.from:t.to], func(a, b int64) int { return compareKeys(r.names.articles[a], r.names.articles[b]) })
		}
		ties = ties[n:]
	}
	return nil
}

// compareKeys puts the keys of articles of one canonical URL in order: a number behind ~ counts.
func compareKeys(a, b string) int {
	if d := len(a) - len(b); d != 0 && (len(a) > len(b) && a[:len(b)] == b || len(b) > len(a) && b[:len(a)] == a) {
		return d
	}
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// articles calls each for a batch.
func (r *archiveReader) articles(ids []int64) error {
	loaded := make(map[int64]*pipeline.ArchivedArticle, len(ids))
	var stories, named []int64
	err := inChunks(ids, func(marks string, args []any) error {
		as, err := loadArticles(r.c, fullColumns, ` WHERE id IN (`+marks+`)`, args...)
		for _, a := range as {
			loaded[a.ID] = &pipeline.ArchivedArticle{Article: a}
			stories, named = append(stories, a.Story), append(named, a.ID, a.Of)
		}
		return err
	})
	if err != nil {
		return err
	}
	slices.Sort(stories)
	stories = slices.Compact(stories)
	rows, err := r.stories(stories)
	if err != nil {
		return err
	}
	if err := r.names.nameArticles(named); err != nil {
		return err
	}
	if err := r.found(ids, loaded); err != nil {
		return err
	}
	for _, id := range ids {
		a := loaded[id]
		sortTold(a.Told)
		a.Key, a.OfKey = r.names.articles[id], r.names.articles[a.Of]
		if st := rows[a.Story]; st != nil {
			a.StoryKey, a.EventKey = st.Key, st.EventKey
			if r.told.add(a.Story) {
				if r.canonical { // else its title is that of the article which opened it
					st.Title = a.Title
				}
				if err := r.each(pipeline.ArchiveRecord{Story: st}); err != nil {
					return err
				}
			}
		}
		if err := r.each(pipeline.ArchiveRecord{Article: a}); err != nil {
			return err
		}
	}
	return nil
}

// found loads what stands beside articles: matches, what was told once an article, what retention took.
func (r *archiveReader) found(ids []int64, loaded map[int64]*pipeline.ArchivedArticle) error {
	return inChunks(ids, func(marks string, args []any) error {
		err := r.c.each(func(scan func(...any) error) error {
			var id int64
			var m pipeline.Match
			var channels, spans string
			err := scan(&id, &m.Rule, &channels, &spans)
			if err == nil {
				err = unlist(channels, &m.Channels, "channels")
			}
			if err == nil {
				err = unlist(spans, &m.Spans, "spans")
			}
			loaded[id].Matches = append(loaded[id].Matches, m)
			return err
		}, `SELECT article, rule, channels, spans FROM matches WHERE article IN (`+marks+`) ORDER BY article, rule`+r.c.d.bytes, args...)
		if err != nil {
			return err
		}
		err = r.c.each(func(scan func(...any) error) error {
			var id int64
			var t pipeline.ArchivedTold
			err := scan(&id, &t.Rule, &t.Seq)
			loaded[id].Told = append(loaded[id].Told, t)
			return err
		}, `SELECT article, rule, seq FROM alerts WHERE article <> 0 AND article IN (`+marks+`) AND kind = 'match' AND subject = 'article:' || article
			UNION SELECT article, rule, seq FROM article_told WHERE article IN (`+marks+`) AND kind = 'match'`, append(args, args...)...)
		if err != nil {
			return err
		}
		return r.c.each(func(scan func(...any) error) error {
			var id int64
			var level int
			err := scan(&id, &level)
			loaded[id].Forgotten = pipeline.Forgotten(level)
			return err
		}, `SELECT id, pruned FROM articles WHERE pruned > 0 AND id IN (`+marks+`)`, args...)
	})
}

// stories loads stories by their IDs, with their keys. What was told of one is there until it was handed over.
func (r *archiveReader) stories(ids []int64) (map[int64]*pipeline.ArchivedStory, error) {
	out := make(map[int64]*pipeline.ArchivedStory, len(ids))
	event := make(map[int64]int64, len(ids))
	var fresh []StoryRow
	var events []int64
	err := inChunks(ids, func(marks string, args []any) error {
		return r.c.each(func(scan func(...any) error) error {
			var id, created, of int64
			var st pipeline.ArchivedStory
			if err := scan(&id, &st.Title, &created, &of); err != nil {
				return err
			}
			if id == 0 {
				return nil
			}
			st.Created = at(created)
			if out[id] == nil && !r.told.has(id) {
				fresh = append(fresh, StoryRow{Story: pipeline.Story{ID: id}})
			}
			out[id], event[id], events = &st, of, append(events, of)
			return nil
		}, `SELECT id, title, created, CASE WHEN event = 0 THEN id ELSE event END FROM stories WHERE id IN (`+marks+`)`, args...)
	})
	if err == nil {
		err = r.names.nameStories(ids)
	}
	if err == nil {
		err = r.names.nameEvents(events)
	}
	if err == nil {
		err = count(r.c, fresh)
	}
	for _, row := range fresh {
		st := out[row.ID]
		st.Articles, st.Sites, st.Rules = row.Articles, row.Sites, row.Rules
		slices.Sort(st.Sites)
		slices.Sort(st.Rules)
	}
	for id, st := range out {
		st.Key, st.EventKey = r.names.stories[id], r.names.events[event[id]]
	}
	if err == nil {
		err = r.decided(fresh, out)
	}
	return out, err
}

// families is a common table of stories that stand and all that were merged into them; it takes the stories.
func families(marks string) string {
	return `WITH RECURSIVE fam (root, id) AS (
		SELECT id, id FROM stories WHERE id IN (` + marks + `)
		UNION SELECT fam.root, s.id FROM fam CROSS JOIN stories s WHERE s.merged_into = fam.id AND s.merged_into <> 0) `
}

// decided loads what was told of stories, and from which others a person keeps them apart.
func (r *archiveReader) decided(fresh []StoryRow, out map[int64]*pipeline.ArchivedStory) error {
	ids := make([]int64, len(fresh))
	for i := range fresh {
		ids[i] = fresh[i].ID
	}
	apart := map[int64][]int64{}
	var all []int64
	err := inChunks(ids, func(marks string, args []any) error {
		err := r.c.each(func(scan func(...any) error) error {
			var id int64
			var t pipeline.ArchivedTold
			err := scan(&id, &t.Rule, &t.Seq)
			out[id].Told = append(out[id].Told, t)
			return err
		}, families(marks)+`SELECT fam.root, al.rule AS rule, al.seq AS seq FROM fam CROSS JOIN alerts al WHERE al.story = fam.id AND al.story <> 0 AND al.kind = 'match'
			UNION SELECT fam.root, t.rule, t.seq FROM fam CROSS JOIN story_told t WHERE t.story = fam.id AND t.kind = 'match'`, args...)
		if err != nil {
			return err
		}
		return r.c.each(func(scan func(...any) error) error {
			var id, other int64
			err := scan(&id, &other)
			apart[id] = append(apart[id], other)
			return err
		}, families(marks)+`SELECT fam.root, v.b FROM fam CROSS JOIN story_verdicts v WHERE v.a = fam.id AND v.verdict = 'apart'
			UNION SELECT fam.root, v.a FROM fam CROSS JOIN story_verdicts v WHERE v.b = fam.id AND v.verdict = 'apart'`, args...)
	})
	for id, others := range apart {
		for i := range others {
			if err == nil {
				others[i], err = rootOf(r.c, others[i])
			}
		}
		others = slices.DeleteFunc(others, func(o int64) bool { return o == id })
		apart[id], all = others, append(all, others...)
	}
	if err == nil {
		err = r.names.nameStories(all)
	}
	for id, others := range apart {
		for _, o := range others {
			out[id].Apart = append(out[id].Apart, r.names.stories[o])
		}
		slices.Sort(out[id].Apart)
		out[id].Apart = slices.Compact(out[id].Apart)
	}
	for _, id := range ids {
		sortTold(out[id].Told)
	}
	return err
}

func sortTold(all []pipeline.ArchivedTold) {
	slices.SortFunc(all, func(a, b pipeline.ArchivedTold) int {
		return cmp.Or(cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Seq, b.Seq))
	})
}

// episodes calls each for the told episodes of rules that count.
func (r *archiveReader) episodes(f ArchiveFilter) error {
	var out []pipeline.ArchivedEpisode
	err := r.c.each(func(scan func(...any) error) error {
		var e pipeline.ArchivedEpisode
		var begins, ends int64
		err := scan(&e.Rule, &e.Number, &begins, &ends)
		e.Begins, e.Ends = at(begins), at(ends)
		out = append(out, e)
		return err
	}, `SELECT rule, number, begins, ends FROM count_episodes WHERE rule = ? OR ? = '' ORDER BY rule`+r.c.d.bytes+`, number`, f.Rule, f.Rule)
	for i := range out {
		if err == nil {
			err = r.each(pipeline.ArchiveRecord{Episode: &out[i]})
		}
	}
	return err
}

// A bitset is a set of small numbers.
type bitset []uint64

// has reports whether n is in it.
func (b bitset) has(n int64) bool { return n>>6 < int64(len(b)) && b[n>>6]&(1<<(n&63)) != 0 }

// add puts n in and reports whether it was not.
func (b *bitset) add(n int64) bool {
	if b.has(n) {
		return false
	}
	for int64(len(*b)) <= n>>6 {
		*b = append(*b, 0)
	}
	(*b)[n>>6] |= 1 << (n & 63)
	return true
}
