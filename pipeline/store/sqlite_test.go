package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/mattn/go-sqlite3"

	"wirewatch/pipeline"
)

func openTest(t *testing.T, path string, o Options) *Store {
	t.Helper()
	s, err := Open(t.Context(), path, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func newDB(t *testing.T) string { return filepath.Join(t.TempDir(), "wirewatch.db") }

// put stores one article with a page of n random bytes.
func put(ctx context.Context, s *Store, owner string, n int) error {
	l, ok, err := s.Acquire(ctx, "process", owner, owner, time.Now(), time.Now().Add(time.Minute))
	if err != nil {
		return err
	}
	if !ok {
		return errors.New("the key is held")
	}
	werr := s.Write(ctx, l, func(tx pipeline.Tx) error {
		id, err := tx.OpenStory("s", time.Now())
		if err != nil {
			return err
		}
		p := pipeline.Page{Body: make([]byte, n)}
		rand.New(rand.NewSource(int64(n))).Read(p.Body)
		_, err = tx.InsertArticle(&pipeline.Article{Story: id, Body: "b", Seen: time.Now()}, &p)
		return err
	})
	rerr := s.Release(ctx, l)
	if werr == nil && rerr != nil {
		return fmt.Errorf("%w: %w", errStored, rerr)
	}
	return errors.Join(werr, rerr)
}

// errStored says that put stored its article, and that only giving the lease back failed.
var errStored = errors.New("the article is stored")

func TestSettingsOnEveryConnection(t *testing.T) {
	s := openTest(t, newDB(t), Options{})
	for _, pool := range []struct {
		name string
		db   *sql.DB
		n    int
		want map[string]string
	}{
		{"writer", s.w, 1, map[string]string{"journal_mode": "wal", "synchronous": "2", "busy_timeout": "10000", "foreign_keys": "1", "query_only": "0"}},
		{"reader", s.r, readers, map[string]string{"journal_mode": "wal", "busy_timeout": "10000", "query_only": "1"}},
	} {
		if got := pool.db.Stats().MaxOpenConnections; got != pool.n {
			t.Errorf("%s: %d connections, want %d", pool.name, got, pool.n)
		}
		var conns []*sql.Conn
		for i := range pool.n {
			c, err := pool.db.Conn(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			conns = append(conns, c)
			for pragma, want := range pool.want {
				var got string
				if err := c.QueryRowContext(t.Context(), "PRAGMA "+pragma).Scan(&got); err != nil || got != want {
					t.Errorf("%s %d: %s is %q (%v), want %q", pool.name, i, pragma, got, err, want)
				}
			}
			if pool.name == "reader" {
				if _, err := c.ExecContext(t.Context(), `INSERT INTO hosts (name, next_at) VALUES ('h', 1)`); err == nil {
					t.Error("a reader wrote")
				}
				if _, err := c.ExecContext(t.Context(), `PRAGMA query_only = OFF; INSERT INTO hosts (name, next_at) VALUES ('h', 1)`); err == nil {
					t.Error("a reader wrote after it had forgotten query_only: the file is not opened read-only")
				}
			}
		}
		for _, c := range conns {
			c.Close()
		}
	}
	// A transaction of the writer pool has the write lock from its beginning.
	tx, err := s.w.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	other, err := sql.Open("sqlite3", sqliteDSN(s.path, "_busy_timeout=0"))
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if _, err := other.Exec(`INSERT INTO hosts (name, next_at) VALUES ('h', 1)`); err == nil {
		t.Error("another writer got in: the transaction was not immediate")
	}
}

func TestCheckpointKeepsPatience(t *testing.T) {
	s := openTest(t, newDB(t), Options{})
	if err := s.Checkpoint(t.Context()); err != nil {
		t.Fatal(err)
	}
	var got int
	if err := s.w.QueryRow(`PRAGMA busy_timeout`).Scan(&got); err != nil || got != 10000 {
		t.Fatalf("busy_timeout is %d (%v) after a checkpoint", got, err)
	}
}

func TestFileNames(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"plain.db", "with space.db", "what?mode=memory.db", "a#b.db", "100%.db", "%41.db", "a&b=c;d.db", "file:x.db", ":memory:",
		"-dash.db", "новости.db", "'quoted'\".db", "plus+.db", "back\\slash.db", "?", "#"} {
		sub := filepath.Join(dir, name+" folder")
		if err := os.Mkdir(sub, 0o777); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(sub, name)
		s := openTest(t, path, Options{})
		if err := put(t.Context(), s, "a", 100); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := s.Close(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		s = openTest(t, path, Options{})
		if n, err := s.Counts(t.Context()); err != nil || n.Articles != 1 {
			t.Errorf("%s: %d articles after opening again: %v", name, n.Articles, err)
		}
		s.Close()
		es, err := os.ReadDir(sub)
		if err != nil || len(es) != 1 || es[0].Name() != name {
			t.Errorf("%s: the folder holds %v, %v", name, es, err)
		}
	}
	// A path relative to the working folder.
	t.Chdir(dir)
	openTest(t, "relative.db", Options{})
	if _, err := os.Stat(filepath.Join(dir, "relative.db")); err != nil {
		t.Error(err)
	}
}

func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	write := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o666); err != nil {
			t.Fatal(err)
		}
		return path
	}
	file := write("note.txt", "a note")
	damaged := write("damaged.db", "SQLite format 3\x00"+strings.Repeat("garbage ", 4000))
	for name, c := range map[string]struct{ dsn, want string }{
		"nothing":        {"", "set store to"},
		"missing folder": {filepath.Join(dir, "no", "x.db"), "does not exist: create it"},
		"folder":         {dir, "is a folder"},
		"file as folder": {filepath.Join(file, "x.db"), "set store to another path"},
		"short text":     {file, "no SQLite database"},
		"long text":      {write("long.txt", strings.Repeat("text ", 5000)), "no SQLite database"},
		"damaged":        {damaged, "no SQLite database"},
		"other scheme":   {"mysql://user:canary@host/db", "unknown kind of database"},
		"bad postgres":   {"postgres://user:canary@host:port/db", "postgres URL cannot be read"},
		"no server":      {"postgres://user:canary@127.0.0.1:1/db", "is the server running"},
	} {
		s, err := Open(t.Context(), c.dsn, Options{})
		if err == nil {
			s.Close()
			t.Errorf("%s: opened", name)
			continue
		}
		if !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %q does not say %q", name, err, c.want)
		}
		if strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: error %q shows the password", name, err)
		}
	}
	if b, err := os.ReadFile(file); err != nil || string(b) != "a note" {
		t.Errorf("the file that is no database was changed: %q, %v", b, err)
	}
}

func TestOpenWithoutRights(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root may read and write everything")
	}
	path := newDB(t)
	openTest(t, path, Options{}).Close()
	if err := os.Chmod(path, 0o000); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), path, Options{}); err == nil || !strings.Contains(err.Error(), "no right to") {
		t.Errorf("unreadable file: %v", err)
	}
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o500); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), filepath.Join(dir, "x.db"), Options{}); err == nil || !strings.Contains(err.Error(), "may not write") {
		t.Errorf("folder without the right to write: %v", err)
	}
}

// TestOpenIsPatient: turning a new file to a write-ahead log fails at once, whatever the busy timeout, while another process does
// it or migrates. TestOpenAtOnce meets that by chance, this test always.
func TestOpenIsPatient(t *testing.T) {
	busy, other := sqlite3.Error{Code: sqlite3.ErrBusy}, sqlite3.Error{Code: sqlite3.ErrNotADB}
	n := 0
	if err := patiently(t.Context(), func(context.Context) error {
		if n++; n < 3 {
			return busy
		}
		return nil
	}); err != nil || n != 3 {
		t.Errorf("%v after %d tries", err, n)
	}
	n = 0
	if err := patiently(t.Context(), func(context.Context) error { n++; return other }); !errors.Is(err, other) || n != 1 {
		t.Errorf("%v after %d tries", err, n)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := patiently(ctx, func(context.Context) error { return busy }); !errors.Is(err, busy) {
		t.Error(err)
	}
}

func TestTwoProcessesOnOneFile(t *testing.T) {
	path := newDB(t)
	stores := make([]*Store, 4)
	var wg sync.WaitGroup
	for i := range stores {
		stores[i] = openTest(t, path, Options{})
	}
	for i := range 8 {
		wg.Go(func() {
			for range 20 {
				if err := put(t.Context(), stores[i%4], fmt.Sprint("o", i), 500); err != nil {
					t.Error(err) // SQLITE_BUSY, without immediate transactions
				}
			}
		})
	}
	wg.Wait()
	n, err := stores[0].Counts(t.Context())
	if err != nil || n.Articles != 160 {
		t.Errorf("%d articles, want 160: %v", n.Articles, err)
	}
	for _, s := range stores {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestLeakedRows(t *testing.T) {
	s := openTest(t, newDB(t), Options{QueryTimeout: 5 * time.Second})
	for range 3 {
		if err := put(t.Context(), s, "a", 1000); err != nil {
			t.Fatal(err)
		}
	}
	ctx, end := context.WithCancel(t.Context())
	defer end()
	rows, err := s.r.QueryContext(ctx, `SELECT id FROM articles`)
	if err != nil {
		t.Fatal(err)
	}
	if !rows.Next() {
		t.Fatal("no row")
	}
	// The rows stay open while others write: the write-ahead log cannot be emptied, and says so without keeping writers waiting.
	if err := put(t.Context(), s, "a", 1<<20); err != nil {
		t.Fatal(err)
	}
	if err := s.Checkpoint(t.Context()); !errors.Is(err, ErrBusy) {
		t.Fatalf("checkpoint while a reader is open: %v", err)
	}
	n, err := s.Counts(t.Context())
	if err != nil || n.WAL < 1<<20 {
		t.Fatalf("the log has %d bytes, %v", n.WAL, err)
	}
	// The end of the query's context, which read sets for every query, is the end of the rows.
	end()
	for until := time.Now().Add(time.Minute); time.Now().Before(until); time.Sleep(time.Millisecond) { // polling, bounded: rows end on a goroutine of their own
		if err = s.Checkpoint(t.Context()); err == nil {
			break
		}
	}
	if err != nil || s.walSize() != 0 {
		t.Fatalf("checkpoint after the reader's time was over: %v, log %d bytes", err, s.walSize())
	}
	rows.Close()

	c, done := s.read(t.Context())
	defer done()
	if at, ok := c.ctx.Deadline(); !ok || time.Until(at) > 5*time.Second {
		t.Errorf("a query's time is not bounded: %v %v", at, ok)
	}
}

func TestQueryTimeout(t *testing.T) {
	s := openTest(t, newDB(t), Options{QueryTimeout: 50 * time.Millisecond})
	err := s.get(t.Context(), []any{new(int64)}, `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT MAX(i) FROM n`)
	if err == nil {
		t.Fatal("an endless query ended")
	}
	if err := put(t.Context(), s, "a", 10); err != nil {
		t.Fatalf("after a query that took too long: %v", err)
	}
}

func TestBackupUnderWrites(t *testing.T) {
	s := openTest(t, newDB(t), Options{})
	for range 20 {
		if err := put(t.Context(), s, "a", 200<<10); err != nil {
			t.Fatal(err)
		}
	}
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	written := 20
	first := make(chan struct{})
	wg.Go(func() {
		for ctx.Err() == nil {
			if err := put(t.Context(), s, "a", 20<<10); err != nil {
				t.Error(err)
				break
			}
			if written++; written == 22 {
				close(first)
			}
		}
	})
	<-first
	to := filepath.Join(t.TempDir(), "a copy?.db")
	err := s.Backup(t.Context(), to)
	stop()
	wg.Wait()
	if err != nil {
		t.Fatal(err)
	}
	b := openTest(t, to, Options{})
	n, err := b.Counts(t.Context())
	if err != nil || n.Articles < 21 || n.Articles > written || n.Stories != n.Articles {
		t.Fatalf("the copy has %d articles, %d stories (%d written): %v", n.Articles, n.Stories, written, err)
	}
	if err := b.Check(t.Context()); err != nil {
		t.Error(err)
	}
	p, err := b.Page(t.Context(), 1)
	if err != nil || len(p.Body) != 200<<10 {
		t.Errorf("a page of the copy has %d bytes: %v", len(p.Body), err)
	}
	if err := s.Backup(t.Context(), to); err == nil || !strings.Contains(err.Error(), "exists") {
		t.Errorf("a backup over an existing file: %v", err)
	}
	if err := s.Backup(t.Context(), filepath.Join(t.TempDir(), "no", "x.db")); err == nil {
		t.Error("a backup into a missing folder")
	}
	dir := t.TempDir()
	if err := s.Backup(ctx, filepath.Join(dir, "x.db")); !errors.Is(err, context.Canceled) {
		t.Errorf("a canceled backup: %v", err)
	}
	if es, _ := os.ReadDir(dir); len(es) != 0 {
		t.Errorf("a canceled backup left %v", es)
	}
}

func TestCheckFindsDamage(t *testing.T) {
	path := newDB(t)
	s := openTest(t, path, Options{})
	for i := range 200 {
		if err := put(t.Context(), s, fmt.Sprint("o", i), 3000); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.Close()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	st, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt([]byte(strings.Repeat("damage", 20000)), st.Size()/2); err != nil {
		t.Fatal(err)
	}
	f.Close()
	s, err = Open(t.Context(), path, Options{})
	if err == nil {
		err = s.Check(t.Context())
		s.Close()
	}
	if err == nil || !strings.Contains(err.Error(), "restore a backup") && !strings.Contains(err.Error(), "malformed") {
		t.Errorf("damage was not found: %v", err)
	}
}

func TestDiskFull(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("mounting a small disk takes root")
	}
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=4m"); err != nil {
		t.Skipf("a small disk cannot be mounted here: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	ballast := filepath.Join(dir, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 1<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := Open(t.Context(), filepath.Join(dir, "wirewatch.db"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	written := 0
	for {
		if err = put(t.Context(), s, "a", 100<<10); errors.Is(err, errStored) { // the disk was full behind it
			written++
		}
		if err != nil {
			break
		}
		if written++; written > 100 {
			t.Fatal("the disk does not fill")
		}
	}
	if !errors.Is(err, ErrDiskFull) {
		t.Fatalf("on a full disk: %v", err)
	}
	// Reading goes on, and nothing half-written is to be seen.
	n, err := s.Counts(t.Context())
	if err != nil || n.Articles != written || n.Stories != written {
		t.Fatalf("on a full disk: %d articles, %d stories, want %d: %v", n.Articles, n.Stories, written, err)
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	// put could not give its lease back; a later run takes it over.
	if _, err := s.TakeOver(t.Context(), func(string) bool { return true }); err != nil {
		t.Fatal(err)
	}
	if err := put(t.Context(), s, "a", 100<<10); err != nil {
		t.Fatalf("with space again: %v", err)
	}
	if err := s.Check(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestClean(t *testing.T) {
	for in, want := range map[string]string{
		"":             "",
		"plain ж 字":    "plain ж 字",
		"a\x00b":       "a b",
		"\xff\xfe":     "??",
		"\xed\xa0\x80": "???",
		"ok\ufffdok":   "ok\ufffdok",
		"cut \xe5\xad": "cut ??",
	} {
		if got := Clean(in); got != want || len(got) != len(in) {
			t.Errorf("Clean(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestChunks(t *testing.T) {
	for _, n := range []int{0, 1, 2, 8, 9, 50, 51, 250, 251, 777} {
		vs := make([]int, n)
		for i := range vs {
			vs[i] = i
		}
		seen := map[any]bool{}
		err := inChunks(vs, func(m string, args []any) error {
			if strings.Count(m, "?") != len(args) {
				t.Errorf("%d: %d marks for %d arguments", n, strings.Count(m, "?"), len(args))
			}
			for _, a := range args {
				seen[a] = true
			}
			return nil
		})
		if err != nil || len(seen) != n {
			t.Errorf("%d: %d seen, %v", n, len(seen), err)
		}
	}
}
