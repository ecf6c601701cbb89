package store

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Stats says what takes the room.
type Stats struct {
	Bytes int64 // all of the database, without its write-ahead log
	Free  int64 // of these, bytes that hold nothing and are used again (SQLite)
	WAL   int64 // bytes in SQLite's write-ahead log

	Articles, Stories     int  // stories that stand
	Pages, Blocks, Bodies Room // what is kept of articles, to the byte
	NoPage, NoBody        int  // articles of which retention took the page alone, the body too

	Parts []Part     // what is stored, the largest first
	Sites []SiteRoom // the largest first
	Days  []DayRoom  // the days of the last 30 on which something was stored, in order

	// Bytes a day: what comes, by what was stored in the last 30 days, and what the ages of retention let go of it over the next 30, if as
	// much comes as before.
	In, Out float64
}

// Room is how many there are and what they take.
type Room struct {
	Count int
	Bytes int64
}

// A Part is some of the database.
type Part struct {
	Name  string // "pages", "items" …
	Rows  int64  // -1: it is no table; about on PostgreSQL
	Bytes int64
	About bool // Bytes is made of a sample of the rows
}

// SiteRoom is what the articles of a site take.
type SiteRoom struct {
	Site          string
	Articles      int
	Pages, Bodies int64     // bytes; blocks are among pages
	First, Last   time.Time // when the first and the last of them were stored
}

// DayRoom is what was stored on a day (UTC) and is kept.
type DayRoom struct {
	Day      time.Time
	Articles int
	Bytes    int64
}

// statsWindow is how far back growth is measured, and how far ahead it is reckoned.
const statsWindow = 30 * day

// Stats reads what takes the room, from indexes and samples: it reads neither bodies nor pages and holds up no writer. r is what
// retention would let go now.
func (s *Store) Stats(ctx context.Context, r Retention) (Stats, error) {
	n := Stats{WAL: s.walSize()}
	err := s.view(ctx, func(c conn) error {
		for _, f := range []func(conn, *Stats) error{countKept, statSites, s.statDays, s.d.statParts} {
			if err := f(c, &n); err != nil {
				return err
			}
		}
		slices.SortStableFunc(n.Parts, func(a, b Part) int { return int(min(1, max(-1, b.Bytes-a.Bytes))) })
		return s.forecast(c, r, &n)
	})
	if err != nil {
		return n, fmt.Errorf("read what takes the room: %w", err)
	}
	return n, nil
}

func countKept(c conn, n *Stats) error {
	for _, q := range []struct {
		dest []any
		sql  string
	}{
		{[]any{&n.Articles}, `SELECT COUNT(*) FROM articles`},
		{[]any{&n.Stories}, `SELECT COUNT(*) FROM stories WHERE merged_into = 0 AND id <> 0`},
		{[]any{&n.NoPage}, `SELECT COUNT(*) FROM articles WHERE pruned = 1`},
		{[]any{&n.NoBody}, `SELECT COUNT(*) FROM articles WHERE pruned > 1`},
		{[]any{&n.Pages.Count, &n.Pages.Bytes, &n.Blocks.Count, &n.Blocks.Bytes, &n.Bodies.Count, &n.Bodies.Bytes},
			`SELECT COALESCE(SUM(CASE WHEN page > 0 THEN 1 ELSE 0 END), 0), CAST(COALESCE(SUM(page), 0) AS BIGINT),
				COALESCE(SUM(CASE WHEN blocks > 2 THEN 1 ELSE 0 END), 0), CAST(COALESCE(SUM(blocks), 0) AS BIGINT),
				COALESCE(SUM(CASE WHEN body > 0 THEN 1 ELSE 0 END), 0), CAST(COALESCE(SUM(body), 0) AS BIGINT) FROM kept`},
	} {
		if err := c.get(q.dest, q.sql); err != nil {
			return err
		}
	}
	return nil
}

func statSites(c conn, n *Stats) error {
	ends := map[int64]time.Time{}
	var first, last []int64
	err := c.each(func(scan func(...any) error) error {
		var x SiteRoom
		var a, b int64
		err := scan(&x.Site, &x.Articles, &a, &b, &x.Pages, &x.Bodies)
		n.Sites, first, last = append(n.Sites, x), append(first, a), append(last, b)
		return err
	}, `SELECT a.site, COUNT(*), MIN(a.id), MAX(a.id), CAST(COALESCE(SUM(k.page + k.blocks), 0) AS BIGINT), CAST(COALESCE(SUM(k.body), 0) AS BIGINT)
		FROM articles a LEFT JOIN kept k ON k.article = a.id GROUP BY a.site ORDER BY a.site`)
	if err == nil {
		err = inChunks(slices.Concat(first, last), func(marks string, args []any) error {
			return c.each(func(scan func(...any) error) error {
				var id, seen int64
				err := scan(&id, &seen)
				ends[id] = at(seen)
				return err
			}, `SELECT id, seen FROM articles WHERE id IN (`+marks+`)`, args...)
		})
	}
	for i := range n.Sites {
		n.Sites[i].First, n.Sites[i].Last = ends[first[i]], ends[last[i]]
	}
	slices.SortStableFunc(n.Sites, func(a, b SiteRoom) int { return int(min(1, max(-1, b.Pages+b.Bodies-a.Pages-a.Bodies))) })
	return err
}

func (s *Store) statDays(c conn, n *Stats) error {
	return c.each(func(scan func(...any) error) error {
		var x DayRoom
		var d int64
		err := scan(&d, &x.Articles, &x.Bytes)
		x.Day = time.Unix(d*int64(day/time.Second), 0).UTC()
		n.Days = append(n.Days, x)
		return err
	}, `SELECT a.seen / 86400000 AS d, COUNT(*), CAST(COALESCE(SUM(k.page + k.blocks + k.body), 0) AS BIGINT)
		FROM articles a LEFT JOIN kept k ON k.article = a.id WHERE a.seen >= ? GROUP BY a.seen / 86400000 ORDER BY d`, ms(s.now().Add(-statsWindow)))
}

// forecast reckons what comes and goes a day. Of what goes soon only a short time back can be seen how much of it comes.
func (s *Store) forecast(c conn, r Retention, n *Stats) error {
	now := s.now()
	var first int64
	if err := c.get([]any{&first}, `SELECT COALESCE(MIN(seen), 0) FROM articles`); err != nil || first == 0 {
		return err
	}
	age := max(day, min(statsWindow, now.Sub(at(first))))
	perDay := func(bytes int64, d time.Duration) float64 { return float64(bytes) / (float64(d) / float64(day)) }
	sum := func(what string, policy int, where string, t time.Time) (bytes int64, err error) {
		err = c.get([]any{&bytes}, `SELECT CAST(COALESCE(SUM(`+what+`), 0) AS BIGINT) FROM kept WHERE policy = ? AND seen `+where+` ?`, policy, ms(t))
		return bytes, err
	}
	for i, p := range append(r.policies(), Policy{}) {
		if i == 1+len(r.Only) {
			i = unplaced // new ones; when they go is not known yet
		}
		for _, k := range []struct {
			what   string
			before time.Time
		}{{"page + blocks", p.Pages}, {"body", p.Bodies}} {
			window := age
			if !k.before.IsZero() {
				window = max(day, min(window, now.Sub(k.before)))
			}
			come, err := sum(k.what, i, ">=", now.Add(-window))
			if err != nil {
				return err
			}
			in := perDay(come, window)
			n.In += in
			if k.before.IsZero() {
				continue
			}
			due, err := sum(k.what, i, "<", k.before.Add(statsWindow))
			if err != nil {
				return err
			}
			n.Out += perDay(due, statsWindow)
			if short := statsWindow - now.Sub(k.before); short > 0 { // what comes in this time goes in it too
				n.Out += in * float64(short) / float64(statsWindow)
			}
		}
	}
	// Beside what retention takes, an article has its row, its items, its words, its places in indexes.
	articles := 0
	for _, d := range n.Days {
		articles += d.Articles
	}
	if rest := n.Bytes - n.Free - n.Pages.Bytes - n.Blocks.Bytes - n.Bodies.Bytes; n.Articles > 0 && rest > 0 {
		n.In += perDay(rest/int64(n.Articles)*int64(articles), age)
	}
	return nil
}

// sampled is from how many rows of a table the size of all is reckoned.
const sampled = 400

// statSQLite says how large the parts of a SQLite file are. It has no table of that (dbstat is not built in), so what is not known to the
// byte is a mean of rows times their number, and indexes are what is left of the file.
func statSQLite(c conn, n *Stats) error {
	var pages, free, size int64
	if err := c.get([]any{&pages, &free, &size}, `SELECT page_count, freelist_count, page_size FROM pragma_page_count, pragma_freelist_count, pragma_page_size`); err != nil {
		return err
	}
	n.Bytes, n.Free = pages*size, free*size
	n.Parts = []Part{{"pages", int64(n.Pages.Count), n.Pages.Bytes, false}, {"blocks", int64(n.Blocks.Count), n.Blocks.Bytes, false}, {"bodies", int64(n.Bodies.Count), n.Bodies.Bytes, false}}
	for _, t := range []struct{ name, table, but string }{{"articles, the rest", "articles", "body blocks"}, {"stories", "stories", ""}, {"items", "items", ""}, {"matches", "matches", ""},
		{"alerts", "alerts", ""}, {"deliveries", "deliveries", ""}, {"change log", "changes", ""}, {"words of articles", "article_words_content", ""}} {
		p, err := samplePart(c, t.table, t.but)
		if err != nil {
			return err
		}
		p.Name = t.name
		n.Parts = append(n.Parts, p)
	}
	// FTS4 notes the bytes of a segment's leaves behind its last block.
	p := Part{Name: "search index", Rows: -1}
	err := c.get([]any{&p.Bytes}, `SELECT COALESCE(SUM(octet_length(root) + CASE WHEN instr(end_block, ' ') > 0 THEN CAST(substr(end_block, instr(end_block, ' ') + 1) AS INTEGER) ELSE 0 END), 0)
		FROM article_words_segdir`)
	if err != nil {
		return err
	}
	n.Parts = append(n.Parts, p)
	rest := n.Bytes - n.Free
	for _, p := range n.Parts {
		rest -= p.Bytes
	}
	n.Parts = append(n.Parts, Part{"indexes and small tables", -1, max(0, rest), true})
	return nil
}

// samplePart reckons the size of a table from rows that are spread over all of it.
func samplePart(c conn, table, but string) (Part, error) {
	p := Part{About: true}
	columns, err := column[string](c, `SELECT name FROM pragma_table_info(?)`, table)
	if err != nil {
		return p, err
	}
	var low, high int64
	if err := c.get([]any{&p.Rows, &low, &high}, `SELECT COUNT(*), (SELECT COALESCE(MIN(rowid), 0) FROM `+table+`), (SELECT COALESCE(MAX(rowid), 0) FROM `+table+`) FROM `+table); err != nil || p.Rows == 0 {
		return p, err
	}
	var sizes []string
	for _, name := range columns {
		if !slices.Contains(strings.Fields(but), name) {
			sizes = append(sizes, "COALESCE(octet_length("+name+"), 0)")
		}
	}
	args := make([]any, sampled)
	for i := range args {
		args[i] = low + (high-low)*int64(i)/(sampled-1)
	}
	var mean float64
	err = c.get([]any{&mean}, `SELECT COALESCE(AVG(`+strings.Join(sizes, " + ")+`), 0) FROM `+table+` WHERE rowid IN (`+marks(sampled)+`)`, args...)
	p.Bytes = int64(mean * float64(p.Rows))
	return p, err
}

// statPostgres asks the server, which knows.
func statPostgres(c conn, n *Stats) error {
	if err := c.get([]any{&n.Bytes}, `SELECT pg_database_size(current_database())`); err != nil {
		return err
	}
	return c.each(func(scan func(...any) error) error {
		var p Part
		err := scan(&p.Name, &p.Rows, &p.Bytes)
		n.Parts = append(n.Parts, p)
		return err
	}, `SELECT relname, GREATEST(CAST(reltuples AS BIGINT), 0), pg_total_relation_size(oid) FROM pg_class
		WHERE relkind = 'r' AND relnamespace = CAST(current_schema() AS regnamespace) ORDER BY relname`)
}
