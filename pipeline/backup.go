package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// BackupStore is what copies need of the store.
type BackupStore interface {
	// Backup writes a checked copy to a new file, whole or not at all.
	Backup(ctx context.Context, path string) error
	Observe(ctx context.Context, shown ...Condition) error
}

// A BackupPlan says where copies go. The names of the files say when they were made: what is there is all that is remembered, so a restart
// neither misses a copy nor makes one too many.
type BackupPlan struct {
	Dir   string        // made where it is missing
	Name  string        // of the store: copies are called NAME-20261127T060000Z.db, in UTC
	Every time.Duration // from one copy to the next
	Keep  int           // how many stay, 1 or more; 0: all
}

// Backups makes copies of the store, and tells the operator when that fails.
type Backups struct {
	Store    BackupStore
	Plan     func() (BackupPlan, bool)                 // false: none are made
	Size     func() (int64, error)                     // bytes that a copy takes, about
	Room     func(dir string) (free uint64, err error) // bytes
	Now      func() time.Time
	Operator func() []string
	Tell     func(path string) // nil, or told of a copy that was made
}

// backupSpare is what a copy must leave of the disk: the store may write there too.
const backupSpare = 64 << 20

// Once makes a copy, if it is time for one.
func (b *Backups) Once(ctx context.Context) error {
	p, ok := b.Plan()
	if !ok {
		return nil
	}
	now := b.Now()
	made, err := p.copies()
	if err == nil {
		// A copy from the future, of a clock that was set back, says nothing of when the last one was made.
		made = slices.DeleteFunc(made, func(c madeCopy) bool { return c.at.After(now) })
		if len(made) > 0 && now.Sub(made[len(made)-1].at) < p.Every {
			return nil
		}
		_, err = b.Copy(ctx, p)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	to := operators(b.Operator, "")
	c := Condition{Subject: "backup", At: now, Channels: to, Headline: "The store is copied again", Text: "A copy was made and checked."}
	if err != nil {
		c.Trouble, c.Since, c.Headline = "failed", now, "The store could not be copied"
		c.Text = fmt.Sprintf("It is tried again every quarter of an hour. There are %d copies in %s. It said: %v", len(made), p.Dir, err)
		if len(made) > 0 {
			c.Text = fmt.Sprintf("It is tried again every quarter of an hour. The last copy in %s is of %s. It said: %v", p.Dir, day(made[len(made)-1].at), err)
		}
	}
	if len(to) == 0 {
		return err
	}
	return errors.Join(err, b.Store.Observe(ctx, c))
}

// Copy makes a copy now, and removes the oldest beyond those that stay. No copy is removed before the new one is whole.
func (b *Backups) Copy(ctx context.Context, p BackupPlan) (path string, err error) {
	if err := os.MkdirAll(p.Dir, 0o750); err != nil {
		return "", fmt.Errorf("backup: %w: create the folder, or name another", err)
	}
	need, err := b.Size()
	if err != nil {
		return "", fmt.Errorf("backup: %w", err)
	}
	free, err := b.Room(p.Dir)
	if err != nil {
		return "", fmt.Errorf("backup: %w", err)
	}
	if free < uint64(need)+backupSpare {
		return "", fmt.Errorf("backup: the disk of %s has %d MB left, a copy takes %d MB: make room, keep fewer copies, or name a folder on another disk", p.Dir, free>>20, need>>20)
	}
	path = filepath.Join(p.Dir, p.Name+b.Now().UTC().Format(copyTime)+copyEnd)
	if err := b.Store.Backup(ctx, path); err != nil {
		return "", err
	}
	if b.Tell != nil {
		b.Tell(path)
	}
	return path, p.tidy(filepath.Base(path))
}

const (
	copyTime = "-20060102T150405Z"
	copyEnd  = ".db"
)

// A madeCopy is a copy in the folder.
type madeCopy struct {
	name string
	at   time.Time
}

// copies lists the plan's copies, the oldest first; a folder that is not there has none. Other files are none of its business.
func (p BackupPlan) copies() ([]madeCopy, error) {
	files, err := os.ReadDir(p.Dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("backup: %w", err)
	}
	var out []madeCopy
	for _, f := range files {
		if at, ok := p.madeAt(f.Name()); ok && f.Type().IsRegular() {
			out = append(out, madeCopy{f.Name(), at})
		}
	}
	slices.SortFunc(out, func(a, b madeCopy) int { return a.at.Compare(b.at) })
	return out, nil
}

// madeAt reads from a file's name when the copy was made.
func (p BackupPlan) madeAt(name string) (time.Time, bool) {
	rest, ok := strings.CutPrefix(name, p.Name)
	rest, end := strings.CutSuffix(rest, copyEnd)
	at, err := time.Parse(copyTime, rest)
	return at, ok && end && err == nil
}

// tidy removes the oldest copies beyond those that stay, never the new one, and what copies left behind that were ended a day ago.
func (p BackupPlan) tidy(made string) error {
	all, err := p.copies()
	if err != nil {
		return err
	}
	var first error
	remove := func(name string) {
		if err := os.Remove(filepath.Join(p.Dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) && first == nil {
			first = fmt.Errorf("backup: the new copy is there, but an old one cannot be removed: %w", err)
		}
	}
	for i, c := range all {
		if p.Keep > 0 && i < len(all)-p.Keep && c.name != made {
			remove(c.name)
		}
	}
	files, err := os.ReadDir(p.Dir)
	if err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	at, _ := p.madeAt(made)
	for _, f := range files {
		whole, part := strings.CutSuffix(f.Name(), ".part")
		if begun, ok := p.madeAt(whole); part && ok && at.Sub(begun) > 24*time.Hour {
			remove(f.Name())
		}
	}
	return first
}
