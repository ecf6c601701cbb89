package store

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

// maxConns bounds the connections a process takes; a server allows 100 by default.
const maxConns = 16

func (s *Store) openPostgres(ctx context.Context, dsn string) error {
	s.d = postgresDialect()
	cfg, err := pgx.ParseConfig(dsn)
	if err != nil {
		// The parse error quotes the URL without its password, but only where it can find it: say nothing of it.
		return errors.New("store: the postgres URL cannot be read: it looks like postgres://user:password@host:5432/database?sslmode=require")
	}
	s.w = stdlib.OpenDB(*cfg)
	s.w.SetMaxOpenConns(maxConns)
	s.w.SetMaxIdleConns(maxConns)
	s.w.SetConnMaxIdleTime(5 * time.Minute)
	s.r = s.w
	ctx, done := context.WithTimeout(ctx, s.timeout)
	defer done()
	if err := s.w.PingContext(ctx); err != nil {
		return fmt.Errorf("open database %s on %s: %s: %w", cfg.Database, cfg.Host, hint(err), err)
	}
	return nil
}

// hint says what to do about a failed connection.
func hint(err error) string {
	var pe *pgconn.PgError
	var dns *net.DNSError
	switch {
	case errors.As(err, &pe) && pe.Code == "3D000":
		return "create it with createdb"
	case errors.As(err, &pe) && (pe.Code == "28P01" || pe.Code == "28000"):
		return "check user and password"
	case errors.As(err, &dns):
		return "check the host name"
	case errors.Is(err, os.ErrNotExist):
		return "is the server running?"
	}
	return "is the server running, and does it let this machine in?"
}
