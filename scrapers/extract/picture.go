package extract

import (
	"net/url"
	"path"
	"strconv"
	"strings"
	"unicode"
)

// minPicture is the width or height in pixels below which a picture is an icon.
const minPicture = 100

// notThePicture are words in the name of a file that a site shows where an article has no picture.
var notThePicture = map[string]bool{
	"logo": true, "logos": true, "favicon": true, "icon": true, "icons": true, "placeholder": true, "default": true, "fallback": true, "blank": true,
	"spacer": true, "sprite": true, "avatar": true, "gravatar": true, "noimage": true, "nopic": true, "nophoto": true, "dummy": true, "touch": true,
	"share": true, "sharing": true, "social": true, "opengraph": true, "masthead": true, "branding": true, "og": true, "facebook": true, "twitter": true,
}

// picture makes the address of a picture absolute, "" when it is that of a logo or of what the site shows for want of one.
func (p *page) picture(ref string) string {
	if len(ref) > 2000 {
		return ""
	}
	s := absolute(p.in.URL, ref)
	if s == "" {
		return ""
	}
	u, err := url.Parse(s)
	if err != nil || strings.Trim(u.Path, "/") == "" && u.RawQuery == "" {
		return ""
	}
	bare := strings.TrimSuffix(strings.TrimSuffix(s, "?"+u.RawQuery), "?")
	for _, l := range p.h.data().logos {
		if l = absolute(p.in.URL, l); l != "" && (l == s || l == bare) {
			return ""
		}
	}
	name := path.Base(u.Path)
	ext := strings.ToLower(path.Ext(name))
	if ext == ".svg" || ext == ".ico" {
		return ""
	}
	// A picture of the news is named after the news: many words. What stands for all articles has few.
	words := strings.FieldsFunc(strings.ToLower(strings.TrimSuffix(name, path.Ext(name))), func(r rune) bool { return !unicode.IsLetter(r) })
	if len(words) > 4 {
		return s
	}
	for _, w := range words {
		if notThePicture[w] {
			return ""
		}
	}
	return s
}

// shared are the pictures Open Graph names; one that is said to be as small as an icon is left out.
func (p *page) shared(keys ...string) (out []string) {
	for _, k := range keys {
		out = append(out, p.h.metas[k]...)
	}
	for _, k := range []string{"og:image:width", "og:image:height"} {
		if n, err := strconv.Atoi(p.h.one(k)); err == nil && n > 0 && n < minPicture && len(out) > 0 {
			out = out[1:]
			break
		}
	}
	return out
}
