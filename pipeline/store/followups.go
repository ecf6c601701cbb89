package store

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"wirewatch/pipeline"
)

// RulesToldOf lists the rules that told of an article of the story, or of one merged with it, by name.
func (t *Tx) RulesToldOf(story int64) ([]string, error) {
	var out []string
	root, err := rootOf(t.c, story)
	if err == nil {
		out, err = column[string](t.c, `SELECT DISTINCT al.rule FROM articles x CROSS JOIN alerts al
			WHERE x.story = ? AND al.article = x.id AND al.article <> 0 AND al.kind IN (?, ?) ORDER BY al.rule`, root, pipeline.KindMatch, pipeline.KindUpdate)
	}
	if err != nil {
		return nil, fmt.Errorf("list the rules that told of story %d: %w", story, err)
	}
	return out, nil
}

// RaiseUpdate stores an update of what the alert's rule told of the article before, with a delivery to each of the channels that was
// told then; a channel from which a silence kept it was not. It does nothing where none was, or where this was told already. It reports whether it raised the alert.
//
// The subject of an update is the article, by its first version, and its number is that of the version: so there is one at most
// per rule and version, whatever becomes of the story. That the page is gone has the number 0, which no version has.
func (t *Tx) RaiseUpdate(a pipeline.Alert, channels []string) (bool, error) {
	raised, err := t.raiseUpdate(a, channels)
	if err != nil {
		return false, fmt.Errorf("raise update of rule %s: %w", a.Rule, err)
	}
	return raised, nil
}

func (t *Tx) raiseUpdate(a pipeline.Alert, channels []string) (bool, error) {
	ids, err := versionIDs(t.c, a.Article.ID)
	if err != nil {
		return false, err
	}
	n := slices.Index(ids, a.Article.ID)
	if n < 0 {
		return false, fmt.Errorf("article %d: %w", a.Article.ID, ErrNotFound)
	}
	first, err := t.told(a.Rule, ids)
	if err != nil || first == 0 {
		return false, err
	}
	got, err := column[string](t.c, `SELECT channel FROM deliveries WHERE alert = ? AND state NOT IN ('dead', 'silenced') ORDER BY id`, first)
	if err != nil {
		return false, err
	}
	got = slices.DeleteFunc(got, func(ch string) bool { return !slices.Contains(channels, ch) })
	u := pipeline.Update{}
	if a.Update != nil {
		u = *a.Update
	}
	u.First = first
	if !u.Withdrawn {
		u.Version = n + 1
	}
	a.Update, a.Subject, a.Seq = &u, "article:"+strconv.FormatInt(ids[0], 10), u.Version
	return t.followUp(a, got)
}

// followUp stores an update whose subject, number and channels are known, unless it is there already or nobody is to be told.
func (t *Tx) followUp(a pipeline.Alert, channels []string) (bool, error) {
	if len(channels) == 0 {
		return false, nil
	}
	a.Kind = pipeline.KindUpdate
	known, err := t.c.has(`SELECT 1 FROM alerts WHERE rule = ? AND subject = ? AND kind = ? AND seq = ?`, a.Rule, a.Subject, a.Kind, a.Seq)
	if err != nil || known {
		return false, err
	}
	if a.Story.ID, err = rootOf(t.c, a.Story.ID); err != nil {
		return false, fmt.Errorf("story %d: %w", a.Story.ID, err)
	}
	return true, insertAlert(t.c, t.s.text, t.s.now, a, channels)
}

// told finds the alert with which a rule told first of any of the articles; 0: it never did. That may have been an update: where a story
// was split between two versions, the later ones begin anew, and those who were told of the earlier ones go on with them.
func (t *Tx) told(rule string, articles []int64) (first int64, err error) {
	err = inChunks(articles, func(marks string, args []any) error {
		if first != 0 {
			return nil
		}
		return t.c.get([]any{&first}, `SELECT COALESCE(MIN(id), 0) FROM alerts WHERE article <> 0 AND article IN (`+marks+`) AND rule = ? AND kind IN (?, ?)`,
			append(args, rule, pipeline.KindMatch, pipeline.KindUpdate)...)
	})
	return first, err
}

// RaiseGrowth stores an update of what the alert's rule told of the alert's story, with a delivery to each of the channels that was told
// of it first, once the story has more outlets than that channel was told of, by at least more. It reports whether it raised the alert.
//
// What a channel was told of is what its messages said, so that outlets which the first one named because it was held are not news;
// one that is still held will say it all itself. The subject is the story, and the number is that of its outlets: it rises with each
// update, over merges too, because what was told of either story counts.
func (t *Tx) RaiseGrowth(a pipeline.Alert, more int, channels []string) (bool, error) {
	raised, err := t.raiseGrowth(a, more, channels)
	if err != nil {
		return false, fmt.Errorf("raise growth of story %d for rule %s: %w", a.Story.ID, a.Rule, err)
	}
	return raised, nil
}

// heldFor is how long a delivery has to be held still to be left to say by itself what is known when it goes out: one that is due sooner
// may have been loaded already.
const heldFor = 5 * time.Second

func (t *Tx) raiseGrowth(a pipeline.Alert, more int, channels []string) (bool, error) {
	root, err := rootOf(t.c, a.Story.ID)
	if err != nil {
		return false, err
	}
	outlets, total, err := t.outlets(root)
	if err != nil || total <= more {
		return false, err
	}
	var first, article int64
	var spans string
	said := map[string]int{} // by channel that was told first: of how many outlets
	err = t.c.each(func(scan func(...any) error) error {
		var alert, about, due int64
		var kind, subject, where, ch, state, text string
		var seq int
		if err := scan(&alert, &kind, &subject, &seq, &about, &where, &ch, &state, &due, &text); err != nil {
			return err
		}
		if first == 0 {
			first, article, spans = alert, about, where
		}
		if state == string(pipeline.DeliveryDead) || state == string(pipeline.DeliverySilenced) || alert != first && said[ch] == 0 {
			return nil
		}
		n := outlets[about]
		switch {
		case kind == pipeline.KindUpdate && strings.HasPrefix(subject, "story:"):
			n = seq
		case text != "":
			var s struct{ Outlets []struct{} }
			if err := json.Unmarshal([]byte(text), &s); err != nil {
				return fmt.Errorf("what alert %d said in %s cannot be read: %w", alert, ch, err)
			}
			if listed := 1 + len(s.Outlets); listed <= maxOutlets {
				n = listed
			} else { // it named no more than that
				n = max(n, listed)
			}
		case due > ms(t.s.now().Add(heldFor)):
			n = total
		}
		said[ch] = max(said[ch], n)
		return nil
	}, `SELECT al.id, al.kind, al.subject, al.seq, al.article, al.spans, d.channel, d.state, d.due, d.said
		FROM articles x CROSS JOIN alerts al CROSS JOIN deliveries d
		WHERE x.story = ? AND al.article = x.id AND al.article <> 0 AND al.rule = ? AND al.kind IN (?, ?) AND d.alert = al.id
		ORDER BY al.id, d.id`, root, a.Rule, pipeline.KindMatch, pipeline.KindUpdate)
	if err != nil || first == 0 {
		return false, err
	}
	var got []string
	for _, ch := range channels {
		if n := said[ch]; n > 0 && total-n >= more {
			got = append(got, ch)
		}
	}
	if err := unlist(spans, &a.Spans, "spans"); err != nil {
		return false, err
	}
	u := pipeline.Update{}
	if a.Update != nil {
		u = *a.Update
	}
	u.First, u.Outlets = first, total-1
	a.Update, a.Article.ID = &u, article
	a.Subject, a.Seq = "story:"+strconv.FormatInt(root, 10), total
	return t.followUp(a, got)
}

// outlets says how many sites carried a story by each of its articles, and in all.
func (t *Tx) outlets(story int64) (upTo map[int64]int, total int, err error) {
	upTo, sites := map[int64]int{}, map[string]bool{}
	err = t.c.each(func(scan func(...any) error) error {
		var id int64
		var site string
		err := scan(&id, &site)
		sites[site] = true
		upTo[id] = len(sites)
		return err
	}, `SELECT id, site FROM articles WHERE story = ? ORDER BY id`, story)
	return upTo, len(sites), err
}
