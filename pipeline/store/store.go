// Package store keeps everything Wirewatch knows: feeds, items, articles with their pages, stories, matches, alerts,
// deliveries, leases. It is all of the SQL, in one text that runs on SQLite (one file, the default) and on PostgreSQL.
//
// The contract:
//   - Each method is one transaction. What a run writes (SavePoll, ClaimItems, SaveItem, Write, SaveDelivery) is fenced on
//     the run's lease inside that transaction: when the lease was taken over, nothing is written and the error is
//     pipeline.ErrLeaseLost. A lease that expired but was not taken still counts.
//   - Text is stored as valid UTF-8 without NUL. Repairing it keeps every byte offset (see Clean).
//   - Times are kept to the millisecond, in UTC; the zero time stays the zero time.
//   - Every query and transaction ends within Options.QueryTimeout, so that nothing pins the write-ahead log for ever.
//   - A full disk is ErrDiskFull, a missing row ErrNotFound, a database of a later version ErrNewer.
//
// A Store is safe for concurrent use, and any number of processes may open the same database.
package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/klauspost/compress/zstd"
)

// Options are what a Store takes from its surroundings. The zero value is right for production.
type Options struct {
	Now          func() time.Time // default time.Now
	Text         func() string    // random text for delivery UIDs; default crypto/rand.Text
	Logger       *slog.Logger     // told about migrations; default none
	QueryTimeout time.Duration    // bound on each query and each transaction; default one minute
}

// A Store is an open database.
type Store struct {
	w       *sql.DB // transactions; on SQLite a pool of one, because SQLite has one writer
	r       *sql.DB // queries; on SQLite unable to write, on PostgreSQL the same pool
	d       *dialect
	path    string // SQLite: the file
	now     func() time.Time
	text    func() string
	log     *slog.Logger
	timeout time.Duration
	enc     *zstd.Encoder
	dec     *zstd.Decoder
}

// maxPage bounds what a stored page may unpack to, so that a damaged row cannot take all memory.
const maxPage = 256 << 20

// Open opens the database at dsn, a file path or a postgres:// URL, and brings its schema up to date. A SQLite file is
// created when its folder exists.
func Open(ctx context.Context, dsn string, o Options) (*Store, error) {
	s := &Store{now: o.Now, text: o.Text, log: o.Logger, timeout: o.QueryTimeout}
	if s.now == nil {
		s.now = time.Now
	}
	if s.text == nil {
		s.text = rand.Text
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.timeout <= 0 {
		s.timeout = time.Minute
	}
	var err error
	if s.enc, err = zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest)); err != nil {
		return nil, err
	}
	if s.dec, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxPage)); err != nil {
		return nil, err
	}
	if strings.HasPrefix(dsn, "postgres://") || strings.HasPrefix(dsn, "postgresql://") {
		err = s.openPostgres(ctx, dsn)
	} else {
		err = s.openSQLite(ctx, dsn)
	}
	if err == nil {
		err = s.migrate(ctx)
	}
	if err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// Close closes the database. Methods called later fail.
func (s *Store) Close() error {
	var first error
	// The writer goes last, so that SQLite's last connection can put the write-ahead log away. Closing a pool twice is allowed.
	for _, db := range []*sql.DB{s.r, s.w} {
		if db == nil {
			continue
		}
		if err := db.Close(); err != nil && first == nil {
			first = err
		}
	}
	s.dec.Close()
	s.enc.Close()
	return first
}

// Ping says whether the database answers.
func (s *Store) Ping(ctx context.Context) error {
	var one int
	if err := s.get(ctx, []any{&one}, `SELECT 1`); err != nil {
		return fmt.Errorf("ping the database: %w", err)
	}
	return nil
}

// Info says what the store runs on.
type Info struct {
	Database string // "sqlite" or "postgres"
	Server   string // version of SQLite or of the PostgreSQL server
	Schema   int64  // number of the last migration applied
	Path     string // SQLite: the file
}

// Info reads what the store runs on.
func (s *Store) Info(ctx context.Context) (Info, error) {
	i := Info{Database: s.d.name, Path: s.path}
	if err := s.get(ctx, []any{&i.Server}, s.d.version); err != nil {
		return i, fmt.Errorf("read the database's version: %w", err)
	}
	err := s.get(ctx, []any{&i.Schema}, `SELECT COALESCE(MAX(version_id), 0) FROM goose_db_version`)
	return i, err
}
