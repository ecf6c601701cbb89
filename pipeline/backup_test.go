package pipeline_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"wirewatch/pipeline"
	"wirewatch/pipeline/store"
)

// Copies are made when they are due, by what lies in the folder; the oldest go, strangers' files stay; a failure is told once, and its end.
func TestBackups(t *testing.T) {
	w := newWorld(t, databases[0].dsn(t))
	p := pipeline.BackupPlan{Dir: filepath.Join(t.TempDir(), "new", "copies"), Name: "w", Every: 24 * time.Hour, Keep: 2}
	planned, free := false, uint64(1<<40)
	b := &pipeline.Backups{Store: w.store, Plan: func() (pipeline.BackupPlan, bool) { return p, planned }, Now: w.now, Operator: func() []string { return []string{"ops"} },
		Size: func() (int64, error) { return 1 << 20, nil }, Room: func(string) (uint64, error) { return free, nil }}
	files := func() string {
		t.Helper()
		fs, err := os.ReadDir(p.Dir)
		w.ok(err)
		var out []string
		for _, f := range fs {
			if !strings.Contains(f.Name(), ".db-") { // SQLite's own, of a copy that was opened
				out = append(out, f.Name())
			}
		}
		return strings.Join(out, " ")
	}
	once := func() { t.Helper(); w.ok(b.Once(t.Context())) }
	once()
	if _, err := os.Stat(p.Dir); err == nil {
		t.Fatal("a folder without a plan")
	}
	planned = true
	once()
	once()
	w.add(23 * time.Hour)
	once()
	w.want("files", files(), "w-20261122T100000Z.db")
	for _, name := range []string{"w-20261120T100000Z.db", "w-x-20261101T100000Z.db", "w-20261120.db", "w-20261121T080000Z.db.part", "w-20261123T093000Z.db.part"} {
		w.ok(os.WriteFile(filepath.Join(p.Dir, name), nil, 0o600))
	}
	w.add(time.Hour)
	once()
	w.want("files", files(), "w-20261120.db w-20261122T100000Z.db w-20261123T093000Z.db.part w-20261123T100000Z.db w-x-20261101T100000Z.db")
	whole, err := store.Open(t.Context(), filepath.Join(p.Dir, "w-20261123T100000Z.db"), store.Options{})
	w.ok(err)
	w.ok(whole.Check(t.Context()))
	w.ok(whole.Close())
	w.want("told", w.told(), "[]")

	// No room, told once; the copies that there are stay.
	w.add(25 * time.Hour)
	before := files()
	free = 2 << 20
	for range 3 {
		if err := b.Once(t.Context()); err == nil || !strings.Contains(err.Error(), "the disk of "+p.Dir+" has 2 MB left, a copy takes 1 MB") {
			t.Fatalf("without room: %v", err)
		}
		w.add(15 * time.Minute)
	}
	w.want("files", files(), before)
	free = 1 << 40
	once()
	w.want("told", w.told(), "[backup 1 failed false backup 2 failed true]")

	// The clock was set back: the copies from the future are none that was made lately, and the new one stays beside them.
	w.add(-100 * 24 * time.Hour)
	once()
	once()
	if got := strings.Fields(files()); !slices.Contains(got, "w-20260816T114500Z.db") || len(got) != 5 {
		t.Errorf("after the clock was set back: %v", got)
	}

	// Who asks to stop is no failure.
	w.add(48 * time.Hour)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := b.Once(ctx); err != context.Canceled {
		t.Errorf("stopped: %v", err)
	}
	w.want("told", len(w.told()), 2)
}
