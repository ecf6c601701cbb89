// Package configs reads Wirewatch's one YAML file: strictly, and with every mistake told at once, each with file, line,
// column and what was probably meant.
//
// It owns the core keys. What belongs to a channel kind stays beside that kind, and what a rule may say beside the matcher:
// such parts are handed on as a Node, which decodes itself with the same strictness and the same positions, or comes as a
// plain tree for a reader that has its own. Secrets come from ${VAR} or from KEY_file and are never
// shown in an error.
//
// Relative paths (store, rule files, sites, KEY_file) are relative to the folder of the config file, not to the working folder:
// a daemon's working folder is whatever its supervisor chose.
package configs

import (
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"wirewatch/pipeline"
)

// Config is a whole configuration, valid and with its defaults filled in.
type Config struct {
	File string `yaml:"-"` // as given to Load

	// Store is a file, made absolute against the config's folder, or a postgres:// address. Secret for its password.
	Store  pipeline.Secret `yaml:"store" also:"database,db,dsn"`
	Listen string          `yaml:"listen" also:"address,addr,bind"` // host:port; "": no listener
	// APIToken lets those who have it silence and acknowledge at Listen; zero: nobody can. At least 16 characters.
	APIToken     pipeline.Secret `yaml:"api_token" also:"token"`
	AllowPrivate []netip.Prefix  `yaml:"allow_private"` // masked; an address alone is a prefix of full length
	Pace         Pace            `yaml:"pace" also:"rate,limit,throttle"`
	BaselineAge  time.Duration   `yaml:"baseline_age" also:"max_age"` // default 24h
	Revisit      []time.Duration `yaml:"revisit" also:"revisits"`     // ages at which a page is looked at again, rising; empty: never
	UserAgent    string          `yaml:"user_agent"`                  // "": the program's own
	Contact      string          `yaml:"contact" also:"email"`        // address or URL a site's owner can write to
	Log          Log             `yaml:"log" also:"logging"`
	Retry        time.Duration   `yaml:"retry" also:"backoff"`              // base pause before a failed page is tried again; default 30s
	Sites        string          `yaml:"sites" also:"site_rules,selectors"` // folder of site rules, absolute or relative to the working folder; "": none
	Retention    Retention       `yaml:"retention" also:"keep,prune"`
	Backup       *Backup         `yaml:"backup" also:"backups,copies"` // nil: the daemon makes none
	Feeds        []Feed          `yaml:"feeds" also:"sources,feed"`
	Rules        Rules           `yaml:"rules" also:"queries,rule"` // unread, inline ones and those of rule files, in order
	Lists        Node            `yaml:"lists"`                     // unread: terms that the inline rules name
	Channels     []Channel       `yaml:"channels" also:"notifiers,receivers,alerts,outputs,channel"`
	Operator     []string        `yaml:"operator" also:"operators,health,ops"` // names of channels that are told how Wirewatch itself fares; none: the log alone

	feedsPos Pos // where feeds stand, or should
}

// Pace limits the requests to one host.
type Pace struct {
	Every    time.Duration `yaml:"every" also:"interval,delay"`         // from one request to the next; default 1s, 0: no limit
	Parallel int           `yaml:"parallel" also:"concurrency,workers"` // requests at the same time; default 1
}

// Log says how the program speaks.
type Log struct {
	Format string `yaml:"format" oneof:"text json"`            // default text
	Level  string `yaml:"level" oneof:"debug info warn error"` // default info
}

// Feed is a source to poll.
type Feed struct {
	// Name is unique; a feed is its name. Default: its host without "www."; the second unnamed feed of a host gets its
	// path too.
	Name      string                     `yaml:"name" also:"title,id"`
	URL       string                     `yaml:"url,required" also:"link,href,address,feed"`
	Every     time.Duration              `yaml:"every" also:"interval,period,poll,refresh"` // 0: the default, unless Cron is set
	Cron      string                     `yaml:"cron" also:"schedule"`                      // five fields or @hourly and the like; never beside Every
	Kind      string                     `yaml:"kind" also:"type,format"`                   // source kind; default rss, which is every feed format
	Headers   map[string]pipeline.Secret `yaml:"headers" also:"header"`
	Cookies   map[string]pipeline.Secret `yaml:"cookies" also:"cookie"`
	BasicAuth *BasicAuth                 `yaml:"basic_auth" also:"auth"` // nil: none
	Proxy     pipeline.Secret            `yaml:"proxy"`                  // http, https or socks5; zero: none
	Pos       Pos                        `yaml:"-"`
}

// BasicAuth is a user and a password as HTTP knows them.
type BasicAuth struct {
	User     string          `yaml:"user,required" also:"username,login"`
	Password pipeline.Secret `yaml:"password,required" also:"pass,secret"`
}

// Channel is a place alerts go to. Settings holds every key but name, kind, wait and quiet, for the kind to decode.
type Channel struct {
	Name     string        `yaml:"name,required" also:"id"`
	Kind     string        `yaml:"kind,required" also:"type"`
	Wait     time.Duration `yaml:"wait" also:"group_wait,hold,delay"` // how long a match is held, so that its message names who else carries the story; 0: not at all
	Quiet    Quiet         `yaml:"quiet" also:"mute,throttle"`
	Settings Node          `yaml:",rest"`
	Pos      Pos           `yaml:"-"`
}

// MaxWait bounds Channel.Wait: what is held longer is a digest, not an alert.
const MaxWait = time.Hour

const day = 24 * time.Hour

// defaults is what an empty file means.
func defaults() Config {
	return Config{
		Store:       pipeline.NewSecret("wirewatch.db"),
		Pace:        Pace{Every: time.Second, Parallel: 1},
		BaselineAge: 24 * time.Hour,
		Revisit:     pipeline.DefaultRevisit(),
		Log:         Log{Format: "text", Level: "info"},
		Retry:       30 * time.Second,
		Retention:   Retention{Pages: 30 * day, Bodies: 3 * 365 * day},
	}
}

// Load reads the configuration at path. env looks up the variables that ${VAR} names (os.LookupEnv, as a rule; nil: none
// is set). Mistakes in the file come back together as Errors, beside what could be read: it serves to look for more
// mistakes, for nothing else. On any other error there is no Config.
func Load(path string, env func(string) (string, bool)) (*Config, error) {
	data, err := readFile(path)
	if err != nil {
		return nil, fmt.Errorf("read config %s: %w", path, err)
	}
	return Parse(path, data, env)
}

// Parse is Load for a text that is at hand: path says what errors call it and what relative paths are relative to.
func Parse(path string, data []byte, env func(string) (string, bool)) (*Config, error) {
	return parse(scope{file: path, dir: filepath.Dir(path), env: env, read: readFile}, data)
}

func parse(s scope, data []byte) (*Config, error) {
	c := defaults()
	c.File = s.file
	d := newDecoder(s, data)
	d.top = true
	if root := d.document(data); root != nil {
		d.value(root, reflectElem(&c), "")
		c.validate(d)
	}
	return &c, d.err()
}

// CheckFeeds says whether there is a feed to poll: a configuration without one serves the filters, not the daemon.
func (c *Config) CheckFeeds() error {
	if len(c.Feeds) > 0 {
		return nil
	}
	return c.feedsPos.Errorf("feeds", "write a list of `- url: https://…`, or run `wirewatch feeds add URL`", "no feed is configured, so there is nothing to poll")
}

// limit is more than any file a person writes, and little enough to hold.
const limit = 16 << 20

// readFile reads a regular file of at most limit bytes; a device or a pipe could block or never end.
func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !st.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", path)
	}
	b, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, err
	}
	if len(b) > limit {
		return nil, fmt.Errorf("%s is larger than %d MB", path, limit>>20)
	}
	return b, nil
}
