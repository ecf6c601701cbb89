package storetest

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"wirewatch/pipeline"
	"wirewatch/pipeline/store"
)

// keeper puts articles of known sizes into a store: incompressible pages of about 1,000 bytes, bodies of 100.
type keeper struct {
	*world
	noise uint64
}

func (k *keeper) put(site string, tags []string, rules ...string) int64 {
	k.Helper()
	page := make([]byte, 1000)
	for i := range page {
		k.noise = k.noise*6364136223846793005 + 1442695040888963407
		page[i] = byte(k.noise >> 56)
	}
	a := pipeline.Article{Feed: "f", URL: "https://" + site + "/a", Canonical: "https://" + site + "/a", Site: site, Title: "From " + site, Tags: tags,
		Body: strings.Repeat("0123456789", 10), Source: pipeline.SourcePage, Relation: "new", Seen: k.now}
	k.ok(k.write(func(tx pipeline.Tx) (err error) {
		if a.Story, err = tx.OpenStory(a.Title, k.now); err != nil {
			return err
		}
		if _, err = tx.InsertArticle(&a, &pipeline.Page{URL: a.URL, FinalURL: a.URL, Body: page}); err != nil {
			return err
		}
		return k.match(tx, a.ID, rules...)
	}))
	return a.ID
}

func (k *keeper) match(tx pipeline.Tx, id int64, rules ...string) error {
	for _, r := range rules {
		if err := tx.SaveMatches(id, []pipeline.Match{{Rule: r}}); err != nil {
			return err
		}
	}
	return nil
}

// prune prunes, dry and wet, which must agree, and tells what is left of articles: p with page, b with body alone, - nothing.
func (k *keeper) prune(r store.Retention, ids ...int64) string {
	k.Helper()
	dry, err := k.s.Prune(k.ctx, r, true)
	k.ok(err)
	wet, err := k.s.Prune(k.ctx, r, false)
	k.ok(err)
	k.want(dry, wet)
	again, err := k.s.Prune(k.ctx, r, false)
	k.ok(err)
	k.want([]int64{int64(again.Pages), int64(again.Bodies), again.Bytes}, []int64{0, 0, 0})
	out := ""
	for _, id := range ids {
		a, err := k.s.Article(k.ctx, id)
		k.ok(err)
		_, err = k.s.Page(k.ctx, id)
		switch {
		case err == nil:
			out += "p"
		case !errors.Is(err, store.ErrNotFound):
			k.Fatal(err)
		case a.Body != "":
			out += "b"
		default:
			out += "-"
		}
	}
	return out
}

// bySiteTagRule is a policy for a site, then one for a tag or a rule.
func bySiteTagRule(o store.Origin) int {
	switch {
	case o.Site == "a.example":
		return 1
	case slices.Contains(o.Tags, "arms") || slices.Contains(o.Rules, "watch"):
		return 2
	}
	return 0
}

func policies(w *world) {
	k := &keeper{world: w}
	w.feed("f")
	old := []int64{k.put("a.example", []string{"arms"}), k.put("b.example", []string{"peace", "arms"}), k.put("c.example", nil, "other", "watch"), k.put("d.example", nil, "other")}
	w.now = w.now.Add(100 * 24 * time.Hour)
	day := func(n int) time.Time { return w.now.Add(-time.Duration(n) * 24 * time.Hour) }

	// Told apart by site, by the article's tag, by a rule that matched; the first that fits decides.
	r := store.Retention{Pages: day(30), Bodies: day(1000), Only: []store.Policy{{Pages: day(7), Bodies: day(30)}, {Pages: day(365)}}, Of: bySiteTagRule, Form: "1"}
	dry, err := w.s.Prune(w.ctx, r, true)
	w.ok(err)
	w.want(len(dry.By), 3)
	w.want([]int{dry.By[0].Pages, dry.By[0].Bodies, dry.By[1].Pages, dry.By[1].Bodies, dry.By[2].Pages, dry.By[2].Bodies}, []int{1, 0, 1, 1, 0, 0})
	w.want(dry.By[0].Bytes+dry.By[1].Bytes, dry.Bytes)
	w.want(k.prune(r, old...), "-ppb")

	// What matches later falls under another policy, and what does not match any more.
	at := w.now
	w.now = day(60)
	late := k.put("e.example", nil)
	w.now = at
	w.ok(w.write(func(tx pipeline.Tx) error {
		if err := tx.DropMatch(old[2], "watch"); err != nil {
			return err
		}
		return k.match(tx, late, "watch")
	}))
	w.want(k.prune(r, old[2], late), "bp")

	// Other policies: all are looked at again.
	r.Form, r.Of = "2", func(o store.Origin) int {
		if o.Site == "b.example" {
			return 1
		}
		return 2
	}
	r.Bodies, r.Only = time.Time{}, []store.Policy{{Bodies: day(30)}, {Pages: day(30)}}
	w.want(k.prune(r, append(old, late)...), "--bbb")
	// And none but the general one.
	w.want(k.prune(store.Retention{Bodies: day(90)}, append(old, late)...), "----b")
}

func sizes(w *world) {
	k := &keeper{world: w}
	w.feed("f")
	var a, b []int64
	for range 6 {
		w.now = w.now.Add(time.Hour)
		a, b = append(a, k.put("a.example", nil)), append(b, k.put("b.example", nil))
	}
	both := append(slices.Clone(a), b...)
	// An article has its page of a little more than 1,000 bytes packed, "[]" of blocks, and 100 of body.
	w.want(k.prune(store.Retention{Size: 15_000}, both...), "pppppppppppp")
	// The oldest pages first, of equal age the one stored first; more than 9,700 does not fit 8 articles.
	w.want(k.prune(store.Retention{Size: 9_500}, both...), "bbpppp"+"bbpppp")
	// One policy's own limit takes from its articles alone, pages before bodies.
	r := store.Retention{Of: bySiteTagRule, Form: "1", Only: []store.Policy{{Size: 450}, {}}}
	w.want(k.prune(r, both...), "--bbbb"+"bbpppp")
	// A limit of all takes nothing that a policy holds, not even when that alone is too much.
	r.Only[0] = store.Policy{HoldPages: true, HoldBodies: true}
	r.Size = 10
	w.want(k.prune(r, both...), "--bbbb"+"------")
	w.want(k.prune(r, both...), "--bbbb"+"------")

	// What an alert waits for stays, whatever it takes.
	told, _ := w.tell(0, "told.example", "r", "desk")
	w.want(k.prune(store.Retention{Size: 1}, append(both, told.ID)...), "------"+"------"+"b")

	// Pruning that is ended early has done a part, and the next goes on.
	for range 250 {
		a = append(a, k.put("a.example", nil))
	}
	ctx, cancel := context.WithCancel(w.ctx)
	cancel()
	_, err := w.s.Prune(ctx, store.Retention{Size: 1}, false)
	w.is(err, context.Canceled)
	w.want(strings.Trim(k.prune(store.Retention{Size: 1}, a...), "-"), "")
	w.ok(w.s.Check(w.ctx))
}
