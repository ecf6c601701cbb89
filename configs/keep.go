package configs

import (
	"fmt"
	"math"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// This file reads what is kept for how long, and where copies of the store go.

// Retention says for how long things are kept from when they were stored, and how much of them; 0: for ever, and without a limit. Who
// an article was and what was told of it is kept for ever.
type Retention struct {
	Pages  time.Duration `yaml:"pages" also:"page,html,raw"`             // as fetched, with the blocks found in them; default 30 days
	Bodies time.Duration `yaml:"bodies" also:"body,text,texts,articles"` // the clean texts; default three years
	Size   Bytes         `yaml:"size" also:"max_size,limit,disk,bytes"`  // of all kept pages and bodies together
	Only   []Keep        `yaml:"only" also:"policies,overrides,except,sites,tags"`
}

// Keep is what is kept of some articles: those of Sites, if it names any, that have one of Tags, if it names any. The first that fits an
// article decides.
type Keep struct {
	Sites  []string       `yaml:"sites" also:"site,hosts,domains"` // hosts, each with its subdomains
	Tags   []string       `yaml:"tags" also:"tag,labels"`          // of the article itself, or of a rule that matched in it
	Pages  *time.Duration `yaml:"pages" also:"page,html,raw"`      // nil: as for all
	Bodies *time.Duration `yaml:"bodies" also:"body,text,texts,articles"`
	Size   Bytes          `yaml:"size" also:"max_size,limit,disk,bytes"` // of these alone
}

// Backup says where the daemon puts copies of the store.
type Backup struct {
	To    string        `yaml:"to,required" also:"dir,folder,path"`    // a folder, absolute or relative to the working folder; it is made where it is missing
	Every time.Duration `yaml:"every" also:"interval,period,schedule"` // default 24h, at least an hour
	Keep  int           `yaml:"keep" also:"count,copies,retain"`       // how many copies stay; default 7
}

// Bytes is a size, written 20GB or 512MiB.
type Bytes int64

var (
	bytesPart = regexp.MustCompile(`(?i)^\s*(\d+(?:\.\d+)?)\s*([kmgt]i?b)\s*$`) // the schema has it too
	bareBytes = regexp.MustCompile(`(?i)^\s*(\d+(?:\.\d+)?)\s*([kmgt]?)i?\s*$`)
	byteUnits = map[byte][2]float64{'k': {1e3, 1 << 10}, 'm': {1e6, 1 << 20}, 'g': {1e9, 1 << 30}, 't': {1e12, 1 << 40}}
)

func (b *Bytes) decode(d *decoder, n *yaml.Node, path string) {
	const form = "write a number and a unit: 500MB, 20GB or 1.5TiB"
	if n.Kind != yaml.ScalarNode {
		d.fail(n, path, form, "wants a size; this is %s", is(n))
		return
	}
	s, ok := d.expand(n, path)
	if !ok {
		return
	}
	if strings.TrimSpace(s) == "0" {
		*b = 0
		return
	}
	m := bytesPart.FindStringSubmatch(s)
	if m == nil {
		hint := form
		if m := bareBytes.FindStringSubmatch(s); m != nil {
			unit := strings.ToUpper(m[2])
			if unit == "" {
				unit = "G"
			}
			hint = "write its unit in full: " + m[1] + unit + "B"
		}
		d.fail(n, path, hint, "`%s` is not a size", n.Value)
		return
	}
	x, err := strconv.ParseFloat(m[1], 64)
	unit := byteUnits[strings.ToLower(m[2])[0]]
	if len(m[2]) == 3 {
		x *= unit[1]
	} else {
		x *= unit[0]
	}
	if err != nil || x > math.MaxInt64/4 {
		d.fail(n, path, "leave it out for no limit", "`%s` is larger than any disk", n.Value)
		return
	}
	*b = Bytes(x)
}

// Bounds of retention.
const (
	leastAge  = 4 * day // a channel that is down keeps its alerts for three days, and they quote the body
	leastSize = 1e6
	mostKeeps = 50
)

func (c *Config) retention(d *decoder) {
	age := func(path string, v time.Duration) {
		if v != 0 && v < leastAge {
			d.fail(d.at(path), path, "write 30d, or 0 to keep them for ever", "at least 4d are needed, for alerts that still have to be told")
		}
	}
	size := func(path string, v Bytes) {
		if v != 0 && v < leastSize {
			d.fail(d.at(path), path, "write 500MB or 20GB", "less than 1MB keeps next to nothing")
		}
	}
	age("retention.pages", c.Retention.Pages)
	age("retention.bodies", c.Retention.Bodies)
	size("retention.size", c.Retention.Size)
	if len(c.Retention.Only) > mostKeeps {
		d.fail(d.at("retention.only"), "retention.only", "sites and tags are lists: put what is kept alike together", "at most %d", mostKeeps)
	}
	for i, k := range c.Retention.Only {
		path := fmt.Sprintf("retention.only[%d]", i)
		said := func(key string) bool { return d.where[path+"."+key] != nil } // also what could not be read
		if len(k.Sites)+len(k.Tags) == 0 && !said("sites[0]") && !said("tags[0]") {
			d.fail(d.at(path), path, "add sites: [example.org] or tags: [sanctions]", "this fits every article: it has neither `sites` nor `tags`")
		}
		if k.Pages == nil && k.Bodies == nil && k.Size == 0 && !said("pages") && !said("bodies") && !said("size") {
			d.fail(d.at(path), path, "add bodies: 365d (0: for ever), pages: or size:", "this keeps its articles as all others are kept")
		}
		for j, s := range k.Sites {
			if p := fmt.Sprintf("%s.sites[%d]", path, j); s == "" || strings.ContainsAny(strings.TrimPrefix(s, "*."), "/:* ") {
				d.fail(d.at(p), p, "write it as example.org", "`%s` is no host; subdomains are meant too", s)
			}
		}
		for j, s := range k.Tags {
			if p := fmt.Sprintf("%s.tags[%d]", path, j); strings.TrimSpace(s) == "" {
				d.fail(d.at(p), p, "", "a tag is not empty")
			}
		}
		if k.Pages != nil {
			age(path+".pages", *k.Pages)
		}
		if k.Bodies != nil {
			age(path+".bodies", *k.Bodies)
		}
		size(path+".size", k.Size)
	}
}

func (c *Config) backup(d *decoder) {
	b := c.Backup
	if b == nil {
		return
	}
	if strings.HasPrefix(c.Store.Reveal(), "postgres") && strings.Contains(c.Store.Reveal(), "://") {
		d.fail(d.at("backup"), "backup", "take it out and let cron run: pg_dump --format=custom --file=wirewatch.dump \"$URL\"",
			"copies are made of a SQLite file; PostgreSQL has tools of its own")
	}
	if b.To != "" {
		if strings.HasPrefix(b.To, "~") {
			d.fail(d.at("backup.to"), "backup.to", "write ${HOME}/…", "~ is not expanded here")
		}
		b.To = filepath.Clean(d.rel(b.To))
	}
	switch {
	case d.where["backup.every"] == nil:
		b.Every = day
	case b.Every < time.Hour:
		d.fail(d.at("backup.every"), "backup.every", "write 24h", "a copy can be made once an hour at most")
	}
	if d.where["backup.keep"] == nil {
		b.Keep = 7
	} else if b.Keep < 1 {
		d.fail(d.at("backup.keep"), "backup.keep", "", "at least one copy is kept")
	}
}
