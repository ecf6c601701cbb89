package store

import (
	"errors"
	"fmt"
	"syscall"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/mattn/go-sqlite3"
)

var (
	// ErrNotFound says that there is no such row.
	ErrNotFound = errors.New("not found")
	// ErrDiskFull says that the database's disk is full. Nothing of the transaction was stored. Reading goes on; intake should
	// stop until there is space again.
	ErrDiskFull = errors.New("the disk of the database is full: make room; nothing was stored")
	// ErrNewer says that a later version of Wirewatch has migrated the database.
	ErrNewer = errors.New("the database was written by a newer version of wirewatch: run that version, or restore a backup made before")
	// ErrBusy says that readers kept a checkpoint from finishing; it is to be tried again later.
	ErrBusy = errors.New("readers are at work: the write-ahead log cannot be emptied now")
)

// typed turns the errors a caller must tell apart into this package's own, keeping the driver's text.
func typed(err error) error {
	if err == nil {
		return nil
	}
	var se sqlite3.Error
	if errors.As(err, &se) {
		if se.Code == sqlite3.ErrFull || errors.Is(se.SystemErrno, syscall.ENOSPC) || errors.Is(se.SystemErrno, syscall.EDQUOT) {
			return fmt.Errorf("%w (%w)", ErrDiskFull, err)
		}
	}
	var pe *pgconn.PgError
	if errors.As(err, &pe) && pe.Code == "53100" { // disk_full
		return fmt.Errorf("%w (%w)", ErrDiskFull, err)
	}
	return err
}

// deadlocked reports whether PostgreSQL rolled the transaction back only because of others.
func deadlocked(err error) bool {
	var pe *pgconn.PgError
	return errors.As(err, &pe) && (pe.Code == "40P01" || pe.Code == "40001")
}
