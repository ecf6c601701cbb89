package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/mattn/go-sqlite3"
)

// Settings of the two SQLite pools. They stand in the DSN, not in an Exec, so that every connection of a pool has them.
const (
	// Without FULL a power cut loses acknowledged commits. Immediate transactions wait for each other; deferred ones that
	// read and then write fail with SQLITE_BUSY in spite of the timeout.
	writerSettings = "_journal_mode=WAL&_synchronous=FULL&_txlock=immediate&_busy_timeout=10000&_foreign_keys=on&_stmt_cache_size=128"
	readerSettings = "mode=ro&_query_only=true&_busy_timeout=10000&_foreign_keys=on&_stmt_cache_size=64"
	readers        = 4
)

// sqliteDSN names a file by a file: URI. Every byte that a URI gives a meaning to is escaped, so that any file name works.
func sqliteDSN(path, settings string) string {
	return "file:" + strings.ReplaceAll(url.PathEscape(path), "%2F", "/") + "?" + settings
}

func (s *Store) openSQLite(ctx context.Context, path string) error {
	s.d = sqliteDialect()
	if err := checkFile(path); err != nil {
		return err
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return fmt.Errorf("database %s: %w", path, err)
	}
	s.path = abs
	if s.w, err = sql.Open("sqlite3", sqliteDSN(abs, writerSettings)); err != nil {
		return fmt.Errorf("open database %s: %w", path, err)
	}
	s.w.SetMaxOpenConns(1)
	s.w.SetMaxIdleConns(1)
	ctx, done := context.WithTimeout(ctx, s.timeout)
	defer done()
	// The first connection makes the file and its write-ahead log, which the readers cannot.
	if err := patiently(ctx, s.w.PingContext); err != nil {
		return fmt.Errorf("open database %s: %w", path, explain(err))
	}
	if s.r, err = sql.Open("sqlite3", sqliteDSN(abs, readerSettings)); err != nil {
		return fmt.Errorf("open database %s: %w", path, err)
	}
	s.r.SetMaxOpenConns(readers)
	s.r.SetMaxIdleConns(readers)
	return nil
}

// patiently calls f until it does not find the database locked, for about ten seconds: turning a new file to a write-ahead log
// is the one thing for which SQLite does not wait, so processes that open a new file together would fail.
func patiently(ctx context.Context, f func(context.Context) error) error {
	for n := 0; ; n++ {
		err := f(ctx)
		var se sqlite3.Error
		if n == 500 || !errors.As(err, &se) || se.Code != sqlite3.ErrBusy {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// checkFile looks at path before SQLite does, because SQLite's words for these cases help nobody.
func checkFile(path string) error {
	if path == "" {
		return errors.New("no database named: set store to a file path or a postgres:// URL")
	}
	if strings.Contains(path, "://") {
		return fmt.Errorf("%s: unknown kind of database: store takes a file path or a postgres:// URL", scheme(path))
	}
	dir := filepath.Dir(path)
	if st, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("database %s: folder %s does not exist: create it, or set store to another path", path, dir)
	} else if err != nil {
		return fmt.Errorf("database %s: %w", path, err)
	} else if !st.IsDir() {
		return fmt.Errorf("database %s: %s is not a folder: set store to another path", path, dir)
	}
	st, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("database %s: %w", path, err)
	}
	if st.IsDir() {
		return fmt.Errorf("database %s is a folder: set store to a file in it, such as %s", path, filepath.Join(path, "wirewatch.db"))
	}
	if !st.Mode().IsRegular() {
		return fmt.Errorf("database %s is not a regular file: set store to another path", path)
	}
	// Never open the file here: closing it would drop the locks that another Store of this process holds on it, for POSIX
	// locks belong to process and file, not to the descriptor.
	if err := syscall.Access(path, 0o6); err != nil {
		return fmt.Errorf("database %s: no right to read and write it: change its owner or mode, or set store to another path (%w)", path, err)
	}
	return nil
}

// explain adds to an error of opening what to do about it.
func explain(err error) error {
	var se sqlite3.Error
	if !errors.As(err, &se) {
		return err
	}
	switch se.Code {
	case sqlite3.ErrNotADB:
		return fmt.Errorf("the file is no SQLite database: set store to another path, or move that file away (%w)", err)
	case sqlite3.ErrCantOpen, sqlite3.ErrReadonly, sqlite3.ErrPerm:
		return fmt.Errorf("SQLite may not write it or make files beside it: change owner or mode of file and folder, or set store to another path (%w)", err)
	case sqlite3.ErrCorrupt:
		return fmt.Errorf("the file is damaged: restore a backup (%w)", err)
	case sqlite3.ErrBusy, sqlite3.ErrLocked:
		return fmt.Errorf("another program keeps it locked: end that program and try again (%w)", err)
	}
	return typed(err)
}

func scheme(dsn string) string { s, _, _ := strings.Cut(dsn, "://"); return s + "://" }

// walSize is the size of the write-ahead log in bytes.
func (s *Store) walSize() int64 {
	if s.path == "" {
		return 0
	}
	st, err := os.Stat(s.path + "-wal")
	if err != nil {
		return 0
	}
	return st.Size()
}

// checkpointWait is how long a checkpoint waits for readers, in milliseconds. It holds up every writer meanwhile.
const checkpointWait = 250

// Checkpoint moves the write-ahead log into the database file and empties it. ErrBusy means that a reader held on to it. On
// PostgreSQL, which does this by itself, it does nothing.
func (s *Store) Checkpoint(ctx context.Context) (err error) {
	if s.path == "" {
		return nil
	}
	ctx, done := context.WithTimeout(ctx, s.timeout)
	defer done()
	db, err := s.w.Conn(ctx)
	if err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	defer db.Close()
	c := conn{ctx, db, s.d}
	var x int64
	if err := c.get([]any{&x}, fmt.Sprintf(`PRAGMA busy_timeout = %d`, checkpointWait)); err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	defer func() {
		// The connection goes back to the pool: it must have its own patience again even when ctx is over.
		c.ctx = context.WithoutCancel(ctx)
		if e := c.get([]any{&x}, `PRAGMA busy_timeout = 10000`); e != nil && err == nil {
			err = fmt.Errorf("checkpoint: %w", e)
		}
	}()
	var busy, pages, moved int64
	if err := c.get([]any{&busy, &pages, &moved}, `PRAGMA wal_checkpoint(TRUNCATE)`); err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	if busy != 0 {
		return fmt.Errorf("checkpoint: %w", ErrBusy)
	}
	return nil
}

// Check reads the whole database and reports damage as an error. On PostgreSQL, whose pages pg_amcheck checks, it reads
// every table once.
func (s *Store) Check(ctx context.Context) error {
	if s.path == "" {
		c := conn{ctx, s.r, s.d} // no timeout: a large archive takes its time
		for _, t := range tables {
			var n int64
			if err := c.get([]any{&n}, `SELECT COUNT(*) FROM `+t); err != nil {
				return fmt.Errorf("check table %s: %w", t, err)
			}
		}
		return nil
	}
	return integrity(ctx, s.r, s.path)
}

// tables are all tables of the schema.
var tables = [...]string{"feeds", "items", "stories", "articles", "pages", "matches", "alerts", "deliveries", "hosts", "channels", "leases", "changes",
	"story_verdicts", "story_told", "silences", "archive_keys", "archive_awaited", "article_told"}

func integrity(ctx context.Context, db *sql.DB, path string) error {
	c := conn{ctx, db, &dialect{}}
	var bad []string
	err := c.each(func(scan func(...any) error) error {
		var line string
		if err := scan(&line); err != nil {
			return err
		}
		if line != "ok" {
			bad = append(bad, line)
		}
		return nil
	}, `PRAGMA integrity_check(10)`)
	if err != nil {
		return fmt.Errorf("check %s: %w", path, err)
	}
	err = c.each(func(scan func(...any) error) error {
		var table, parent string
		var row sql.NullInt64
		var key int64
		if err := scan(&table, &row, &parent, &key); err != nil {
			return err
		}
		if len(bad) < 10 {
			bad = append(bad, fmt.Sprintf("row %d of %s refers to a missing row of %s", row.Int64, table, parent))
		}
		return nil
	}, `PRAGMA foreign_key_check`)
	if err != nil {
		return fmt.Errorf("check %s: %w", path, err)
	}
	if len(bad) > 0 {
		return fmt.Errorf("%s is damaged, restore a backup: %s", path, strings.Join(bad, "; "))
	}
	return nil
}

// backupStep is how many pages are copied between two looks at ctx.
const backupStep = 2000

// Backup writes a copy of the database, as it stands at one moment, to a new file at path, and checks the copy. Writers go on
// meanwhile. Copying the database file by other means is no backup: what the write-ahead log holds would be missing.
func (s *Store) Backup(ctx context.Context, path string) error { return s.backup(ctx, path, false) }

// BackupOver is Backup to a file that may exist: it is replaced when the copy is whole and checked, and stays as it is otherwise.
func (s *Store) BackupOver(ctx context.Context, path string) error { return s.backup(ctx, path, true) }

func (s *Store) backup(ctx context.Context, path string, over bool) (err error) {
	if s.path == "" {
		return errors.New("backup: the database is PostgreSQL: use pg_dump, such as pg_dump --format=custom --file=wirewatch.dump \"$URL\"")
	}
	mine, err := os.Stat(s.path)
	if err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	if st, err := os.Stat(path); err == nil && os.SameFile(st, mine) {
		return fmt.Errorf("backup: %s is the database itself: name another file", path)
	}
	if st, err := os.Lstat(path); err == nil && !over {
		return fmt.Errorf("backup: %s exists: name a new file, or a folder, or replace it with --force", path)
	} else if err == nil && !st.Mode().IsRegular() {
		return fmt.Errorf("backup: %s is not a regular file: name another", path)
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("backup: %w", err)
	}
	part := path + ".part"
	if err := os.Remove(part); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("backup: %w", err)
	}
	defer func() {
		if err != nil {
			os.Remove(part)
		}
	}()
	if err := s.copyTo(ctx, part); err != nil {
		return fmt.Errorf("backup to %s: %w", path, typed(err))
	}
	if err := sealBackup(ctx, part); err != nil {
		return fmt.Errorf("backup to %s: %w", path, err)
	}
	if err := os.Chmod(part, mine.Mode().Perm()); err != nil { // who may not read the database may not read its copy
		return fmt.Errorf("backup: %w", err)
	}
	if err := os.Rename(part, path); err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	return syncDir(filepath.Dir(path))
}

// copyTo copies the database through SQLite's backup API. The open transaction pins one moment of the source, so that
// writers never make the copy begin anew.
func (s *Store) copyTo(ctx context.Context, part string) error {
	src, err := s.r.Conn(ctx)
	if err != nil {
		return err
	}
	defer src.Close()
	t, err := src.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer t.Rollback()
	if err := (conn{ctx, t, s.d}).get([]any{new(int64)}, `SELECT COUNT(*) FROM goose_db_version`); err != nil {
		return err
	}
	db, err := sql.Open("sqlite3", sqliteDSN(part, "_synchronous=FULL"))
	if err != nil {
		return err
	}
	defer db.Close()
	dst, err := db.Conn(ctx)
	if err != nil {
		return explain(err)
	}
	defer dst.Close()
	return dst.Raw(func(to any) error {
		return src.Raw(func(from any) error {
			b, err := to.(*sqlite3.SQLiteConn).Backup("main", from.(*sqlite3.SQLiteConn), "main")
			if err != nil {
				return err
			}
			for {
				if err := ctx.Err(); err != nil {
					b.Finish()
					return err
				}
				done, err := b.Step(backupStep)
				if err != nil {
					b.Finish()
					return err
				}
				if done {
					return b.Finish()
				}
			}
		})
	})
}

// sealBackup checks the copy and makes it one file that needs no write-ahead log.
func sealBackup(ctx context.Context, part string) error {
	db, err := sql.Open("sqlite3", sqliteDSN(part, "_journal_mode=DELETE&_synchronous=FULL"))
	if err != nil {
		return err
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	return integrity(ctx, db, part)
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	defer d.Close()
	if err := d.Sync(); err != nil && !errors.Is(err, syscall.EINVAL) { // some file systems cannot
		return fmt.Errorf("backup: %w", err)
	}
	return nil
}
