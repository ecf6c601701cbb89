package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"wirewatch/pipeline"
)

// runner is what a transaction and a pool have in common.
type runner interface {
	ExecContext(ctx context.Context, q string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, q string, args ...any) (*sql.Rows, error)
}

// conn runs the package's queries on a pool or in a transaction: it binds them and cleans every text argument, so that
// no query can forget to. Prepared statements are cached below it, per connection, by both drivers.
type conn struct {
	ctx context.Context
	on  runner
	d   *dialect
}

func tidy(args []any) []any {
	for i, a := range args {
		if s, ok := a.(string); ok {
			args[i] = Clean(s)
		}
	}
	return args
}

// exec runs q and says how many rows it touched.
func (c conn) exec(q string, args ...any) (int64, error) {
	res, err := c.on.ExecContext(c.ctx, c.d.bind(q), tidy(args)...)
	if err != nil {
		return 0, typed(err)
	}
	n, err := res.RowsAffected()
	return n, typed(err)
}

// each calls f for every row of q. f must not query c: on PostgreSQL the connection is busy.
func (c conn) each(f func(scan func(...any) error) error, q string, args ...any) error {
	rows, err := c.on.QueryContext(c.ctx, c.d.bind(q), tidy(args)...)
	if err != nil {
		return typed(err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := f(rows.Scan); err != nil {
			return err
		}
	}
	return typed(rows.Err())
}

// get reads the one row of q, ErrNotFound where there is none.
func (c conn) get(dest []any, q string, args ...any) error {
	found := false
	err := c.each(func(scan func(...any) error) error {
		found = true
		return scan(dest...)
	}, q, args...)
	if err == nil && !found {
		return ErrNotFound
	}
	return err
}

// has reports whether q has a row of one column.
func (c conn) has(q string, args ...any) (bool, error) {
	var x any
	err := c.get([]any{&x}, q, args...)
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// lock takes one of the named locks until commit.
func (c conn) lock(name int64) error {
	if c.d.lock == "" {
		return nil
	}
	_, err := c.exec(c.d.lock, name)
	return err
}

// fence holds the lease's row until commit, or says that the lease is lost. With the row held nobody can take the key
// over before this transaction ends; and reading it costs less than writing it.
func (c conn) fence(l pipeline.Lease) error {
	ok, err := c.has(`SELECT 1 FROM leases WHERE kind = ? AND key = ? AND owner = ? AND owner <> ''`+c.d.rowLock, l.Kind, l.Key, l.Owner)
	if err == nil && !ok {
		err = fmt.Errorf("%s %s: %w", l.Kind, l.Key, pipeline.ErrLeaseLost)
	}
	return err
}

// read gives a conn for queries outside a transaction. The caller must call done after it has read its rows.
func (s *Store) read(ctx context.Context) (c conn, done context.CancelFunc) {
	ctx, done = context.WithTimeout(ctx, s.timeout)
	return conn{ctx, s.r, s.d}, done
}

// get reads one row outside a transaction.
func (s *Store) get(ctx context.Context, dest []any, q string, args ...any) error {
	c, done := s.read(ctx)
	defer done()
	return c.get(dest, q, args...)
}

// tries bounds how often a transaction is run when the database makes it the victim of a deadlock.
const tries = 4

// tx runs f in a transaction. f may run again after a deadlock (PostgreSQL), so it must not keep what it read.
func (s *Store) tx(ctx context.Context, f func(c conn) error) error {
	for n := 1; ; n++ {
		err := s.once(ctx, f)
		if err == nil || n == tries || !deadlocked(err) {
			return err
		}
	}
}

// once runs f in a transaction, once.
func (s *Store) once(ctx context.Context, f func(c conn) error) error {
	ctx, done := context.WithTimeout(ctx, s.timeout)
	defer done()
	t, err := s.w.BeginTx(ctx, nil)
	if err != nil {
		return typed(err)
	}
	defer t.Rollback() // after a commit it does nothing; after a panic in f it frees the writer
	err = f(conn{ctx, t, s.d})
	if err == nil {
		err = typed(t.Commit())
	}
	if cause := ctx.Err(); err != nil && cause != nil && !errors.Is(err, cause) {
		err = fmt.Errorf("%w: %w", cause, err) // the driver may only say that the transaction is over
	}
	return err
}

// marks is "?, ?, …", n of them.
func marks(n int) string {
	b := make([]byte, 0, 3*n)
	for i := range n {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = append(b, '?')
	}
	return string(b)
}

// inChunks calls f with marks and arguments for all of vs, in chunks of few different sizes: shorter ones are filled up by
// repeating the last value, so that few different statements are prepared.
func inChunks[T any](vs []T, f func(marks string, args []any) error) error {
	for len(vs) > 0 {
		n := min(len(vs), 250)
		size := 250
		for _, s := range []int{1, 8, 50} {
			if n <= s {
				size = s
				break
			}
		}
		args := make([]any, size)
		for i := range args {
			args[i] = vs[min(i, n-1)]
		}
		if err := f(marks(size), args); err != nil {
			return err
		}
		vs = vs[n:]
	}
	return nil
}
