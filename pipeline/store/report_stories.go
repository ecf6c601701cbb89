package store

import (
	"cmp"
	"slices"
	"strings"

	"wirewatch/pipeline"
)

// stories finds those that most outlets carry. Where the report is about a site or a rule, they are stories in which it has a part, and
// what is counted is all of the story.
func (q reporter) stories() error {
	w := q.of(q.f.Since)
	if q.f.Site != "" || q.f.Rule != "" {
		all := ReportFilter{Since: q.f.Since, Until: q.f.Until}
		of := reporter{q.conn, all, q.r}.of(q.f.Since)
		of.add(true, `a.story IN (SELECT a.story FROM articles a`+w.String()+`)`, w.args...)
		w = of
	}
	w.add(true, `a.story <> 0`)
	n := q.f.Stories
	if n <= 0 {
		n = 10
	}
	err := q.each(func(scan func(...any) error) error {
		var t TopStory
		err := scan(&t.ID, &t.Count, &t.Outlets, &q.r.Stories)
		q.r.Top = append(q.r.Top, t)
		return err
	}, `SELECT story, n, outlets, COUNT(*) OVER () FROM (
			SELECT a.story AS story, COUNT(*) AS n, COUNT(DISTINCT a.site) AS outlets FROM articles a`+w.String()+` GROUP BY a.story) x
		ORDER BY outlets DESC, n DESC, story LIMIT ?`, append(w.args, n)...)
	for i := range q.r.Top {
		if err == nil {
			err = q.fillStory(&q.r.Top[i])
		}
	}
	return err
}

func (q reporter) fillStory(t *TopStory) error {
	var first int64
	err := q.get([]any{&t.Title, &first}, `SELECT s.title, (SELECT MIN(`+dated+`) FROM articles a WHERE a.story = s.id) FROM stories s WHERE s.id = ?`, t.ID)
	if err != nil {
		return err
	}
	t.First = at(first)
	if t.Rules, err = column[string](q.conn, `SELECT DISTINCT m.rule FROM articles a JOIN matches m ON m.article = a.id WHERE a.story = ? ORDER BY m.rule`, t.ID); err != nil {
		return err
	}
	return q.each(func(scan func(...any) error) error {
		a := pipeline.Article{Story: t.ID}
		var published, seen int64
		err := scan(&a.ID, &a.Site, &a.SiteName, &a.Title, &a.URL, &published, &seen, &a.Lang, &a.Relation)
		a.Published, a.Seen = at(published), at(seen)
		t.Articles = append(t.Articles, a)
		return err
	}, `SELECT a.id, a.site, a.site_name, a.title, a.url, a.published, a.seen, a.lang, a.relation FROM articles a
		WHERE a.story = ? AND (`+dated+`) >= ? AND (`+dated+`) < ? ORDER BY `+dated+`, a.id LIMIT ?`, t.ID, ms(q.f.Since), ms(q.f.Until), maxStory)
}

// unread counts items that failed for good, by what their errors have in common.
func (q reporter) unread() error {
	if q.f.Rule != "" {
		return nil // whether a rule matches what was not read, nobody knows
	}
	w := where{}
	w.add(true, `state = 'dead' AND first_seen >= ? AND first_seen < ?`, ms(q.f.Since), ms(q.f.Until))
	q.ofSite(&w, `host`)
	reasons, hosts := map[string]*Unread{}, map[[2]string]bool{}
	err := q.each(func(scan func(...any) error) error {
		var host, why string
		var n, fallback int
		if err := scan(&host, &why, &n, &fallback); err != nil {
			return err
		}
		why = reason(host, why)
		u := reasons[why]
		if u == nil {
			u = &Unread{Reason: why}
			reasons[why] = u
		}
		u.Items, u.FromFeed = u.Items+n, u.FromFeed+fallback
		if key := [2]string{why, host}; !hosts[key] {
			hosts[key] = true
			u.Hosts++
		}
		return nil
	}, `SELECT host, error, COUNT(*), SUM(CASE WHEN fallback <> 0 THEN 1 ELSE 0 END) FROM items`+w.String()+` GROUP BY host, error`, w.args...)
	for _, u := range reasons {
		q.r.Unread = append(q.r.Unread, *u)
	}
	slices.SortFunc(q.r.Unread, func(a, b Unread) int { return cmp.Or(cmp.Compare(b.Items, a.Items), cmp.Compare(a.Reason, b.Reason)) })
	return err
}

// reason is an item's error without the name of its host, so that what happened to many is said once.
func reason(host, why string) string {
	why, _, _ = strings.Cut(why, "\n") // a panic has its stack below
	if host != "" {
		why = strings.ReplaceAll(why, host, "the site")
	}
	return cmp.Or(strings.TrimSpace(why), "no reason is known")
}
