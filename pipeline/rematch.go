package pipeline

import (
	"context"
	"fmt"
	"slices"
)

// RematchStore is what holding a rule against stored articles needs of the store.
type RematchStore interface {
	Write(ctx context.Context, l Lease, f func(Tx) error) error
}

// A Rematch holds a rule, as it is now, against stored articles, and stores what it finds in the place of what was stored: nobody is
// told. Each article is decided on in the transaction that stores the decision, by its text as it is then. Like a Replay it is a stage with one
// key, and may be ended and begun again.
type Rematch struct {
	Store    RematchStore
	Rule     string
	Match    func(*Article) []Match // what of the rule holds for an article: one match, or none
	Articles []int64                // by ID: those that may match, and those that did

	New, Kept, Dropped int // matches
}

// Name is the lease kind of holding rules against stored articles.
func (r *Rematch) Name() string { return "rematch" }

// Due is the one key.
func (r *Rematch) Due(context.Context) ([]string, error) { return []string{r.Rule}, nil }

// Run decides on the articles and returns how many match.
func (r *Rematch) Run(ctx context.Context, l Lease) (int, error) {
	r.New, r.Kept, r.Dropped = 0, 0, 0
	for ids := range slices.Chunk(r.Articles, replayBatch) {
		var fresh, kept, dropped int
		err := r.Store.Write(ctx, l, func(tx Tx) error {
			for _, id := range ids {
				had, holds, err := r.one(tx, id)
				switch {
				case err != nil:
					return err
				case holds && had:
					kept++
				case holds:
					fresh++
				case had:
					dropped++
				}
			}
			return nil
		})
		if err != nil {
			return r.New + r.Kept, fmt.Errorf("hold rule %s against the archive: %w", r.Rule, err)
		}
		r.New, r.Kept, r.Dropped = r.New+fresh, r.Kept+kept, r.Dropped+dropped
	}
	return r.New + r.Kept, nil
}

// one decides on an article. It says whether the rule was stored as matching it, and whether it holds.
func (r *Rematch) one(tx Tx, id int64) (had, holds bool, err error) {
	a, ok, err := tx.Article(id)
	if err != nil || !ok {
		return false, false, err
	}
	rules, err := tx.Matches(id)
	if err != nil {
		return false, false, err
	}
	had = slices.Contains(rules, r.Rule)
	if a.Pruned { // its text is gone: nobody can say any more
		return had, had, nil
	}
	ms := r.Match(&a)
	switch {
	case len(ms) > 0:
		err = tx.SaveMatches(id, ms)
	case had:
		err = tx.DropMatch(id, r.Rule)
	}
	return had, len(ms) > 0, err
}
