package store

import (
	"context"
	"fmt"
	"math"
	"time"

	"wirewatch/pipeline"
)

// A ReportFilter says what a report is about. Since and Until are needed; what is "" chooses all.
type ReportFilter struct {
	Since, Until time.Time // of an article, as Article.Time says; the range is half-open
	Site         string    // of this site and its subdomains
	Rule         string    // in which this rule matched
	Stories      int       // so many of the top stories; 0: 10
}

// before is where the period before begins, which is as long as the report's.
func (f ReportFilter) before() time.Time { return f.Since.Add(f.Since.Sub(f.Until)) }

// A Report is what happened in a period, in numbers.
type Report struct {
	Stories  int // that have an article in it
	Unjoined int // articles that are in no story yet: a backfill stored them
	Matched  int // articles in which a rule matched
	Slots    []Slot
	Sites    []SiteCount // most articles first; those of the period before that have none now are among them
	Rules    []RuleSlots // by name; those that matched only in the period before are among them
	Top      []TopStory  // most outlets first, then most articles
	Alerts   AlertCount  // raised in the period for a match or an update
	Unread   []Unread    // items seen in the period that failed for good, the most frequent first; none with Rule
	Feeds    []pipeline.Feed
	Arrivals map[string][]time.Time // as Store.Arrivals has them, of the time that a habit needs; Feeds and these: none with Site or Rule
}

// slot is how fine a report counts: the finest step that every zone's hours and days are made of.
const slot = 15 * time.Minute

// A Slot is a quarter of an hour in which there was something.
type Slot struct {
	Start             time.Time
	Articles, Matched int
}

// A SiteCount counts articles of a site.
type SiteCount struct {
	Site             string
	Articles, Copies int       // copies: identical or copied from another site's article
	Before           int       // articles in the period before
	Last             time.Time // the latest of both
}

// RuleSlots are a rule's matches.
type RuleSlots struct {
	Rule         string
	Hits, Before int    // in the period, and in the one before
	Slots        []Slot // of the period; Matched only
}

// A TopStory is a story with its articles of the period.
type TopStory struct {
	ID       int64
	Title    string
	First    time.Time // its first article of any time
	Outlets  int
	Count    int
	Rules    []string           // that matched in it, by name
	Articles []pipeline.Article // up to maxStory, in order of time, with ID, site, name of the site, title, URL, language, relation and times
}

// An AlertCount counts alerts by what became of them.
type AlertCount struct {
	Raised, Told int // told: a channel has it
	Dead         int // some channel refused it; others may have it
	Waiting      int // told nobody yet: queued, or held until it may go out
	Silenced     int // tells nobody, and waits for nothing: it is silenced
}

// An Unread is why pages could not be read.
type Unread struct {
	Reason   string
	Items    int
	FromFeed int // of these, the feed's own text stands in for so many
	Hosts    int
}

// copied says that an article brings nothing of its own.
const copied = `CASE WHEN a.relation IN ('identical', 'copy') THEN 1 ELSE 0 END`

// Report counts what happened in a period, on one state of the database. No body is read.
func (s *Store) Report(ctx context.Context, f ReportFilter) (Report, error) {
	var r Report
	err := s.snapshot(ctx, func(c conn) error {
		q := reporter{c, f, &r}
		for _, part := range []func() error{q.sites, q.slots, q.matched, q.rules, q.stories, q.alerts, q.unread, q.feeds} {
			if err := part(); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return r, fmt.Errorf("report: %w", err)
	}
	return r, nil
}

type reporter struct {
	conn
	f ReportFilter
	r *Report
}

// of is the condition on articles a that stand between from and the end of the period.
func (q reporter) of(from time.Time) *where {
	w := &where{}
	w.add(true, `(`+dated+`) >= ? AND (`+dated+`) < ?`, ms(from), ms(q.f.Until))
	q.chosen(w, from)
	return w
}

func (q reporter) chosen(w *where, from time.Time) {
	q.ofSite(w, `a.site`)
	w.add(q.f.Rule != "", `a.id IN (SELECT m.article FROM matches m WHERE m.rule = ? AND m.dated >= ? AND m.dated < ?)`, q.f.Rule, ms(from), ms(q.f.Until))
}

func (q reporter) ofSite(w *where, col string) { w.site(col, q.f.Site) }

// ofMatches is the condition on matches m between two moments, and what to join for it.
func (q reporter) ofMatches(from, to time.Time) (join string, w *where) {
	w = &where{}
	w.add(true, `m.dated >= ? AND m.dated < ?`, ms(from), ms(to))
	w.add(q.f.Rule != "", `m.rule = ?`, q.f.Rule)
	if q.f.Site != "" {
		join = ` JOIN articles a ON a.id = m.article`
		q.ofSite(w, `a.site`)
	}
	return join, w
}

func (q reporter) sites() error {
	w, since := q.of(q.f.before()), ms(q.f.Since)
	return q.each(func(scan func(...any) error) error {
		var n SiteCount
		var last int64
		err := scan(&n.Site, &n.Articles, &n.Copies, &n.Before, &last)
		n.Last = at(last)
		q.r.Sites = append(q.r.Sites, n)
		return err
	}, `SELECT site, SUM(now) AS n, SUM(now * copied), SUM(1 - now), MAX(dated) FROM (
			SELECT a.site AS site, `+copied+` AS copied, `+dated+` AS dated, CASE WHEN (`+dated+`) >= ? THEN 1 ELSE 0 END AS now FROM articles a`+w.String()+`) x
		GROUP BY site ORDER BY n DESC, site`, append([]any{since}, w.args...)...)
}

func (q reporter) slots() error {
	w := q.of(q.f.Since)
	// The limit, which is none, keeps SQLite from working on the expression itself: for it alone it would read each article, where the index has it.
	return q.each(func(scan func(...any) error) error {
		var n, k, alone int64
		err := scan(&n, &k, &alone)
		q.r.Slots = append(q.r.Slots, Slot{Start: slotTime(n), Articles: int(k)})
		q.r.Unjoined += int(alone)
		return err
	}, `SELECT dated / ? AS n, COUNT(*), SUM(CASE WHEN story = 0 THEN 1 ELSE 0 END)
		FROM (SELECT `+dated+` AS dated, a.story AS story FROM articles a`+w.String()+` LIMIT ?) x GROUP BY 1 ORDER BY 1`,
		append(append([]any{slot.Milliseconds()}, w.args...), int64(math.MaxInt64))...)
}

func slotTime(n int64) time.Time { return time.UnixMilli(n * slot.Milliseconds()).UTC() }

// matched notes in how many articles of each slot a rule matched. The slots of matches are among those of articles.
func (q reporter) matched() error {
	i := 0
	join, w := q.ofMatches(q.f.Since, q.f.Until)
	return q.each(func(scan func(...any) error) error {
		var n int64
		var k int
		if err := scan(&n, &k); err != nil {
			return err
		}
		for i < len(q.r.Slots) && q.r.Slots[i].Start.Before(slotTime(n)) {
			i++
		}
		if i < len(q.r.Slots) && q.r.Slots[i].Start.Equal(slotTime(n)) {
			q.r.Slots[i].Matched = k
			q.r.Matched += k
		}
		return nil
	}, `SELECT n, COUNT(DISTINCT article) FROM (SELECT m.dated / ? AS n, m.article AS article FROM matches m`+join+w.String()+`) x
		GROUP BY n ORDER BY n`, append([]any{slot.Milliseconds()}, w.args...)...)
}

func (q reporter) rules() error {
	join, w := q.ofMatches(q.f.before(), q.f.Until)
	return q.each(func(scan func(...any) error) error {
		var rule string
		var n int64
		var now, before int
		if err := scan(&rule, &n, &now, &before); err != nil {
			return err
		}
		if k := len(q.r.Rules); k == 0 || q.r.Rules[k-1].Rule != rule {
			q.r.Rules = append(q.r.Rules, RuleSlots{Rule: rule})
		}
		x := &q.r.Rules[len(q.r.Rules)-1]
		x.Hits, x.Before = x.Hits+now, x.Before+before
		if now > 0 {
			x.Slots = append(x.Slots, Slot{Start: slotTime(n), Matched: now})
		}
		return nil
	}, `SELECT rule, n, SUM(now), SUM(1 - now) FROM (
			SELECT m.rule AS rule, m.dated / ? AS n, CASE WHEN m.dated >= ? THEN 1 ELSE 0 END AS now FROM matches m`+join+w.String()+`) x
		GROUP BY rule, n ORDER BY rule, n`, append([]any{slot.Milliseconds(), ms(q.f.Since)}, w.args...)...)
}

// alerts counts what became of alerts.
func (q reporter) alerts() error {
	w := where{}
	w.add(true, `al.created >= ? AND al.created < ? AND al.kind IN (?, ?)`, ms(q.f.Since), ms(q.f.Until), pipeline.KindMatch, pipeline.KindUpdate)
	w.add(q.f.Rule != "", `al.rule = ?`, q.f.Rule)
	if q.f.Site != "" {
		in := where{}
		q.ofSite(&in, `a.site`)
		w.add(true, `EXISTS (SELECT 1 FROM articles a`+in.String()+` AND a.id = al.article)`, in.args...)
	}
	is := func(states string) string {
		return `MAX(CASE WHEN d.state IN (` + states + `) THEN 1 ELSE 0 END)`
	}
	n := &q.r.Alerts
	return q.get([]any{&n.Raised, &n.Told, &n.Dead, &n.Waiting, &n.Silenced},
		`SELECT COUNT(*), COALESCE(SUM(told), 0), COALESCE(SUM(dead), 0), COALESCE(SUM(CASE WHEN told = 0 THEN waits ELSE 0 END), 0),
			COALESCE(SUM(CASE WHEN told + dead + waits = 0 THEN silenced ELSE 0 END), 0)
		FROM (SELECT al.id, `+is(`'sent'`)+` AS told, `+is(`'dead'`)+` AS dead, `+is(`'open', 'held', 'gathered'`)+` AS waits, `+is(`'silenced'`)+` AS silenced
			FROM alerts al LEFT JOIN deliveries d ON d.alert = al.id`+w.String()+` GROUP BY al.id) x`, w.args...)
}

// feeds loads what is known of feeds, for their silence.
func (q reporter) feeds() (err error) {
	if q.f.Site != "" || q.f.Rule != "" {
		return nil
	}
	if q.r.Feeds, err = listFeeds(q.conn); err != nil {
		return err
	}
	q.r.Arrivals, err = listArrivals(q.conn, q.f.Until.Add(-2*pipeline.RhythmHabit))
	return err
}
