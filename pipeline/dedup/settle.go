package dedup

import (
	"cmp"
	"container/heap"
	"slices"
)

// pair is two events that may be one, as they were when they were compared.
type pair struct {
	score  float64
	a, b   int64 // a < b
	na, nb float64
}

type pairs []pair

func (p pairs) Len() int      { return len(p) }
func (p pairs) Swap(i, j int) { p[i], p[j] = p[j], p[i] }
func (p pairs) Less(i, j int) bool {
	return cmp.Or(cmp.Compare(p[j].score, p[i].score), cmp.Compare(p[i].a, p[j].a), cmp.Compare(p[i].b, p[j].b)) < 0
}
func (p *pairs) Push(v any) { *p = append(*p, v.(pair)) }
func (p *pairs) Pop() any {
	s := *p
	v := s[len(s)-1]
	*p = s[:len(s)-1]
	return v
}

// settle merges the most alike pair of events until none are alike enough.
func (x *Events) settle(l *lexis) (merged []Joined) {
	var todo pairs
	look := func(n uint32) (found []pair) {
		for _, c := range x.near(l, &l.slots[n], atLeisure) {
			a, b := &l.slots[n], &l.slots[c.slot]
			if a.id > b.id {
				a, b = b, a
			}
			found = append(found, pair{c.score, a.id, b.id, a.n, b.n})
		}
		return found
	}
	ids := make([]int64, 0, len(l.slot))
	for id := range l.slot {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	for _, id := range ids {
		todo = append(todo, look(l.slot[id])...)
	}
	heap.Init(&todo)
	for len(todo) > 0 {
		p := heap.Pop(&todo).(pair)
		a, ok := l.slot[p.a]
		b, ok2 := l.slot[p.b]
		if !ok || !ok2 || l.slots[a].n != p.na || l.slots[b].n != p.nb {
			continue // one of them has grown or gone since: it was looked at again then
		}
		x.Merge(p.b, p.a)
		merged = append(merged, Joined{p.b, p.a, min(p.score, 1)})
		for _, f := range look(l.slot[p.a]) {
			heap.Push(&todo, f)
		}
	}
	return merged
}

// sweep forgets: counts of terms fade, terms that no event has and few documents had are dropped, events beyond the bound go.
func (x *Events) sweep() {
	x.added = 0
	if over := len(x.at) - x.most; over > 0 {
		ids := x.ids()
		last := func(id int64) int64 { l := x.at[id]; return l.slots[l.slot[id]].last }
		slices.SortStableFunc(ids, func(a, b int64) int { return cmp.Compare(last(a), last(b)) })
		for _, id := range ids[:over] {
			x.at[id].remove(x.at[id].slot[id])
			delete(x.at, id)
		}
		x.tidy()
	}
	for _, l := range x.langs {
		l.sweep()
	}
}

func (l *lexis) sweep() {
	used := make([]bool, len(l.hash))
	for i := range l.slots {
		for _, w := range l.slots[i].sum {
			used[w.term] = true
		}
	}
	l.docs *= forgetting
	var hash []uint32
	var df []float32
	number := make([]uint32, len(l.hash))
	for i, h := range l.hash {
		if d := l.df[i] * forgetting; used[i] || d >= 1 {
			number[i] = uint32(len(hash))
			hash, df = append(hash, h), append(df, d)
		} else {
			delete(l.terms, h)
		}
	}
	for h, i := range l.terms {
		l.terms[h] = number[i]
	}
	l.hash, l.df = hash, df
	l.post = make([][]uint32, len(hash))
	l.query = make([]float32, len(hash))
	order := make([]uint32, 0, len(l.slot))
	for _, n := range l.slot {
		order = append(order, n)
	}
	slices.SortFunc(order, func(a, b uint32) int { return cmp.Compare(l.slots[a].id, l.slots[b].id) })
	for _, n := range order {
		for i := range l.slots[n].sum {
			w := &l.slots[n].sum[i]
			w.term = number[w.term]
			l.post[w.term] = append(l.post[w.term], n)
		}
	}
}
