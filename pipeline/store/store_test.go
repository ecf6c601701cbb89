package store_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"wirewatch/pipeline/store"
	"wirewatch/pipeline/store/storetest"
)

// server is the private PostgreSQL of this package's tests.
var server storetest.Lazy

func TestMain(m *testing.M) {
	code := m.Run()
	if err := server.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, "stop PostgreSQL:", err)
		code = max(code, 1)
	}
	os.Exit(code)
}

func open(t testing.TB, dsn string, o store.Options) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), dsn, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return s
}

func openSQLite(t testing.TB, o store.Options) *store.Store {
	return open(t, filepath.Join(t.TempDir(), "wirewatch.db"), o)
}

func openPostgres(t testing.TB, o store.Options) *store.Store { return open(t, server.Database(t), o) }

func TestSQLite(t *testing.T) {
	storetest.Run(t, func(t *testing.T, o store.Options) *store.Store { return openSQLite(t, o) })
}

func TestPostgres(t *testing.T) {
	server.Database(t) // skips once, with the reason, instead of in each part
	storetest.Run(t, func(t *testing.T, o store.Options) *store.Store { return openPostgres(t, o) })
}
