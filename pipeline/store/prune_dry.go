package store

import (
	"context"
	"errors"
	"slices"
)

// wouldPrune counts what pruneKept would take, on one state of the database and without writing: it takes the same steps over a list of
// what is kept, which has some dozens of bytes an article.
func (s *Store) wouldPrune(ctx context.Context, r Retention, out *Pruned) error {
	var kept []old
	err := s.view(ctx, func(c conn) error {
		policies := map[int64]int{} // of articles about which kept does not say it
		placed := placedBy(c, r.Form)
		if placed != nil && !errors.Is(placed, errPolicies) {
			return placed
		}
		if r.Of != nil {
			which := ` IN (SELECT article FROM kept)`
			if placed == nil {
				which = ` IN (SELECT article FROM kept WHERE policy = -1)`
			}
			if err := policiesOf(c, r.Of, policies, which); err != nil {
				return err
			}
		}
		waits := map[int64]bool{}
		ids, err := column[int64](c, `SELECT DISTINCT al.article FROM deliveries d JOIN alerts al ON al.id = d.alert WHERE d.state IN ('open', 'held', 'gathered')`)
		if err != nil {
			return err
		}
		for _, id := range ids {
			waits[id] = true
		}
		return c.each(func(scan func(...any) error) error {
			var o old
			err := scan(&o.id, &o.policy, &o.seen, &o.level, &o.paged, &o.body)
			if placed != nil || o.policy == unplaced {
				o.policy = policies[o.id]
			}
			o.waits = waits[o.id]
			kept = append(kept, o)
			return err
		}, `SELECT article, policy, seen, level, page + blocks, body FROM kept ORDER BY seen, article`)
	})
	if err != nil {
		return err
	}
	sum := func(policies []int) (bytes int64, err error) {
		for _, o := range kept {
			if slices.Contains(policies, o.policy) {
				bytes += o.paged + o.body
			}
		}
		return bytes, nil
	}
	return r.steps(sum, func(t cut) error {
		for i := range kept {
			o := &kept[i]
			if t.before.IsZero() && t.bytes <= 0 {
				return nil
			}
			if o.level >= t.to || o.waits || !slices.Contains(t.policies, o.policy) || !t.before.IsZero() && o.seen >= ms(t.before) {
				continue
			}
			t.bytes -= out.count(*o, t.to)
			if o.level, o.paged = t.to, 0; t.to == prunedBody {
				o.body = 0
			}
		}
		return nil
	})
}
