package storetest

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"wirewatch/pipeline/store"
)

// Files makes SQLite stores for tests. Its zero value is ready.
type Files struct {
	once  sync.Once
	empty []byte
	err   error
}

// Migrated makes a file with the store's tables, empty, and gives its path: to make those anew for each test takes longer than most
// tests do.
func (f *Files) Migrated(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "wirewatch.db")
	f.once.Do(func() {
		var s *store.Store
		if s, f.err = store.Open(context.Background(), path, store.Options{}); f.err != nil {
			return
		}
		if f.err = s.Close(); f.err == nil { // which leaves nothing beside the file
			f.empty, f.err = os.ReadFile(path)
		}
	})
	if f.err != nil {
		t.Fatalf("make a SQLite store: %v", f.err)
	}
	if err := os.WriteFile(path, f.empty, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
