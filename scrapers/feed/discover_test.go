package feed

import (
	"reflect"
	"testing"
)

func TestDiscover(t *testing.T) {
	for name, tt := range map[string]struct {
		page string
		want []Link
	}{
		"announced": {`<html><head><LINK REL="Alternate home" TYPE="application/rss+xml; charset=utf-8" title="The&nbsp;wire" href="/rss?a=1&amp;b=2">
			<link rel=alternate type=application/atom+xml title="Comments on all" href="comments/atom">
			<link rel="alternate" type="application/feed+json" href="feed://e.example/feed.json">
			<link rel="alternate" type="application/json" href="/wp-json/posts/1"><link rel="alternate" hreflang="de" href="/de/">
			<link rel="alternate stylesheet" type="application/rss+xml" href="/x"><link rel="alternate" type="application/rss+xml" href="/rss?a=1&amp;b=2">
			<link rel="alternate" type="application/rss+xml" href="javascript:x"></head><body><a href="/feed">Feed</a></body>`,
			[]Link{
				{"https://e.example/rss?a=1&b=2", "The wire", "application/rss+xml; charset=utf-8"},
				{"http://e.example/feed.json", "", "application/feed+json"},
				{"https://e.example/dir/comments/atom", "Comments on all", "application/atom+xml"},
			}},
		"anchors": {`<base href="https://cdn.example/b/"><p><a href="news.rss">News <b>wire</b></a> <a href="/about">About</a> <a href="/?feed=rss2"><img></a><a href="/sitemap.xml">map</a><a href="mailto:a@feed">x</a>`,
			[]Link{{"https://cdn.example/b/news.rss", "News wire", ""}, {"https://cdn.example/?feed=rss2", "", ""}}},
		"charset": {"<meta charset=windows-1252><link rel=alternate type=application/rss+xml title='Caf\xe9' href=/f>",
			[]Link{{"https://e.example/f", "Café", "application/rss+xml"}}},
		"none": {"<p>nothing", nil},
	} {
		if got := Discover([]byte(tt.page), "text/html", "https://e.example/dir/page"); !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s:\ngot  %+v\nwant %+v", name, got, tt.want)
		}
	}
}
