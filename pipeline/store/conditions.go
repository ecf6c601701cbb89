package store

import (
	"errors"
	"fmt"
	"time"

	"wirewatch/pipeline"
)

// operatorRule stands where other alerts name their rule.
const operatorRule = "operator"

// observe raises an alert for what a condition has of news, in the transaction of what it was seen in. It must run before that
// transaction touches rows that another one changes under lockStories.
func (s *Store) observe(c conn, all []pipeline.Condition) error {
	for _, x := range all {
		if err := s.observeOne(c, x); err != nil {
			return fmt.Errorf("tell the operator of %s: %w", x.Subject, err)
		}
	}
	return nil
}

func (s *Store) observeOne(c conn, x pipeline.Condition) error {
	if len(x.Channels) == 0 {
		return nil
	}
	subject := ident(x.Subject)
	was, _, _, err := lastTold(c, subject)
	if err != nil || !x.Notice && was == x.Trouble {
		return err
	}
	// Another process may be telling the same just now: what counts is what it has told when the lock is ours.
	if err := c.lock(lockStories); err != nil {
		return err
	}
	was, since, seq, err := lastTold(c, subject)
	if err != nil || !x.Notice && was == x.Trouble {
		return err
	}
	h := pipeline.Health{Trouble: x.Trouble, Since: x.Since, Notice: x.Notice, Text: x.Text}
	state, begun := x.Trouble, x.Since
	switch {
	case x.Notice:
		state, begun = was, since // it is told and over
	case x.Trouble == "":
		h.Trouble, h.Since, h.Over = was, since, x.At
	}
	_, err = c.exec(`INSERT INTO conditions (subject, trouble, since, seq) VALUES (?, ?, ?, ?)
		ON CONFLICT (subject) DO UPDATE SET trouble = excluded.trouble, since = excluded.since, seq = excluded.seq`, subject, state, ms(begun), seq+1)
	if err != nil {
		return err
	}
	_, err = raise(c, s.text, s.now, pipeline.Alert{Rule: operatorRule, Subject: subject, Kind: pipeline.KindHealth, Seq: seq + 1, Created: x.At,
		Article: pipeline.Article{Title: x.Headline, Body: x.Text, Seen: x.At}, Health: h}, x.Channels)
	return err
}

// lastTold is what the operator was told last of a subject; zeros when that was nothing.
func lastTold(c conn, subject string) (trouble string, since time.Time, seq int, err error) {
	var begun int64
	err = c.get([]any{&trouble, &begun, &seq}, `SELECT trouble, since, seq FROM conditions WHERE subject = ?`, subject)
	if errors.Is(err, ErrNotFound) {
		err = nil
	}
	return trouble, at(begun), seq, err
}
