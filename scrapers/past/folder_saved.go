package past

import (
	"bytes"
	"net/url"
	"path"
	"regexp"
	"strings"
	"time"

	markup "golang.org/x/net/html"
	"golang.org/x/net/publicsuffix"

	"wirewatch/pipeline"
	"wirewatch/scrapers"
	"wirewatch/scrapers/feed"
)

// This file finds out where a page that was saved to a file comes from.

// What programs that save pages write into them.
var (
	savedFrom  = regexp.MustCompile(`^\s*saved from url=\(\d+\)(\S+)`) // browsers
	mirrored   = regexp.MustCompile(`^\s*Mirrored from (\S+) by HTTrack[^,]*,\s*(.*?)\s*$`)
	singleFile = regexp.MustCompile(`(?s)^\s*Page saved with SingleFile\s+url:\s*(\S+)(?:.*?saved date:\s*([^\n(]+))?`)
)

// savedHead is how many bytes of a page are read for its address.
const savedHead = 256 << 10

// A savedPage is what a page's own bytes say of where and when it was taken.
type savedPage struct {
	note      string    // address by the program that saved it
	taken     time.Time // when, by the same; zero: it does not say
	canonical string    // address by the page itself
}

// readSaved reads the head of a page.
func readSaved(doc []byte) savedPage {
	var s savedPage
	og := ""
	z := markup.NewTokenizer(bytes.NewReader(doc[:min(len(doc), savedHead)]))
	for {
		switch z.Next() {
		case markup.ErrorToken:
			if s.canonical == "" {
				s.canonical = og
			}
			return s
		case markup.CommentToken:
			s.comment(string(z.Text()))
		case markup.StartTagToken, markup.SelfClosingTagToken:
			t := z.Token()
			attr := func(name string) string {
				for _, a := range t.Attr {
					if a.Key == name {
						return strings.TrimSpace(a.Val)
					}
				}
				return ""
			}
			switch {
			case t.Data == "link" && strings.EqualFold(attr("rel"), "canonical") && s.canonical == "":
				s.canonical = pageAddress(attr("href"))
			case t.Data == "meta" && strings.EqualFold(attr("property"), "og:url") && og == "":
				og = pageAddress(attr("content"))
			case t.Data == "body" && s.canonical == "":
				s.canonical = og
			}
			if t.Data == "body" && s.note != "" {
				return s
			}
		}
	}
}

func (s *savedPage) comment(text string) {
	if s.note != "" {
		return
	}
	if m := savedFrom.FindStringSubmatch(text); m != nil {
		s.note = pageAddress(m[1])
	} else if m := singleFile.FindStringSubmatch(text); m != nil {
		s.note = pageAddress(m[1])
		s.taken, _ = feed.ParseDate(m[2])
	} else if m := mirrored.FindStringSubmatch(text); m != nil {
		if s.note = pageAddress(m[1]); s.note == "" {
			s.note = pageAddress("http://" + m[1]) // it notes no scheme
		}
		s.taken, _ = feed.ParseDate(m[2])
	}
}

// pageAddress is an address that is one, and "" of what is none, or only that of a site's front page, which templates like to name for all.
func pageAddress(s string) string {
	u, err := url.Parse(s)
	if err != nil || scrapers.Authority(u) == pipeline.NoHost || strings.Trim(u.Path, "/") == "" && u.RawQuery == "" {
		return ""
	}
	return scrapers.PlainAddress(s)
}

// mirroredAddress is the address that a path has in a mirror as wget makes it: host, folders, file. "" where the first folder is no host.
func mirroredAddress(rel string) string {
	host, file, ok := strings.Cut(rel, "/")
	if !ok || !looksLikeHost(host) {
		return ""
	}
	file, query, asked := strings.Cut(file, "?") // as it stands in names; wget may have put .html behind it
	if asked {
		query = strings.TrimSuffix(query, ".html")
	}
	if plain, err := url.PathUnescape(file); err == nil {
		file = plain
	}
	if base := path.Base(file); base == "index.html" || base == "index.htm" {
		file = strings.TrimSuffix(file, base)
	}
	u := url.URL{Scheme: "https", Host: host, Path: "/" + file, RawQuery: query}
	return u.String()
}

// looksLikeHost reports whether a folder's name is that of a host: its last label is a top-level domain that there is.
func looksLikeHost(name string) bool {
	host, port, ported := strings.Cut(strings.ToLower(name), ":")
	if ported && strings.Trim(port, "0123456789") != "" || !strings.Contains(host, ".") || strings.Trim(host, "abcdefghijklmnopqrstuvwxyz0123456789-.") != "" {
		return false
	}
	suffix, known := publicsuffix.PublicSuffix(host)
	return (known || strings.Contains(suffix, ".")) && suffix != host && !strings.Contains(host, "..") && host[0] != '.' && host[0] != '-'
}
