package configs

import (
	"fmt"
	"maps"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"wirewatch/pipeline"
)

// validate checks what single values cannot show, and fills in what follows from other values. It runs on a config with
// mistakes too, so that all of them are told at once; a value that could not be read is zero and is passed over.
func (c *Config) validate(d *decoder) {
	c.feedsPos = d.pos(d.at("feeds"))
	c.store(d)
	if c.Listen != "" {
		if msg, hint := checkListen(c.Listen); msg != "" {
			d.fail(d.at("listen"), "listen", hint, "%s", msg)
		} else if !loopback(c.Listen) && c.APIToken.IsZero() && !slices.ContainsFunc(*d.errs, func(e Error) bool { return strings.HasPrefix(e.Path, "api_token") }) {
			d.fail(d.at("listen"), "listen", "set api_token: ${WIREWATCH_TOKEN}, or listen at 127.0.0.1:PORT",
				"others can reach `%s`, and there is no `api_token` that keeps them from silencing alerts", c.Listen)
		}
	}
	if t := c.APIToken.Reveal(); t != "" && len(t) < leastToken {
		d.fail(d.at("api_token"), "api_token", "make one with: openssl rand -base64 24", "a token needs at least %d characters, or it can be guessed", leastToken)
	} else if strings.ContainsFunc(t, func(r rune) bool { return r <= ' ' || r > '~' }) {
		d.fail(d.at("api_token"), "api_token", "make one with: openssl rand -base64 24", "a token is ASCII without white space")
	}
	if c.Pace.Parallel < 1 {
		d.fail(d.at("pace.parallel"), "pace.parallel", "", "at least one request at a time is needed")
	}
	if c.Retry < time.Second {
		d.fail(d.at("retry"), "retry", "", "a pause of at least 1s is needed before a page is tried again")
	}
	c.retention(d)
	c.backup(d)
	c.revisits(d)
	for key, v := range map[string]string{"user_agent": c.UserAgent, "contact": c.Contact} {
		if strings.ContainsAny(v, "\r\n\x00") {
			d.fail(d.at(key), key, "", "must be one line")
		}
	}
	c.sites(d)
	c.feeds(d)
	c.channels(d)
}

// Bounds of the revisit schedule: every age costs a request for every article there is.
const (
	firstRevisit = 10 * time.Minute
	lastRevisit  = 366 * 24 * time.Hour
	mostRevisits = 20
)

func (c *Config) revisits(d *decoder) {
	for i, age := range c.Revisit {
		path := fmt.Sprintf("revisit[%d]", i)
		switch {
		case age == 0 && len(*d.errs) > 0: // it could not be read, and that was said
		case age < firstRevisit || age > lastRevisit:
			d.fail(d.at(path), path, "", "an article's page can be looked at again at an age of 10m to 366d")
		case i > 0 && age <= c.Revisit[i-1]:
			d.fail(d.at(path), path, "write the ages in order, as in [1h, 6h, 1d]", "each age must be greater than the one before it")
		case i == mostRevisits:
			d.fail(d.at(path), path, "", "at most %d ages: each costs a request for every article", mostRevisits)
		}
	}
}

// store makes the path of a database file absolute against the config's folder.
func (c *Config) store(d *decoder) {
	s := c.Store.Reveal()
	scheme, _, isURL := strings.Cut(s, "://")
	switch {
	case isURL && (scheme == "postgres" || scheme == "postgresql"):
		if _, err := url.Parse(s); err != nil {
			d.fail(d.at("store"), "store", "check it for characters in the password that need % escapes", "this postgres address cannot be read")
		}
		return
	case isURL:
		d.fail(d.at("store"), "store", "write the path of a file, or postgres://user:password@host/database", "the store is a file or PostgreSQL, not %s", scheme)
	case s == "":
		d.fail(d.at("store"), "store", "", "wants the path of a file, or postgres://…")
	case strings.HasPrefix(s, ":memory:") || strings.HasPrefix(s, "file:") || strings.Contains(s, "?"):
		d.fail(d.at("store"), "store", "", "wants the plain path of a file: what was told must be remembered over a restart")
	case strings.HasPrefix(s, "~"):
		d.fail(d.at("store"), "store", "write ${HOME}/…", "~ is not expanded here")
	case !filepath.IsAbs(s):
		c.Store = pipeline.NewSecret(filepath.Join(d.dir, s))
	}
}

// sites makes the folder of site rules relative to the working folder.
func (c *Config) sites(d *decoder) {
	if c.Sites == "" {
		return
	}
	c.Sites = d.rel(c.Sites)
	if st, err := os.Stat(c.Sites); err != nil {
		d.fail(d.at("sites"), "sites", "it is the path of a folder with site rules, relative to this file", "%s", cause(err))
	} else if !st.IsDir() {
		d.fail(d.at("sites"), "sites", "name the folder that the file stands in", "%s is not a folder", c.Sites)
	}
}

// leastToken is how many characters a token needs.
const leastToken = 16

// loopback reports whether an address to listen at is reached from this machine alone.
func loopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	ip := net.ParseIP(host)
	return err == nil && (host == "localhost" || ip != nil && ip.IsLoopback())
}

func checkListen(s string) (msg, hint string) {
	host, port, err := net.SplitHostPort(s)
	if err != nil {
		if _, err := strconv.ParseUint(s, 10, 16); err == nil {
			return "`" + s + "` is a port alone", "write 127.0.0.1:" + s + ", or :" + s + " for every interface, with an api_token"
		}
		return "`" + s + "` is not an address to listen at", "write host:port, such as 127.0.0.1:8080"
	}
	if p, err := strconv.ParseUint(port, 10, 16); err != nil || p == 0 && port != "0" {
		return "`" + port + "` is not a port", "ports are numbers up to 65535"
	}
	if strings.ContainsAny(host, "/@ ") {
		return "`" + host + "` is not a host", "write host:port, such as 127.0.0.1:8080"
	}
	return "", ""
}

// checkURL says what is wrong with the address of a feed, without showing a password in it.
func checkURL(s string) (msg, hint string) {
	u, err := url.Parse(s)
	switch {
	case err != nil:
		return "this address cannot be read", "write https://host/path"
	case u.Scheme == "":
		return "`" + u.Redacted() + "` has no scheme", "write https:// before it"
	case u.Scheme != "http" && u.Scheme != "https":
		return "`" + u.Scheme + "` is not a scheme that can be fetched", "write http:// or https://"
	case u.Hostname() == "":
		return "`" + u.Redacted() + "` names no host", "write https://host/path"
	case u.User != nil:
		return "the address carries a user or password", "move it to basic_auth: {user: …, password: ${…}}"
	case strings.ContainsAny(s, " \t\r\n"):
		return "the address has white space in it", "write %20 for a space"
	}
	return "", ""
}

func (c *Config) feeds(d *decoder) {
	taken := map[string]Pos{}
	for i := range c.Feeds {
		f := &c.Feeds[i]
		path := fmt.Sprintf("feeds[%d]", i)
		if f.Kind == "" {
			f.Kind = "rss"
		}
		if f.Name != "" {
			if first, ok := taken[f.Name]; ok {
				d.fail(d.at(path+".name"), path, "give one of them another name", "the name `%s` is taken by the feed in line %d", f.Name, first.Line)
			} else {
				taken[f.Name] = f.Pos
			}
			oneLine(d, path+".name", f.Name)
		}
		if f.URL != "" {
			if msg, hint := checkURL(f.URL); msg != "" {
				d.fail(d.at(path+".url"), path+".url", hint, "%s", msg)
			}
		}
		_, hasEvery := d.where[path+".every"]
		switch {
		case hasEvery && f.Cron != "":
			d.fail(d.at(path+".cron"), path, "keep one of them", "`every` and `cron` both stand here")
		case hasEvery && f.Every < time.Second && !slices.ContainsFunc(*d.errs, func(e Error) bool { return e.Path == path+".every" }):
			d.fail(d.at(path+".every"), path+".every", "", "a feed can be polled once a second at most")
		}
		if _, ok := d.where[path+".cron"]; ok && !slices.ContainsFunc(*d.errs, func(e Error) bool { return e.Path == path+".cron" }) {
			if msg, hint := checkCron(f.Cron); msg != "" {
				d.fail(d.at(path+".cron"), path+".cron", hint, "%s", msg)
			}
		}
		if p := f.Proxy.Reveal(); p != "" {
			u, err := url.Parse(p)
			if err != nil || u.Hostname() == "" || !slices.Contains([]string{"http", "https", "socks5"}, u.Scheme) {
				d.fail(d.at(path+".proxy"), path+".proxy", "write http://, https:// or socks5:// and host:port", "this is not the address of a proxy")
			}
		}
		for _, m := range []struct {
			key string
			val map[string]pipeline.Secret
		}{{"headers", f.Headers}, {"cookies", f.Cookies}} {
			for k, v := range m.val {
				at := path + "." + m.key + "." + k
				if k == "" || strings.ContainsFunc(k, func(r rune) bool { return r <= ' ' || r >= 0x7f || strings.ContainsRune(`:;,="(){}[]<>/\@?`, r) }) {
					d.fail(d.at(at), path+"."+m.key, "", "`%s` cannot be a name here", k)
				}
				if strings.ContainsAny(v.Reveal(), "\r\n\x00") {
					d.fail(d.at(at), at, "", "must be one line")
				}
			}
		}
	}
	for i := range c.Feeds { // after the explicit names, which have precedence
		f := &c.Feeds[i]
		u, err := url.Parse(f.URL)
		if f.Name != "" || err != nil || u.Hostname() == "" {
			continue
		}
		path := fmt.Sprintf("feeds[%d]", i)
		host := strings.TrimPrefix(strings.ToLower(u.Hostname()), "www.")
		for _, name := range []string{host, host + u.Path, host + u.RequestURI()} {
			if _, ok := taken[name]; !ok {
				f.Name = name
				taken[name] = f.Pos
				break
			}
		}
		if f.Name == "" {
			d.fail(d.at(path+".url"), path, "give it a `name`, or take it out", "this feed stands here already, in line %d", taken[host+u.RequestURI()].Line)
		}
	}
}

func oneLine(d *decoder, path, s string) {
	if strings.ContainsAny(s, "\r\n\x00") || strings.TrimSpace(s) != s {
		d.fail(d.at(path), path, "", "a name is one line without white space around it")
	}
}

func (c *Config) channels(d *decoder) {
	taken := map[string]Pos{}
	for i, ch := range c.Channels {
		if ch.Name == "" {
			continue
		}
		path := fmt.Sprintf("channels[%d]", i)
		oneLine(d, path+".name", ch.Name)
		if first, ok := taken[ch.Name]; ok {
			d.fail(d.at(path+".name"), path, "give one of them another name", "the name `%s` is taken by the channel in line %d", ch.Name, first.Line)
		}
		taken[ch.Name] = ch.Pos
		if ch.Wait < 0 || ch.Wait > MaxWait {
			d.fail(d.at(path+".wait"), path+".wait", "some seconds are enough for the outlets that publish the same report", "a match can be held for at most %s", MaxWait)
		}
		checkGroup(d, path+".quiet.group", ch.Quiet.Group)
	}
	for i, name := range c.Operator {
		if _, ok := taken[name]; !ok && name != "" {
			path := fmt.Sprintf("operator[%d]", i)
			d.fail(d.at(path), path, didYouMean(name, slices.Sorted(maps.Keys(taken)), "name one of `channels`"), "`operator` names the channel `%s`, which there is not", name)
		}
	}
}
