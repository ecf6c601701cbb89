package pipeline_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"wirewatch/pipeline"
	"wirewatch/pipeline/store"
)

// snapshots is a store that copies its file after each transaction in which an article is stored, as a power cut would leave it:
// the end of the write-ahead log that the transaction wrote is torn off at a random byte.
type snapshots struct {
	*store.Store
	t    *testing.T
	path string
	rand *rand.Rand
	to   []string
}

func (s *snapshots) Write(ctx context.Context, l pipeline.Lease, f func(pipeline.Tx) error) error {
	before := size(s.t, s.path+"-wal")
	if err := s.Store.Write(ctx, l, f); err != nil {
		return err
	}
	wal, err := os.ReadFile(s.path + "-wal")
	if err != nil {
		return err
	}
	db, err := os.ReadFile(s.path)
	if err != nil {
		return err
	}
	if grown := len(wal) - before; grown > 0 { // else the log was begun anew, and all of it is this transaction's
		wal = wal[:before+s.rand.Intn(grown+1)]
	}
	to := filepath.Join(s.t.TempDir(), "crashed.db")
	s.to = append(s.to, to)
	if err := os.WriteFile(to, db, 0o600); err != nil {
		return err
	}
	return os.WriteFile(to+"-wal", wal, 0o600)
}

func size(t *testing.T, path string) int {
	st, err := os.Stat(path)
	if err != nil {
		t.Error(err)
		return 0
	}
	return int(st.Size())
}

// A process ends at any moment, even in the middle of a commit. Its file opens sound, and whoever works on does the rest: every
// article is there, and every alert once. WIREWATCH_SEED sets the moments, to have those of a run that failed again.
func TestCrash(t *testing.T) {
	seed := time.Now().UnixNano()
	if n, err := strconv.ParseInt(os.Getenv("WIREWATCH_SEED"), 10, 64); err == nil {
		seed = n
	}
	t.Logf("WIREWATCH_SEED=%d", seed)
	path := databases[0].dsn(t)
	w := newWorld(t, path)
	w.rule("arms missile")
	const reports = 8
	for i := range reports {
		body := "Missile. " + prose(int64(300+i), 400)
		w.pages[fmt.Sprintf("http://a.example/%d", i)] = answer{title: fmt.Sprint("Report ", i), body: body}
		w.pages[fmt.Sprintf("http://b.example/%d", i)] = answer{title: fmt.Sprint("Copy ", i), body: body}
	}
	var es []pipeline.Entry
	for _, u := range slices.Sorted(maps.Keys(w.pages)) {
		es = append(es, w.entry(u, "T", ""))
	}
	w.list("a", es...)
	snap := &snapshots{Store: w.store, t: t, path: path, rand: rand.New(rand.NewSource(seed))}
	w.process.Store = snap
	w.deliver.Store = w.store
	for _, host := range []string{"a.example", "b.example"} { // one after the other, so that a copy is of a moment between commits
		l, ok, err := w.store.Acquire(t.Context(), "process", host, "ended "+host, w.now(), w.now().Add(time.Hour))
		if err != nil || !ok {
			t.Fatal(ok, err)
		}
		if _, err := w.process.Run(t.Context(), l); err != nil {
			t.Fatal(err)
		}
	}
	if len(snap.to) != 2*reports {
		t.Fatalf("%d copies of the file, want %d", len(snap.to), 2*reports)
	}
	for i, path := range snap.to {
		again := newWorld(t, path)
		again.rules, again.routes, again.pages = w.rules, w.routes, w.pages
		again.t = w.now()
		if err := again.store.Check(t.Context()); err != nil {
			t.Fatalf("copy %d: %v", i, err)
		}
		if n := len(again.articles()); n != i && n != i+1 {
			t.Errorf("copy %d holds %d articles", i, n)
		}
		if a, d := len(again.articles()), len(again.alerts()); d != min(a, reports) {
			t.Errorf("copy %d holds %d articles and %d alerts", i, a, d)
		}
		if _, err := again.store.TakeOver(t.Context(), func(string) bool { return true }); err != nil {
			t.Fatal(err)
		}
		again.run(again.process)
		again.want("articles", len(again.articles()), 2*reports)
		al := again.alerts()
		slices.Sort(al)
		again.want("alerts", len(slices.Compact(al)), reports)
		for _, it := range again.items() {
			again.want("item", again.state(it), "done attempts=0 article")
		}
	}
}
