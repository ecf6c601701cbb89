package storetest

import (
	"fmt"
	"slices"
	"time"

	"wirewatch/pipeline"
	"wirewatch/pipeline/diff"
	"wirewatch/pipeline/store"
)

// revisits: done items with a visit that is due are a queue of their own, apart from that of new items.
func revisits(w *world) {
	f := w.feed("f")
	var its []pipeline.Item
	for i := range 4 {
		its = append(its, w.item(fmt.Sprint(i), fmt.Sprint("https://a.example/", i)))
	}
	b := w.item("b", "https://b.example/b")
	b.Host = "b.example"
	w.poll(f, append(its, b)...)

	// Each is done; visits are due in reverse order, the last one an hour from now, and one not any more.
	for _, host := range []string{"a.example", "b.example"} {
		l := w.lease("process", host)
		got, err := w.s.ClaimItems(w.ctx, l, w.now, 10)
		w.ok(err)
		for i, it := range got {
			it.State, it.Visit = pipeline.ItemDone, w.now.Add(-time.Duration(i)*time.Minute)
			switch it.Entry.GUID {
			case "0":
				it.Visit = w.now.Add(time.Hour)
			case "1":
				it.Visit = time.Time{}
			case "b":
				it.Visit = w.now.Add(-time.Hour)
			}
			it.ETag, it.LastModified, it.Doubt = `"e`+it.Entry.GUID+`"`, "Mon, 04 May 2026 11:00:00 GMT", -7
			w.ok(w.s.SaveItem(w.ctx, l, it))
		}
		w.release(l)
	}
	hosts, err := w.s.DueHosts(w.ctx, w.now, 10)
	w.ok(err)
	w.want(len(hosts), 0)
	hosts, err = w.s.RevisitHosts(w.ctx, w.now, 10)
	w.ok(err)
	w.want(hosts, []string{"b.example", "a.example"})
	hosts, err = w.s.RevisitHosts(w.ctx, w.now, 1)
	w.ok(err)
	w.want(hosts, []string{"b.example"})
	n, err := w.s.Counts(w.ctx)
	w.ok(err)
	w.want(n.Revisits, 3)

	l := w.lease("process", "a.example")
	hosts, err = w.s.RevisitHosts(w.ctx, w.now, 10) // a run has the other
	w.ok(err)
	w.want(hosts, []string{"b.example"})
	fresh, err := w.s.ClaimItems(w.ctx, l, w.now, 10)
	w.ok(err)
	w.want(len(fresh), 0)
	got, err := w.s.ClaimRevisits(w.ctx, l, w.now, 1)
	w.ok(err)
	w.want(len(got), 1)
	it := got[0]
	w.want([]any{it.Entry.GUID, it.State, it.Claims, it.ETag, it.LastModified, it.Doubt, it.Visit},
		[]any{"3", pipeline.ItemDone, 1, `"e3"`, "Mon, 04 May 2026 11:00:00 GMT", int64(-7), w.now.Add(-3 * time.Minute)})
	got, err = w.s.ClaimRevisits(w.ctx, l, w.now, 10)
	w.ok(err)
	w.want(len(got), 1)
	w.want(got[0].Entry.GUID, "2")

	// A poll opens one again while a run has it in hand: the run's outcome does not close what the poll opened.
	up := w.item("3", "https://a.example/3")
	up.Entry.Updated = w.now.Add(time.Minute)
	w.want(w.poll(f, up), 1)
	it.Visit, it.Article, it.Attempts = w.now.Add(24*time.Hour), 77, 5
	w.ok(w.s.SaveItem(w.ctx, l, it))
	fresh, err = w.s.ClaimItems(w.ctx, l, w.now, 10)
	w.ok(err)
	w.want(len(fresh), 1)
	w.want([]any{fresh[0].Entry.GUID, fresh[0].Article, fresh[0].Attempts, fresh[0].Claims}, []any{"3", int64(77), 0, 1})

	// What a run gave back, or a thief took, is not lost.
	w.release(l)
	l = w.lease("process", "a.example")
	got, err = w.s.ClaimRevisits(w.ctx, l, w.now, 10)
	w.ok(err)
	w.want(len(got), 1)
	w.want([]any{got[0].Entry.GUID, got[0].Claims}, []any{"2", 1})
	w.steal("process", "a.example")
	_, err = w.s.ClaimRevisits(w.ctx, l, w.now, 10)
	w.is(err, pipeline.ErrLeaseLost)
	w.is(w.s.SaveVisit(w.ctx, l, got[0]), pipeline.ErrLeaseLost)
}

// withdrawn: an article whose page is gone says since when, until the page is back.
func withdrawn(w *world) {
	w.poll(w.feed("f"), w.item("1", "https://a.example/1"))
	var a pipeline.Article
	w.ok(w.write(func(tx pipeline.Tx) error { a = w.store(tx, 0, "a.example"); return nil }))
	l := w.lease("process", "a.example")
	its, err := w.s.ClaimItems(w.ctx, l, w.now, 1)
	w.ok(err)
	it := its[0]
	it.State, it.Article = pipeline.ItemDone, a.ID
	gone := w.now.Add(time.Second)
	for _, step := range []struct {
		there bool
		want  time.Time
		news  bool
	}{{true, time.Time{}, false}, {false, gone, true}, {false, gone, false}, {true, time.Time{}, false}} {
		if step.there {
			w.ok(w.s.SaveVisit(w.ctx, l, it))
		} else {
			w.ok(w.write(func(tx pipeline.Tx) error {
				news, err := tx.PageGone(a.ID, w.now)
				w.want(news, step.news)
				return err
			}))
		}
		got, err := w.s.Article(w.ctx, a.ID)
		w.ok(err)
		w.want(got.Withdrawn, step.want)
		w.now = w.now.Add(time.Second)
	}
}

// versionsOf stores n versions of an article of site in story (0: a new one) and gives them, the oldest first.
func (w *world) versionsOf(tx pipeline.Tx, story int64, site string, n int) []pipeline.Article {
	w.Helper()
	as := []pipeline.Article{w.store(tx, story, site)}
	for len(as) < n {
		as = append(as, w.nextVersion(tx, as[len(as)-1]))
	}
	return as
}

func (w *world) nextVersion(tx pipeline.Tx, a pipeline.Article) pipeline.Article {
	w.Helper()
	a.Of, a.Relation, a.ID = a.ID, "version", 0
	a.Body += " and more"
	_, err := tx.InsertArticle(&a, nil)
	w.ok(err)
	return a
}

// versions: from any of them, all of them, and none of another article.
func versions(w *world) {
	var as, other []pipeline.Article
	w.ok(w.write(func(tx pipeline.Tx) error {
		as = w.versionsOf(tx, 0, "a.example", 3)
		b := w.store(tx, as[0].Story, "b.example")
		c := b
		c.ID, c.Of, c.Relation = 0, as[2].ID, "copy"
		_, err := tx.InsertArticle(&c, nil)
		w.ok(err)
		other = []pipeline.Article{c, w.nextVersion(tx, c)}
		return nil
	}))
	for _, list := range [][]pipeline.Article{as, other} {
		for _, a := range list {
			got, err := w.s.Versions(w.ctx, a.ID)
			w.ok(err)
			var ids, want []int64
			for i, v := range got {
				ids = append(ids, v.ID)
				w.want(v.Body, list[i].Body)
			}
			for _, v := range list {
				want = append(want, v.ID)
			}
			w.want(ids, want)
		}
	}
	_, err := w.s.Versions(w.ctx, 12345)
	w.is(err, store.ErrNotFound)
}

// updates go to the channels that were told first, once a version.
func updates(w *world) {
	a, raised := w.tell(0, "a.example", "r", "slack", "hook", "dead")
	w.want(raised, true)
	ds, err := w.s.Deliveries(w.ctx, store.DeliveryFilter{})
	w.ok(err)
	l := w.lease("deliver", "dead")
	first := map[string]string{}
	for _, d := range ds {
		first[d.Channel] = d.UID
		if d.Channel == "dead" {
			d.State = pipeline.DeliveryDead
			w.ok(w.s.SaveDelivery(w.ctx, l, d))
		}
	}
	update := func(rule string, a pipeline.Article, channels ...string) (ok bool) {
		w.Helper()
		w.ok(w.write(func(tx pipeline.Tx) (err error) {
			ok, err = tx.RaiseUpdate(pipeline.Alert{Rule: rule, Created: w.now, Story: pipeline.Story{ID: a.Story}, Article: a,
				Update: &pipeline.Update{Body: []diff.Chunk{{Op: diff.Added, Text: "new words\x00"}}, Added: 2, Lapsed: true}}, channels)
			return err
		}))
		return ok
	}
	var v2, v3, b pipeline.Article
	told := w.now
	w.now = w.now.Add(time.Hour)
	w.ok(w.write(func(tx pipeline.Tx) error {
		v2 = w.nextVersion(tx, a)
		b = w.versionsOf(tx, a.Story, "b.example", 2)[1]
		return nil
	}))
	w.want(update("r", v2, "new", "hook", "slack", "dead"), true)
	w.want(update("r", v2, "hook"), false)              // told
	w.want(update("other rule", v2, "hook"), false)     // that never told of it
	w.want(update("r", b, "slack", "hook"), false)      // another outlet's, of which nobody was told
	w.want(update("r", v2, "dead", "elsewhere"), false) // told, and to none of these
	w.ok(w.write(func(tx pipeline.Tx) error { v3 = w.nextVersion(tx, v2); return nil }))
	w.want(update("r", v3, "elsewhere"), false)

	// A merge makes no second one.
	var into int64
	w.ok(w.write(func(tx pipeline.Tx) (err error) {
		into, err = tx.OpenStory("Another", w.now)
		w.ok(err)
		return tx.MergeStories(a.Story, into)
	}))
	w.want(update("r", v2, "hook"), false)
	w.want(update("r", v3, "hook"), true)

	var got []string
	ds, err = w.s.Deliveries(w.ctx, store.DeliveryFilter{})
	w.ok(err)
	slices.Reverse(ds)
	for _, d := range ds[3:] {
		u := d.Alert.Update
		got = append(got, fmt.Sprintln(d.Alert.Kind, d.Alert.Seq, d.Alert.Subject, d.Channel, d.Alert.Article.ID, u.Version, u.Lapsed, u.Added, u.Body, u.UID == first[d.Channel], u.Told.Equal(told)))
		w.want(d.Alert.Story.ID, into)
	}
	sub := fmt.Sprint("article:", a.ID)
	w.want(got, []string{
		fmt.Sprintln("update", 2, sub, "slack", v2.ID, 2, true, 2, "[{added new words\x00}]", true, true),
		fmt.Sprintln("update", 2, sub, "hook", v2.ID, 2, true, 2, "[{added new words\x00}]", true, true),
		fmt.Sprintln("update", 3, sub, "hook", v3.ID, 3, true, 2, "[{added new words\x00}]", true, true),
	})
	if ds[0].Alert.Update != nil {
		w.Fatal("the first alert is no update")
	}
}
