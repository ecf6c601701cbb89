package store

import (
	"context"
	"errors"
	"fmt"
)

// A Finding is something that is not as it should be.
type Finding struct {
	Rows int64
	What string // "items refer to an article that is not there", to be read after their number
	Cure string // what it means, and what to do, in sentences
	Note bool   // it is no damage, and passes by itself
}

// rules of the schema that no constraint of the database holds. Each query counts the rows that break one, from indexes where it can.
var examined = []struct {
	sql  string
	deep bool // reads every article
	Finding
}{
	{`SELECT COUNT(*) FROM articles a WHERE a.story <> 0 AND NOT EXISTS (SELECT 1 FROM stories s WHERE s.id = a.story AND s.merged_into = 0)`, false,
		Finding{What: "articles are of a story that does not stand", Cure: "They are in no list of stories and may be told again. Restore a backup; if there is none from before, move them with `wirewatch stories split`."}},
	{`SELECT COUNT(*) FROM articles WHERE story = 0`, false,
		Finding{What: "articles are stored but not joined to a story yet", Cure: "A backfill that was stopped left them; run the same `wirewatch backfill` again and it joins them.", Note: true}},
	{`SELECT COUNT(*) FROM stories s WHERE s.merged_into <> 0 AND NOT EXISTS (SELECT 1 FROM stories r WHERE r.id = s.merged_into)`, false,
		Finding{What: "stories were merged into one that is not there", Cure: "What was told of them may be told again. Restore a backup."}},
	{`SELECT COUNT(*) FROM items i WHERE i.article <> 0 AND NOT EXISTS (SELECT 1 FROM articles a WHERE a.id = i.article)`, false,
		Finding{What: "items refer to an article that is not there", Cure: "The articles were lost, and their feeds bring them no more. Restore a backup, or fetch the time again with `wirewatch backfill`."}},
	{`SELECT COUNT(*) FROM alerts al WHERE al.article <> 0 AND NOT EXISTS (SELECT 1 FROM articles a WHERE a.id = al.article)`, false,
		Finding{What: "alerts are about an article that is not there", Cure: "Messages that still wait would say nothing of it. Restore a backup."}},
	{`SELECT COUNT(*) FROM alerts al WHERE al.story <> 0 AND NOT EXISTS (SELECT 1 FROM stories s WHERE s.id = al.story)`, false,
		Finding{What: "alerts are about a story that is not there", Cure: "It may be told again. Restore a backup."}},
	{`SELECT COUNT(*) FROM articles a WHERE a.pruned < 2 AND NOT EXISTS (SELECT 1 FROM kept k WHERE k.article = a.id)`, false,
		Finding{What: "articles with a text are not in the account of what is kept", Cure: "Retention never takes them, and `db stats` leaves them out. Nothing is lost; please report it."}},
	{`SELECT COUNT(*) FROM kept k WHERE NOT EXISTS (SELECT 1 FROM articles a WHERE a.id = k.article AND a.pruned = k.level)`, false,
		Finding{What: "articles are kept in another way than the account of it says", Cure: "Retention takes them too early or too late. Nothing is lost; please report it."}},
	{`SELECT COUNT(*) FROM pages p WHERE NOT EXISTS (SELECT 1 FROM kept k WHERE k.article = p.article AND k.level = 0)`, false,
		Finding{What: "pages are kept of articles that retention took the page of", Cure: "They take room and are never read. Nothing is lost; please report it."}},
	{`SELECT COUNT(*) FROM articles a WHERE a.of_id <> 0 AND NOT EXISTS (SELECT 1 FROM articles o WHERE o.id = a.of_id)`, true,
		Finding{What: "articles are copies or versions of one that is not there", Cure: "`stories diff` cannot compare them. Restore a backup if you need to."}},
	{`SELECT COUNT(*) FROM kept k JOIN articles a ON a.id = k.article WHERE k.body <> octet_length(a.body) OR k.blocks <> octet_length(a.blocks)
			OR k.level = 0 AND k.page <> COALESCE((SELECT octet_length(p.body) FROM pages p WHERE p.article = k.article), 0)`, true,
		Finding{What: "articles take another room than the account of it says", Cure: "`retention.size` holds the wrong size. Nothing is lost; please report it."}},
}

// Examine looks, beyond Check, whether what is stored fits together. With deep it also reads every page and article. form is that of the
// words in the index, as IndexWords was given. What it finds is no error of its own.
func (s *Store) Examine(ctx context.Context, form int, deep bool) ([]Finding, error) {
	var out []Finding
	err := s.view(ctx, func(c conn) error {
		for _, x := range examined {
			f := x.Finding
			if x.deep && !deep {
				continue
			}
			if err := c.get([]any{&f.Rows}, x.sql); err != nil {
				return err
			}
			if f.Rows > 0 {
				out = append(out, f)
			}
		}
		if !deep {
			return nil
		}
		f, err := s.unpackAll(c)
		out = append(out, f...)
		return err
	})
	if err != nil {
		return out, fmt.Errorf("examine the store: %w", err)
	}
	w, err := s.WordIndex(ctx, form)
	if err == nil && w.Unindexed > 0 {
		out = append(out, Finding{Rows: w.Unindexed, What: "articles are not in the word index, or changed since", Note: true,
			Cure: "Every search reads them, and finds what is in them; a running daemon indexes them within seconds, `wirewatch run --once` at its end."})
	}
	return out, err
}

// unpackAll unpacks every page and reads every article, in the order of IDs and few at a time.
func (s *Store) unpackAll(c conn) (out []Finding, err error) {
	pages := Finding{What: "pages cannot be unpacked", Cure: "Their articles cannot be extracted again; titles and texts are not touched. Restore a backup if you need the pages."}
	var first int64
	for after := int64(0); ; {
		n := 0
		err := c.each(func(scan func(...any) error) error {
			var size int64
			var packed []byte
			if err := scan(&after, &size, &packed); err != nil {
				return err
			}
			n++
			body, err := s.dec.DecodeAll(packed, nil)
			if err != nil || int64(len(body)) != size {
				if pages.Rows++; first == 0 {
					first = after
				}
			}
			return nil
		}, `SELECT article, size, body FROM pages WHERE article > ? ORDER BY article LIMIT ?`, after, pruneBatch)
		if err != nil {
			return nil, err
		}
		if n == 0 {
			break
		}
	}
	if pages.Rows > 0 {
		pages.What += fmt.Sprintf(" (the first is that of article %d)", first)
		out = append(out, pages)
	}
	lists := Finding{What: "articles cannot be read", Cure: "Lists that reach them fail. Restore a backup."}
	ids, err := column[int64](c, `SELECT id FROM articles ORDER BY id`)
	if err != nil {
		return nil, err
	}
	why := ""
	read := func(from, to int64) error {
		_, err := loadArticles(c, fullColumns, ` WHERE id BETWEEN ? AND ?`, from, to)
		return err
	}
	for len(ids) > 0 {
		n := min(len(ids), pruneBatch)
		if read(ids[0], ids[n-1]) != nil { // which of them?
			for _, id := range ids[:n] {
				if err := read(id, id); err != nil {
					if c.ctx.Err() != nil || errors.Is(err, context.Canceled) {
						return nil, err
					}
					if lists.Rows++; why == "" {
						why = fmt.Sprintf(" (the first is %d: %v)", id, err)
					}
				}
			}
		}
		ids = ids[n:]
	}
	if lists.Rows > 0 {
		lists.What += why
		out = append(out, lists)
	}
	return out, nil
}
