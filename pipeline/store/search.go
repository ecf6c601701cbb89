package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"

	"wirewatch/pipeline"
)

// The word index says which articles may hold words; it is never trusted to say which do. It is filled after the fact, by IndexWords
// in batches, so that storing an article costs nothing more: what is not in it yet, or changed since, counts as holding every word.
// Older archives and a new form of words need that anyway.

// indexBatch is how many articles one transaction indexes: all other writers wait for it.
const indexBatch = 200

// An article of more than maxWords bytes of different words has allWords instead: it is always a candidate. PostgreSQL keeps no more
// than a megabyte in one value.
const (
	maxWords = 512 << 10
	allWords = "\ue0ff"
)

// IndexWords brings the word index up to date in many small transactions and says how many articles it read; ended early by ctx, it
// has done a part. words lists an article's words, each made of letters a to z, digits and characters beyond ASCII; it is given an
// article as Texts loads it. form is the number of that list's form: when it changes, the index is made anew. Any number of
// processes may do it at once.
func (s *Store) IndexWords(ctx context.Context, form int, words func(*pipeline.Article) []string) (int, error) {
	done := 0
	for {
		n, more, err := s.indexSome(ctx, int64(form), words)
		if done += n; err != nil {
			return done, fmt.Errorf("index articles: %w", err)
		}
		if !more {
			return done, nil
		}
	}
}

// An indexing is a batch of the word index: what it was read from, and what it comes to.
type indexing struct {
	upto  int64   // of the index, before it
	stale []int64 // seqs, in ascending order
	last  int64   // of the articles behind upto; 0: there are none
	ids   []int64
	words []string
}

func (s *Store) indexSome(ctx context.Context, form int64, words func(*pipeline.Article) []string) (n int, more bool, err error) {
	b, err := s.readIndexing(ctx, form, words)
	if err != nil || len(b.ids) == 0 && len(b.stale) == 0 {
		return 0, false, err
	}
	lost := false
	err = s.tx(ctx, func(c conn) error {
		lost = false
		if err := c.lock(lockStories); err != nil {
			return err
		}
		if err := s.formWords(c, form); err != nil {
			return err
		}
		var upto int64
		if err := c.get([]any{&upto}, `SELECT upto FROM search_state`); err != nil {
			return err
		}
		left := 0
		for _, seq := range b.stale { // another process may have indexed a newer text of it
			k, err := c.exec(`DELETE FROM search_stale WHERE seq = ?`, seq)
			if err != nil {
				return err
			}
			left += int(k)
		}
		if lost = upto != b.upto || left < len(b.stale); lost {
			return errLost
		}
		for i, id := range b.ids {
			if id <= upto {
				if _, err := c.exec(`DELETE FROM article_words WHERE docid = ?`, id); err != nil {
					return err
				}
			}
			if _, err := c.exec(`INSERT INTO article_words (docid, words) VALUES (?, `+c.d.words2row+`)`, id, b.words[i]); err != nil {
				return fmt.Errorf("article %d: %w", id, err)
			}
		}
		if b.last > 0 {
			if _, err := c.exec(`UPDATE search_state SET upto = ?`, b.last); err != nil {
				return err
			}
		}
		return nil
	})
	if lost {
		return 0, true, nil // another process was faster; look again
	}
	return len(b.ids), err == nil, err
}

// errLost rolls a batch back that was made of what is no more.
var errLost = fmt.Errorf("the index moved on")

// formWords empties an index whose words are of another form.
func (s *Store) formWords(c conn, form int64) error {
	was := int64(0)
	if err := c.get([]any{&was}, `SELECT form FROM search_state`); err != nil || was == form {
		return err
	}
	for _, q := range append([]string{`DROP TABLE article_words`}, c.d.wordTable...) {
		if _, err := c.exec(q); err != nil {
			return err
		}
	}
	_, err := c.exec(`UPDATE search_state SET form = ?, upto = 0`, form)
	return err
}

// readIndexing reads a batch: texts that changed first, then articles that are new.
func (s *Store) readIndexing(ctx context.Context, form int64, words func(*pipeline.Article) []string) (b indexing, err error) {
	c, done := s.read(ctx)
	defer done()
	was := int64(0)
	if err := c.get([]any{&was, &b.upto}, `SELECT form, upto FROM search_state`); err != nil {
		return b, err
	}
	if was != form {
		b.upto = 0
	}
	var stale []int64
	err = c.each(func(scan func(...any) error) error {
		var seq, id int64
		err := scan(&seq, &id)
		if b.stale = append(b.stale, seq); id <= b.upto && !slices.Contains(stale, id) { // others are indexed in their turn
			stale = append(stale, id)
		}
		return err
	}, `SELECT seq, article FROM search_stale ORDER BY seq LIMIT ?`, indexBatch)
	if err != nil {
		return b, err
	}
	note := func(as []pipeline.Article) {
		for i := range as {
			text := strings.Join(words(&as[i]), " ")
			if len(text) > maxWords {
				text = allWords
			}
			b.ids, b.words = append(b.ids, as[i].ID), append(b.words, text)
		}
	}
	if err := inChunks(stale, func(marks string, args []any) error {
		as, err := loadTexts(c, ` WHERE id IN (`+marks+`)`, args...)
		note(as)
		return err
	}); err != nil {
		return b, err
	}
	as, err := loadTexts(c, ` WHERE id > ? ORDER BY id LIMIT ?`, b.upto, indexBatch)
	note(as)
	if len(as) > 0 {
		b.last = as[len(as)-1].ID
	}
	return b, err
}

// staleWords notes that the text of articles changed.
func staleWords(c conn, ids ...int64) error {
	for _, id := range ids {
		if _, err := c.exec(`INSERT INTO search_stale (article) VALUES (?)`, id); err != nil {
			return fmt.Errorf("note that the text of article %d changed: %w", id, err)
		}
	}
	return nil
}

// A WordFilter chooses articles by the words they may hold. Its zero values choose all.
type WordFilter struct {
	Form         int        // of the words, as IndexWords was given
	Groups       [][]string // of each group one word at least; one that ends in * stands for all that begin so
	Since, Until time.Time  // no article seen outside this half-open range needs to be among them, but may
	Below        int64      // IDs below it
	Limit        int        // 0: 100
}

// A WordIndex says how far the word index reaches.
type WordIndex struct {
	Articles  int64 // in the archive, about: the highest ID
	Unindexed int64 // of these, about how many are always candidates, because they are not in it yet or changed since
}

// Candidates lists the IDs of articles that may hold the words, the highest first: every article that does is among them.
func (s *Store) Candidates(ctx context.Context, f WordFilter) ([]int64, error) {
	var out []int64
	err := s.snapshot(ctx, func(c conn) (err error) {
		out, err = candidates(c, f)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("look words up: %w", err)
	}
	return out, nil
}

func candidates(c conn, f WordFilter) ([]int64, error) {
	low, high, err := idRange(c, f)
	if err != nil || low > high {
		return nil, err
	}
	n := limit(f.Limit)
	if len(f.Groups) == 0 {
		return column[int64](c, `SELECT id FROM articles WHERE id BETWEEN ? AND ? ORDER BY id DESC LIMIT ?`, low, high, n)
	}
	var form, upto int64
	if err := c.get([]any{&form, &upto}, `SELECT form, upto FROM search_state`); err != nil {
		return nil, err
	}
	if form != int64(f.Form) {
		upto = 0
	}
	// One bound each way: of two lower ones SQLite takes the first and tries every row against the other.
	out, err := column[int64](c, `SELECT id FROM articles WHERE id BETWEEN ? AND ? ORDER BY id DESC LIMIT ?`, max(low, upto+1), high, n)
	if err != nil || len(out) == n || low > upto {
		return out, err
	}
	if c.d.index != "" {
		if _, err := c.exec(c.d.index); err != nil {
			return nil, err
		}
	}
	known, err := holding(c, f.Groups, low, min(high, upto), n)
	if err != nil {
		return nil, err
	}
	stale, err := column[int64](c, `SELECT DISTINCT article FROM search_stale WHERE article BETWEEN ? AND ? ORDER BY article DESC LIMIT ?`, low, min(high, upto), n)
	if err != nil {
		return nil, err
	}
	out = append(append(out, known...), stale...)
	slices.SortFunc(out, func(a, b int64) int { return int(b - a) })
	out = slices.Compact(out)
	return out[:min(len(out), n)], nil
}

// maxWalk is the most articles that a walk down the keys is tried for; who asks for more wants to see most of them.
const maxWalk = 1000

// holding lists the articles from low to high that the index says hold the words, the highest first, n at most. Where the database finds
// all of them before it orders any, the highest are tried one by one, n at a time, as long as a quarter of them do: of a common word
// the page is full after a few, however large the archive is, and of a rare one little time is lost.
func holding(c conn, groups [][]string, low, high int64, n int) (out []int64, err error) {
	const within = ` AND docid BETWEEN ? AND ? ORDER BY docid DESC LIMIT ?`
	query := c.d.wordQuery(groups)
	for step := int64(n); c.d.wordWalk != "" && n <= maxWalk && high-step >= low; {
		ids, err := column[int64](c, c.d.wordWalk+within, query, high-step+1, high, n-len(out))
		if out = append(out, ids...); err != nil || len(out) == n {
			return out, err
		}
		if high -= step; 4*len(ids) < n {
			break
		}
	}
	more, err := column[int64](c, c.d.wordRows+within, query, low, high, n-len(out))
	return append(out, more...), err
}

// idRange bounds the IDs of articles in the filter's range of time.
func idRange(c conn, f WordFilter) (low, high int64, err error) {
	low = 1
	if !f.Since.IsZero() {
		err = c.get([]any{&low}, `SELECT COALESCE(MIN(id), 0) FROM articles WHERE seen >= ?`, ms(f.Since))
		if err != nil || low == 0 {
			return 1, 0, err
		}
	}
	if err = c.get([]any{&high}, `SELECT COALESCE(MAX(id), 0) FROM articles`); err == nil && !f.Until.IsZero() {
		err = c.get([]any{&high}, `SELECT COALESCE(MAX(id), 0) FROM articles WHERE seen < ?`, ms(f.Until))
	}
	if f.Below > 0 {
		high = min(high, f.Below-1)
	}
	return low, high, err
}

// loadTexts loads of articles what rules see, what says which they are, and when they were seen. No column of these stands behind the
// blocks in a row: SQLite would follow the blocks through the file to reach it.
func loadTexts(c conn, rest string, args ...any) ([]pipeline.Article, error) {
	var out []pipeline.Article
	err := c.each(func(scan func(...any) error) error {
		var a pipeline.Article
		var published, seen int64
		var authors, tags string
		if err := scan(&a.ID, &a.Story, &a.Feed, &a.URL, &a.Site, &a.Title, &authors, &tags, &published, &a.Lang, &a.Agency, &seen, &a.Relation, &a.Of, &a.Body); err != nil {
			return err
		}
		a.Published, a.Seen = at(published), at(seen)
		if err := unlist(authors, &a.Authors, "authors"); err != nil {
			return err
		}
		err := unlist(tags, &a.Tags, "tags")
		out = append(out, a)
		return err
	}, `SELECT id, story, feed, url, site, title, authors, tags, published, lang, agency, seen, relation, of_id, body FROM articles`+rest, args...)
	return out, err
}

// Texts loads articles in the order of the IDs, with what rules see (body, title, authors, tags, agency, language, site, URL, feed),
// their ID, story, relation and times of publication and storing, and nothing else; those that are not there are left out.
func (s *Store) Texts(ctx context.Context, ids []int64) ([]pipeline.Article, error) {
	c, done := s.read(ctx)
	defer done()
	out := make([]pipeline.Article, 0, len(ids))
	err := inChunks(ids, func(marks string, args []any) error {
		as, err := loadTexts(c, ` WHERE id IN (`+marks+`)`, args...)
		out = append(out, as...)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("load the texts of %d articles: %w", len(ids), err)
	}
	place := make(map[int64]int, len(ids))
	for i, id := range ids {
		place[id] = i
	}
	slices.SortFunc(out, func(a, b pipeline.Article) int { return place[a.ID] - place[b.ID] })
	return out, nil
}

// WordIndex says how far the word index reaches.
func (s *Store) WordIndex(ctx context.Context, form int) (WordIndex, error) {
	var w WordIndex
	err := s.snapshot(ctx, func(c conn) error {
		var has, upto, stale int64
		err := c.get([]any{&has, &upto, &stale, &w.Articles},
			`SELECT form, upto, (SELECT COUNT(*) FROM search_stale), (SELECT COALESCE(MAX(id), 0) FROM articles) FROM search_state`)
		if has != int64(form) {
			upto = 0
		}
		w.Unindexed = min(w.Articles, w.Articles-upto+stale)
		return err
	})
	if err != nil {
		return w, fmt.Errorf("look at the word index: %w", err)
	}
	return w, nil
}

// snapshot runs f, which only reads, on one state of the database.
func (s *Store) snapshot(ctx context.Context, f func(c conn) error) error {
	ctx, done := context.WithTimeout(ctx, s.timeout)
	defer done()
	return s.view(ctx, f)
}

// view is snapshot for as long as f takes.
func (s *Store) view(ctx context.Context, f func(c conn) error) error {
	t, err := s.r.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
	if err != nil {
		return typed(err)
	}
	defer t.Rollback()
	return f(conn{ctx, t, s.d})
}

// ftsQuery is a query of SQLite's FTS4.
func ftsQuery(groups [][]string) string {
	return joinGroups(groups, " OR ", " AND ", func(w string) string { return w })
}

// tsQuery is a query of PostgreSQL, to be cast: its words are taken as they are.
func tsQuery(groups [][]string) string {
	return joinGroups(groups, " | ", " & ", func(w string) string {
		if p, ok := strings.CutSuffix(w, "*"); ok {
			return "'" + p + "':*"
		}
		return "'" + w + "'"
	})
}

func joinGroups(groups [][]string, or, and string, spell func(string) string) string {
	var b strings.Builder
	for i, g := range groups {
		if i > 0 {
			b.WriteString(and)
		}
		b.WriteByte('(')
		for _, w := range g {
			b.WriteString(spell(w) + or)
		}
		b.WriteString(spell(allWords) + ")")
	}
	return b.String()
}
