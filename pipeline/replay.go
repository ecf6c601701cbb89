package pipeline

import (
	"context"
	"fmt"
	"time"
)

// A PastFilter chooses stored matches. Its zero values choose all.
type PastFilter struct {
	Rules      []string
	Range               // of the articles' times, see Article.Time
	Sites      []string // with their subdomains
	Backfilled bool     // in articles that a backfill stored, alone
}

// A PastPlace is a place in the order of stored matches: by the articles' times, then their addresses. Its zero value is the beginning.
type PastPlace struct {
	At        time.Time
	Canonical string
	Article   int64
	Rule      string
}

// A PastMatch is a stored match with so much of its article as raising an alert needs.
type PastMatch struct {
	Rule    string
	Spans   []Span
	At      time.Time // the article's time
	Article Article
}

func (m *PastMatch) place() PastPlace {
	return PastPlace{m.At, m.Article.Canonical, m.Article.ID, m.Rule}
}

// ReplayStore is what a replay needs of the store.
type ReplayStore interface {
	// PastMatches lists up to n stored matches behind a place, in order. Those of articles that have no story yet are left out.
	PastMatches(ctx context.Context, f PastFilter, after PastPlace, n int) ([]PastMatch, error)
	// Untold lists the channels that Tx.RaiseArchived would tell, and what the alert is told once of.
	Untold(ctx context.Context, a Alert, channels []string) (subject string, told []string, err error)
	// EndGathering makes due what waits to be gathered into digests.
	EndGathering(ctx context.Context) error
	Write(ctx context.Context, l Lease, f func(Tx) error) error
}

// A Replay tells channels of what rules matched in the past: of stored matches, in the order in which their articles were published, once
// per story (article, event), as the rule says. It is a stage with one key, so that one runs at a time.
//
// It may be ended at any moment and begun again, and it tells nobody twice: what a channel has a delivery of, live or by a replay, it is not
// told again, and what is stored is where it goes on. It raises; a Deliverer sends, behind whatever else there is to send.
type Replay struct {
	Store      ReplayStore
	Rule       func(name string) (Match, bool) // what Match says of a rule in force, without spans; false: there is no such rule
	Takes      func(rule, channel string) bool // whether a channel is told of rules that severe; nil: of all
	PastFilter                                 // what to tell of
	Channels   []string                        // whom to tell; none: each rule's channels
	Digest     bool                            // in digests, one a channel or as few as hold it all; else in messages
	Limit      int                             // of alerts that somebody is told of; 0: none
	DryRun     bool                            // count, and tell nobody
	Now        func() time.Time
	Found      func(m PastMatch, told []string) // called for each match in order, with the channels that are told of it; nil: nobody asks

	ReplayCounts
}

// ReplayCounts says what a Replay did. It may be read when the run is over.
type ReplayCounts struct {
	Articles int            // matches that were looked at
	Told     int            // alerts that somebody is told of now
	Known    int            // matches of which those to be told had been told, by another article or before
	Nobody   int            // matches that tell nobody: their rule has expired, is too slight for the channels, counts, or is no more
	Messages map[string]int // by channel, how many of the alerts it is told of
}

const (
	replayRead  = 500       // matches read at once
	replayBatch = 50        // matches in one transaction: few enough that a daemon does not wait long
	gatherFor   = time.Hour // what is to be gathered waits so long for a replay that was killed and not begun again
)

// Name is the lease kind of replays.
func (r *Replay) Name() string { return "replay" }

// Due is the one key.
func (r *Replay) Due(context.Context) ([]string, error) { return []string{"archive"}, nil }

// Run tells of the matches and returns how many alerts it told of.
func (r *Replay) Run(ctx context.Context, l Lease) (int, error) {
	r.ReplayCounts = ReplayCounts{Messages: map[string]int{}}
	run := &replayRun{Replay: r, lease: l, counted: map[[3]string]bool{}}
	err := run.all(ctx)
	if err == nil && r.Digest && !r.DryRun {
		err = r.Store.EndGathering(ctx)
	}
	if err != nil {
		err = fmt.Errorf("replay: %w", err)
	}
	return r.Told, err
}

type replayRun struct {
	*Replay
	lease   Lease
	counted map[[3]string]bool // of a dry run: rule, subject and channel
}

func (r *replayRun) all(ctx context.Context) error {
	var after PastPlace
	for {
		ms, err := r.Store.PastMatches(ctx, r.PastFilter, after, replayRead)
		if err != nil || len(ms) == 0 {
			return err
		}
		after = ms[len(ms)-1].place()
		for len(ms) > 0 && !r.full() {
			n := min(len(ms), replayBatch)
			if err := r.tell(ctx, ms[:n]); err != nil {
				return err
			}
			ms = ms[n:]
		}
		if r.full() {
			return nil
		}
	}
}

func (r *replayRun) full() bool { return r.Limit > 0 && r.Told >= r.Limit }

// tell tells of matches, in one transaction.
func (r *replayRun) tell(ctx context.Context, ms []PastMatch) error {
	told := make([][]string, 0, len(ms))
	look := func(raise func(Alert, []string) ([]string, error)) error {
		alerts := 0
		for _, m := range ms {
			if r.Limit > 0 && r.Told+alerts >= r.Limit {
				break
			}
			var names []string
			if a, channels := r.alert(m); len(channels) > 0 {
				var err error
				if names, err = raise(a, channels); err != nil {
					return err
				}
			}
			if told = append(told, names); len(names) > 0 {
				alerts++
			}
		}
		return nil
	}
	var err error
	if r.DryRun {
		err = look(func(a Alert, channels []string) ([]string, error) { return r.would(ctx, a, channels) })
	} else {
		err = r.Store.Write(ctx, r.lease, func(tx Tx) error {
			return look(func(a Alert, channels []string) ([]string, error) {
				due := a.Created
				if r.Digest {
					due = due.Add(gatherFor)
				}
				return tx.RaiseArchived(a, due, channels)
			})
		})
	}
	if err != nil {
		return err
	}
	for i, names := range told {
		r.count(ms[i], names)
	}
	return nil
}

// alert is what a match would tell, and whom.
func (r *replayRun) alert(m PastMatch) (Alert, []string) {
	rule, ok := r.Rule(m.Rule)
	if !ok || rule.Silent || rule.When != nil {
		return Alert{}, nil
	}
	all := r.Channels
	if len(all) == 0 {
		all = rule.Channels
	}
	var channels []string
	for _, ch := range all {
		if r.Takes == nil || r.Takes(m.Rule, ch) {
			channels = append(channels, ch)
		}
	}
	a := Alert{Rule: m.Rule, About: rule.About, Kind: KindMatch, OncePer: rule.OncePer, Created: r.Now(), Story: Story{ID: m.Article.Story},
		Article: m.Article, Spans: m.Spans, Archive: ForArchive}
	if r.Digest {
		a.Archive = ForArchiveDigest
	}
	return a, channels
}

// would lists the channels that would be told, if those before it had been.
func (r *replayRun) would(ctx context.Context, a Alert, channels []string) (out []string, err error) {
	subject, told, err := r.Store.Untold(ctx, a, channels)
	for _, ch := range told {
		if k := [3]string{a.Rule, subject, ch}; !r.counted[k] {
			r.counted[k] = true
			out = append(out, ch)
		}
	}
	return out, err
}

func (r *replayRun) count(m PastMatch, told []string) {
	r.Articles++
	if _, channels := r.alert(m); len(channels) == 0 {
		r.Nobody++
	} else if len(told) == 0 {
		r.Known++
	} else {
		r.Told++
	}
	for _, ch := range told {
		r.Messages[ch]++
	}
	if r.Found != nil {
		r.Found(m, told)
	}
}
