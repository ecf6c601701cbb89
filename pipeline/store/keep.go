package store

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"wirewatch/pipeline"
)

// The table kept says of each article that has a body how much room it takes and which policy decides when it goes, so that retention
// reads neither articles nor pages to know what is old, and how much there is.

// Retention says what is to be forgotten. A zero time and a size of 0 keep everything. Age counts from when an article was stored, or an
// item first seen, not from its date: a backfilled old article is kept as long as today's.
//
// What is never forgotten: who an article was (URL, canonical URL, site, title, dates, story, relation, which rules matched) and what
// was told. So nothing that was seen is new again, and nothing that was told is told again.
type Retention struct {
	Pages    time.Time // before it: pages, blocks, and the texts that feeds gave of items that are done
	Bodies   time.Time // before it: bodies, and where in them rules matched; with a body goes its page
	Sketches time.Time // before it, where the body went: all of a fingerprint but what tells whether a text is the same
	Log      time.Time // before it: what happened to an article, for duplicate indexes that look no further back

	// Size is how many bytes all pages, blocks and bodies together may have. What is stored first goes first, pages before bodies.
	Size int64

	Only []Policy           // for some articles, in place of Pages and Bodies
	Of   func(a Origin) int // which of Only decides on an article, counted from 1; 0: none. nil: none ever
	Form string             // names what Of goes by, "" with a nil Of: when it changes, every article is looked at again

	Brief func(sketch []byte) []byte // makes the fingerprint that is kept
}

// A Policy is what retention does with some articles.
type Policy struct {
	Pages, Bodies         time.Time
	Size                  int64 // as Retention.Size, for these articles alone
	HoldPages, HoldBodies bool  // Retention.Size does not take them
}

// An Origin is what a policy can go by.
type Origin struct {
	Site        string
	Tags, Rules []string // the article's own tags; the rules that matched in it
}

// policies are all of them: the general one, then those for some articles.
func (r Retention) policies() []Policy {
	return append([]Policy{{Pages: r.Pages, Bodies: r.Bodies}}, r.Only...)
}

const (
	unplaced  = -1            // the policy of an article that nobody has looked at
	allPlaced = math.MaxInt64 // kept_state.upto when every article was
)

// noteKept notes the room that a new article takes.
func (t *Tx) noteKept(id int64, a *pipeline.Article, page, blocks int) error {
	_, err := t.c.exec(`INSERT INTO kept (article, policy, level, seen, page, blocks, body)
		SELECT ?, CASE WHEN form = '' THEN 0 ELSE -1 END, 0, ?, ?, ?, ? FROM kept_state`, id, ms(a.Seen), page, blocks, len(a.Body))
	return err
}

// placeAgain has it looked at again which policy decides on an article.
func placeAgain(c conn, article int64) error {
	_, err := c.exec(`UPDATE kept SET policy = -1 WHERE article = ? AND policy >= 0 AND EXISTS (SELECT 1 FROM kept_state WHERE form <> '')`, article)
	return err
}

// errPolicies rolls back what was to be forgotten by policies that are no more.
var errPolicies = errors.New("another process keeps this store by other policies: give all of them the same `retention`")

// placedBy makes sure that the articles are told apart by the form, for the rest of the transaction.
func placedBy(c conn, form string) error {
	var has string
	var upto int64
	if err := c.get([]any{&has, &upto}, `SELECT form, upto FROM kept_state`); err != nil {
		return err
	}
	if has != form || upto != allPlaced {
		return errPolicies
	}
	return nil
}

// place looks which policy decides on each article of which that is not known: new ones, those whose tags or matches changed, and all of
// them when the policies changed.
func (s *Store) place(ctx context.Context, r Retention) error {
	for more := true; more; {
		err := s.tx(ctx, func(c conn) (err error) {
			if err = c.lock(lockStories); err == nil {
				more, err = placeSome(c, r)
			}
			return err
		})
		if err != nil {
			return fmt.Errorf("look which policy keeps which article: %w", err)
		}
	}
	return nil
}

// placeSome does a batch and says whether there may be more.
func placeSome(c conn, r Retention) (bool, error) {
	var form string
	var upto int64
	if err := c.get([]any{&form, &upto}, `SELECT form, upto FROM kept_state`); err != nil {
		return false, err
	}
	if form != r.Form {
		_, err := c.exec(`UPDATE kept_state SET form = ?, upto = 0`, r.Form)
		return true, err
	}
	was := map[int64]int{}
	var ids []int64
	q, args := `SELECT article, policy FROM kept WHERE policy = -1 ORDER BY article LIMIT ?`, []any{2 * pruneBatch}
	if upto < allPlaced {
		q, args = `SELECT article, policy FROM kept WHERE article > ? ORDER BY article LIMIT ?`, []any{upto, 2 * pruneBatch}
	}
	err := c.each(func(scan func(...any) error) error {
		var id int64
		var policy int
		err := scan(&id, &policy)
		ids, was[id] = append(ids, id), policy
		return err
	}, q, args...)
	if err != nil || len(ids) == 0 && upto == allPlaced {
		return false, err
	}
	is := map[int64]int{}
	if r.Of != nil {
		err = inChunks(ids, func(marks string, args []any) error {
			return policiesOf(c, r.Of, is, ` IN (`+marks+`)`, args...)
		})
	}
	moved := map[int][]int64{}
	for _, id := range ids {
		if is[id] != was[id] {
			moved[is[id]] = append(moved[is[id]], id)
		}
	}
	for policy, ids := range moved {
		if err == nil {
			err = inChunks(ids, func(marks string, args []any) error {
				_, err := c.exec(`UPDATE kept SET policy = ? WHERE article IN (`+marks+`)`, append([]any{policy}, args...)...)
				return err
			})
		}
	}
	if err == nil && upto < allPlaced {
		upto = allPlaced
		if len(ids) > 0 {
			upto = ids[len(ids)-1]
		}
		_, err = c.exec(`UPDATE kept_state SET upto = ?`, upto)
	}
	return true, err
}

// policiesOf asks of articles which policy decides on them. which, a condition on an ID, chooses them.
func policiesOf(c conn, of func(Origin) int, into map[int64]int, which string, args ...any) error {
	matched := map[int64][]string{}
	err := c.each(func(scan func(...any) error) error {
		var id int64
		var rule string
		err := scan(&id, &rule)
		matched[id] = append(matched[id], rule)
		return err
	}, `SELECT article, rule FROM matches WHERE article`+which, args...)
	if err != nil {
		return err
	}
	return c.each(func(scan func(...any) error) error {
		var id int64
		var o Origin
		var tags string
		if err := scan(&id, &o.Site, &tags); err != nil {
			return err
		}
		o.Rules = matched[id]
		err := unlist(tags, &o.Tags, "tags")
		into[id] = of(o)
		return err
	}, `SELECT id, site, tags FROM articles WHERE id`+which, args...)
}
