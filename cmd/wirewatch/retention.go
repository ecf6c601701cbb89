package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"wirewatch/alerts/rules"
	"wirewatch/configs"
	"wirewatch/pipeline/dedup"
	"wirewatch/pipeline/store"
	"wirewatch/pipeline/text"
)

// retention is what the configuration lets go of at a moment. list are its rules: an article has the tags of those that matched in it.
func retention(cfg *configs.Config, list []rules.Rule, now time.Time) store.Retention {
	before := func(age time.Duration) time.Time {
		if age <= 0 {
			return time.Time{}
		}
		return now.Add(-age)
	}
	// Copies are looked for in the fingerprints of the window, whatever becomes of the bodies; a page that a process decides on now
	// may have been fetched a little earlier, so the log is kept for twice as long.
	r := store.Retention{Pages: before(cfg.Retention.Pages), Bodies: before(cfg.Retention.Bodies), Size: int64(cfg.Retention.Size),
		Sketches: before(foldWindow), Log: before(2 * foldWindow), Brief: dedup.Brief}
	if len(cfg.Retention.Only) == 0 {
		return r
	}
	fits := make([]keepFit, len(cfg.Retention.Only))
	for i, k := range cfg.Retention.Only {
		p := store.Policy{Pages: r.Pages, Bodies: r.Bodies, Size: int64(k.Size)}
		if k.Pages != nil {
			p.Pages, p.HoldPages = before(*k.Pages), *k.Pages == 0
		}
		if k.Bodies != nil {
			p.Bodies, p.HoldBodies = before(*k.Bodies), *k.Bodies == 0
		}
		r.Only = append(r.Only, p)
		fits[i] = newKeepFit(k, list)
	}
	r.Of = func(o store.Origin) int {
		return 1 + slices.IndexFunc(fits, func(f keepFit) bool { return f.fits(o) })
	}
	form, _ := json.Marshal(fits) // slices of strings can be encoded
	sum := sha256.Sum256(form)
	r.Form = hex.EncodeToString(sum[:])
	return r
}

// A keepFit says which articles an entry of retention.only fits. It is encoded to tell whether it changed.
type keepFit struct {
	Sites []string
	Tags  []string // folded
	Rules []string // those that have one of the tags
}

func newKeepFit(k configs.Keep, list []rules.Rule) keepFit {
	f := keepFit{Sites: k.Sites, Tags: folded(k.Tags)}
	for _, r := range list {
		if slices.ContainsFunc(folded(r.Tags), func(t string) bool { return slices.Contains(f.Tags, t) }) {
			f.Rules = append(f.Rules, r.Name)
		}
	}
	slices.Sort(f.Rules)
	return f
}

func (f keepFit) fits(o store.Origin) bool {
	if len(f.Sites) > 0 && !rules.Covers(f.Sites, o.Site) {
		return false
	}
	return len(f.Tags) == 0 || slices.ContainsFunc(o.Rules, func(r string) bool { return slices.Contains(f.Rules, r) }) ||
		slices.ContainsFunc(folded(o.Tags), func(t string) bool { return slices.Contains(f.Tags, t) })
}

// folded are tags as they are compared: case and accents do not matter.
func folded(tags []string) []string {
	out := make([]string, len(tags))
	for i, t := range tags {
		out[i] = text.Fold(strings.TrimSpace(t))
	}
	return out
}

// keepName is an entry of retention.only for people.
func keepName(k configs.Keep) string {
	var parts []string
	if len(k.Sites) > 0 {
		parts = append(parts, "sites "+strings.Join(k.Sites, ", "))
	}
	if len(k.Tags) > 0 {
		parts = append(parts, "tags "+strings.Join(k.Tags, ", "))
	}
	return strings.Join(parts, " and ")
}

// plainRetention is retention for verbs that load no rules; they are read where a tag needs them.
func plainRetention(cfg *configs.Config, now time.Time) (store.Retention, error) {
	var list []rules.Rule
	if slices.ContainsFunc(cfg.Retention.Only, func(k configs.Keep) bool { return len(k.Tags) > 0 }) {
		var bad mistakes
		var err error
		if list, _, err = readRules(cfg.Rules, cfg.Lists); err != nil && !bad.add(err, nil) {
			return store.Retention{}, err
		}
		if err := bad.err(cfg.File); err != nil {
			return store.Retention{}, err
		}
	}
	return retention(cfg, list, now), nil
}
