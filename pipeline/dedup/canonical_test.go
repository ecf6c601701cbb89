package dedup

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// Each line: an address and its canonical form; "=" stands for itself.
const urls = `
https://a.example/news/1                                      =
http://a.example/news/1                                       https://a.example/news/1
HTTPS://A.Example/News/1                                      https://a.example/News/1
https://a.example                                             https://a.example/
https://a.example/                                            =
https://a.example./x                                          https://a.example/x
https://a.example:443/x                                       https://a.example/x
http://a.example:80/x                                         https://a.example/x
http://a.example:8080/x                                       =
https://a.example:80/x                                        =
http://127.0.0.1:4711/x                                       =
http://[::1]:4711/x                                           =
https://[2001:DB8::1]/x                                       https://[2001:db8::1]/x
https://www.a.example/x                                       https://a.example/x
https://www.example/x                                         =
https://www.co.uk/x                                           =
https://www.bbc.co.uk/x                                       https://bbc.co.uk/x
https://m.a.example/x                                         https://a.example/x
https://m.co.kr/x                                             =
https://m.yna.co.kr/view/AKR1                                 https://yna.co.kr/view/AKR1
https://en.m.a.example/x                                      https://en.a.example/x
https://amp.a.example/x                                       https://a.example/x
https://mobile.a.example/x                                    https://a.example/x
https://www.m.a.example/x                                     https://a.example/x
https://english.a.example/x                                   =
https://mail.a.example/x                                      =
https://a.example/x/                                          https://a.example/x
https://a.example//x///y                                      https://a.example/x/y
https://a.example/x/../y/./z                                  https://a.example/y/z
https://a.example/index.html                                  https://a.example/
https://a.example/x/index.php?id=3                            https://a.example/x?id=3
https://a.example/x/Default.aspx                              https://a.example/x
https://a.example/x/indexes.html                              =
https://a.example/x#top                                       https://a.example/x
https://a.example/x#                                          https://a.example/x
https://a.example/#!/news/1                                   =
https://a.example/x?utm_source=t&utm_medium=s                 https://a.example/x
https://a.example/x?id=1&utm_source=t                         https://a.example/x?id=1
https://a.example/x?UTM_Source=t                              https://a.example/x
https://a.example/x?fbclid=abc                                https://a.example/x
https://a.example/x?gclid=abc&b=2&a=1                         https://a.example/x?a=1&b=2
https://a.example/x?a=2&a=1                                   =
https://a.example/x?b=1&amp;utm_source=rss                    https://a.example/x?b=1
https://a.example/x?at_medium=RSS&at_campaign=KARANGA         https://a.example/x
https://a.example/x?ref=rss                                   https://a.example/x
https://a.example/x?reference=7                               =
https://a.example/x?page=2                                    =
https://a.example/x?section=north                             =
https://a.example/x?                                          https://a.example/x
https://a.example/x?&&                                        https://a.example/x
https://a.example/x?flag                                      =
https://a.example/x?q=a+b%20c                                 =
https://a.example/x?q=%d1%8f                                  https://a.example/x?q=%D1%8F
https://a.example/x?PHPSESSID=1                               https://a.example/x
https://a.example/modules.php?sid=123                         =
https://a.example/x?sid=0123456789abcdef0123456789abcdef      https://a.example/x
https://a.example/x;jsessionid=AB12.n1                        https://a.example/x
https://a.example/x;jsessionid=AB12?id=2                      https://a.example/x?id=2
https://a.example/2024/missiles-fly-again/amp                 https://a.example/2024/missiles-fly-again
https://a.example/2024/missiles-fly-again/amp/                https://a.example/2024/missiles-fly-again
https://a.example/guitars/amp                                 =
https://a.example/amp/2024/missiles-fly-again                 https://a.example/2024/missiles-fly-again
https://a.example/amp/guide                                   =
https://a.example/missiles-fly-again.amp.html                 https://a.example/missiles-fly-again.html
https://a.example/missiles-fly-again.amp                      https://a.example/missiles-fly-again
https://a.example/news/120934/print                           https://a.example/news/120934
https://a.example/art/print                                   =
https://a.example/x?amp                                       https://a.example/x
https://a.example/x?amp=1&id=4                                https://a.example/x?id=4
https://a.example/x?outputType=amp                            https://a.example/x
https://a.example/x?outputType=xml                            =
https://a.example/x?print=true                                https://a.example/x
https://a.example/x?view=print                                https://a.example/x
https://a.example/x?view=gallery                              =
https://a.example/%7Eme/%e4%b8%ad                             https://a.example/~me/%E4%B8%AD
https://a.example/中                                           https://a.example/%E4%B8%AD
https://a.example/a%2fb                                       https://a.example/a%2Fb
https://a.example/100%                                        =
https://user@a.example/x                                      https://a.example/x
https://bücher.example/x                                      https://xn--bcher-kva.example/x
https://wap.a.example/x                                       https://a.example/x
https://www3.a.example/x                                      https://a.example/x
https://a.example/News/Story.ASPX?Id=7                        https://a.example/news/story.aspx?Id=7
https://a.example/(S(lit3py55t21z5v55vlm25s55))/story.aspx    https://a.example/story.aspx
https://a.example/(S(short))/story                            =
https://a.example/x?_=1717171717171                           https://a.example/x
https://a.example/x?_=17                                      =
https://a.example/x?source=rss                                https://a.example/x
https://a.example/x?source=twitterfeed                        https://a.example/x
https://a.example/x?source=ministry                           =
https://a.example/x?from=7                                    =
https://a.example/x?mod=rss_world                             https://a.example/x
https://a.example/x?mod=13                                    =
https://a.example/x?srsltid=AfmB&maca=en-rss                  https://a.example/x
https://a.example/x?gad_source=1&gbraid=0                     https://a.example/x
https://a.example/x?_escaped_fragment_=                       https://a.example/x
https://a.example/x?format=print                              https://a.example/x
https://a.example/x?format=long                               =
https://a.example/x?printerFriendly=yes                       https://a.example/x
https://a.example/x?lang=fr                                   =
https://a.example/x?p=123                                     =
https://a.example/x?replytocom=99                             https://a.example/x
https://a.example/2024/missiles-fly-again/print/              https://a.example/2024/missiles-fly-again
https://a.example/print/2024/missiles-fly-again               https://a.example/2024/missiles-fly-again
https://a.example/mobile/phones                               =
https://a.example/missiles.print.html                         https://a.example/missiles.html
https://a.example/index.phtml                                 https://a.example/
https://a.example/x#:~:text=missile                           https://a.example/x
https://www.google.com/url?q=https://a.example/x%3Futm_source%3Dt&sa=U  https://a.example/x
https://t.co/AbCd                                             =
mailto:me@a.example                                           =
tag:a.example,2024:1                                          =
/news/1                                                       =
not-a-url                                                     =
`

func TestCanonical(t *testing.T) {
	n := 0
	for _, line := range strings.Split(strings.TrimSpace(urls), "\n") {
		f := strings.Fields(line)
		if len(f) != 2 {
			t.Fatalf("%q", line)
		}
		if f[1] == "=" {
			f[1] = f[0]
		}
		n++
		if got := Canonical(f[0]); got != f[1] {
			t.Errorf("%s\n got %s\nwant %s", f[0], got, f[1])
		}
		if got := Canonical(f[1]); got != f[1] {
			t.Errorf("not settled: %s becomes %s", f[1], got)
		}
	}
	if n < 60 {
		t.Fatalf("%d addresses only", n)
	}
	if got := Canonical(" https://a.example/x\n"); got != "https://a.example/x" {
		t.Error(got)
	}
}

// Each line: a link, and where it leads; "=" stands for itself.
const links = `
https://www.google.com/url?rct=j&sa=t&url=https://a.example/x%3Fid%3D1&ct=ga&cd=CAI        https://a.example/x?id=1
https://google.co.uk/url?q=https://a.example/x                                             https://a.example/x
https://news.google.com/news/url?sa=t&fd=R&url=http://a.example/x                          http://a.example/x
https://www.google.com/search?q=https://a.example/x                                        =
https://google.evil.example/url?q=https://a.example/x                                      =
https://www.google.com/url?q=javascript:alert(1)                                           =
https://www.google.com/url?q=/x                                                            =
https://www.google.com/amp/s/amp.a.example/x/amp?x=1                                       https://amp.a.example/x/amp?x=1
https://www.google.com/amp/s                                                               =
https://a-example.cdn.ampproject.org/c/s/www.a.example/x.amp.html                          https://www.a.example/x.amp.html
https://a-example.cdn.ampproject.org/v/a.example/x                                         http://a.example/x
https://www.bing.com/news/apiclick.aspx?ref=FexRss&aid=&url=https%3A%2F%2Fa.example%2Fx&c=1  https://a.example/x
https://www.bing.com/ck/a?!&&p=1&u=a1aHR0cHM6Ly9hLmV4YW1wbGUveA&ntb=1                      https://a.example/x
https://r.search.yahoo.com/_ylt=A/RV=2/RE=1/RO=10/RU=https%3a%2f%2fa.example%2fx%2f1/RK=2/RS=a-  https://a.example/x/1
https://yandex.ru/turbo/s/a.example/x                                                      https://a.example/x
https://yandex.com/turbo?text=https%3A//a.example/x                                        https://a.example/x
https://duckduckgo.com/l/?uddg=https%3A%2F%2Fa.example%2Fx&rut=1                           https://a.example/x
https://l.facebook.com/l.php?u=https%3A%2F%2Fa.example%2Fx%3Ffbclid%3D1&h=AT0              https://a.example/x?fbclid=1
https://lm.facebook.com/l.php?u=https%3A%2F%2Fa.example%2Fx                                https://a.example/x
https://www.facebook.com/a.example/posts/1                                                 =
https://l.instagram.com/?u=https%3A%2F%2Fa.example%2Fx&e=1                                 https://a.example/x
https://www.youtube.com/redirect?event=v&q=https%3A%2F%2Fa.example%2Fx                     https://a.example/x
https://www.youtube.com/watch?v=abc                                                        =
https://out.reddit.com/t3_1?url=https%3A%2F%2Fa.example%2Fx&token=1                        https://a.example/x
https://t.umblr.com/redirect?z=https%3A%2F%2Fa.example%2Fx&t=1                             https://a.example/x
https://vk.com/away.php?to=https%3A%2F%2Fa.example%2Fx                                     https://a.example/x
https://t.me/iv?url=https%3A%2F%2Fa.example%2Fx&rhash=1                                    https://a.example/x
https://t.me/channel/12                                                                    =
https://href.li/?https://a.example/x?id=1                                                  https://a.example/x?id=1
https://nam02.safelinks.protection.outlook.com/?url=https%3A%2F%2Fa.example%2Fx&data=05    https://a.example/x
https://urldefense.proofpoint.com/v2/url?u=https-3A__a.example_x-2D1&d=DwMF                https://a.example/x-1
https://urldefense.com/v3/__https://a.example/x__;!!Abc$                                   https://a.example/x
https://urldefense.com/v3/__https:/a.example/x?id=1__;!!Abc$                               https://a.example/x?id=1
https://news.google.com/rss/articles/CBMiG2h0dHBzOi8vYS5leGFtcGxlL25ld3MvMTIzNNIBAA?oc=5   https://a.example/news/1234
https://news.google.com/__i/rss/rd/articles/CBMiG2h0dHBzOi8vYS5leGFtcGxlL25ld3MvMTIzNNIBAA https://a.example/news/1234
https://news.google.com/rss/articles/CBMiWkFVX3lxTE1oYmNk?oc=5                             =
https://news.google.com/rss/articles/%00%01                                                =
https://news.google.com/rss?q=missile                                                      =
https://l.facebook.com/l.php?u=https%3A%2F%2Fwww.google.com%2Furl%3Fq%3Dhttps%3A%2F%2Fa.example%2Fx  https://a.example/x
https://a.example/share?url=https://b.example/x                                            =
mailto:me@a.example                                                                        =
`

func TestResolve(t *testing.T) {
	n := 0
	for _, line := range strings.Split(strings.TrimSpace(links), "\n") {
		f := strings.Fields(line)
		if len(f) != 2 {
			t.Fatalf("%q", line)
		}
		if f[1] == "=" {
			f[1] = f[0]
		}
		n++
		if got := Resolve(f[0]); got != f[1] {
			t.Errorf("%s\n got %s\nwant %s", f[0], got, f[1])
		}
		if f[0] != f[1] && Canonical(f[0]) != Canonical(f[1]) {
			t.Errorf("%s is not known by what it leads to, but as %s", f[0], Canonical(f[0]))
		}
	}
	if n < 35 {
		t.Fatalf("%d links only", n)
	}
}

// A page is known by one address in all of its disguises, and no two pages by the same, in the forms of address that news systems use.
func TestCanonicalProperties(t *testing.T) {
	slug := func(r *rand.Rand) string {
		words := strings.Fields("missile port storm amp print mobile index ferry court ministers source rss budget m sid home 2024 page session")
		n := 3 + r.IntN(4)
		out := make([]string, n)
		for i := range out {
			out[i] = words[r.IntN(len(words))]
		}
		return strings.Join(out, "-")
	}
	shapes := []func(r *rand.Rand, n int) string{
		func(r *rand.Rand, n int) string {
			return fmt.Sprintf("/2024/%02d/%02d/%s-%d", 1+n%12, 1+n%28, slug(r), n)
		},
		func(r *rand.Rand, n int) string { return fmt.Sprintf("/news/%s/%d", slug(r), 10000+n) },
		func(r *rand.Rand, n int) string { return fmt.Sprintf("/news/article%d.html", 10000+n) },
		func(r *rand.Rand, n int) string { return fmt.Sprintf("/news/%d", n) },
		func(r *rand.Rand, n int) string { return fmt.Sprintf("/%s-%d.html", slug(r), n) },
		func(r *rand.Rand, n int) string {
			return fmt.Sprintf("/index.php?option=com_content&view=article&id=%d", n)
		},
		func(r *rand.Rand, n int) string { return fmt.Sprintf("/?p=%d", n) },
		func(r *rand.Rand, n int) string { return fmt.Sprintf("/story.aspx?ID=%d", n) },
		func(r *rand.Rand, n int) string { return fmt.Sprintf("/modules.php?name=News&file=article&sid=%d", n) },
		func(r *rand.Rand, n int) string { return fmt.Sprintf("/article?source=%d&from=%d", n, n%3) },
		func(r *rand.Rand, n int) string { return fmt.Sprintf("/view?idxno=%d&page=%d", n, n%4) },
		func(r *rand.Rand, n int) string { return fmt.Sprintf("/read/%x", 1<<40+n) },
		func(r *rand.Rand, n int) string {
			return fmt.Sprintf("/%s?lang=%s", "article-of-"+strconv.Itoa(n), []string{"en", "fr"}[n%2])
		},
		func(r *rand.Rand, n int) string { return "/%E5%8C%97%E9%9F%93/" + fmt.Sprint(20240000+n) },
		func(r *rand.Rand, n int) string { return fmt.Sprintf("/print/%d", n) }, // a section called so
	}
	var tracking []string
	for p := range trackingParams {
		tracking = append(tracking, p)
	}
	for _, p := range trackingPrefixes {
		tracking = append(tracking, p+"x")
	}
	slices.Sort(tracking)
	query := func(u, param string) string {
		if strings.Contains(u, "?") {
			return u + "&" + param
		}
		return u + "?" + param
	}
	disguises := []func(r *rand.Rand, u string) string{
		func(r *rand.Rand, u string) string { return query(u, tracking[r.IntN(len(tracking))]+"=abc") },
		func(r *rand.Rand, u string) string { return query(u, "UTM_Source=x&amp;utm_medium=y") },
		func(r *rand.Rand, u string) string { return query(u, "PHPSESSID=abc") },
		func(r *rand.Rand, u string) string { return query(u, "print=1") },
		func(r *rand.Rand, u string) string { return query(u, "amp") },
		func(r *rand.Rand, u string) string { return query(u, "via=twitter") },
		func(r *rand.Rand, u string) string { return u + "#comments" },
		func(r *rand.Rand, u string) string { return strings.Replace(u, "https://", "http://", 1) },
		func(r *rand.Rand, u string) string {
			return strings.Replace(u, "https://a.example", "https://www.a.example", 1)
		},
		func(r *rand.Rand, u string) string {
			return strings.Replace(u, "https://a.example", "https://m.a.example", 1)
		},
		func(r *rand.Rand, u string) string {
			return strings.Replace(u, "https://a.example", "HTTPS://A.Example.", 1)
		},
		func(r *rand.Rand, u string) string { return "https://www.google.com/url?q=" + url.QueryEscape(u) },
		func(r *rand.Rand, u string) string {
			return "https://l.facebook.com/l.php?u=" + url.QueryEscape(u) + "&h=1"
		},
		func(r *rand.Rand, u string) string {
			id := append([]byte{8, 19, 0x22}, binary.AppendUvarint(nil, uint64(len(u)))...)
			return "https://news.google.com/rss/articles/" + base64.RawURLEncoding.EncodeToString(append(append(id, u...), 0xd2, 1, 0)) + "?oc=5"
		},
	}
	r := rand.New(rand.NewPCG(1, 2))
	known := map[string]string{}
	pages := 0
	for _, shape := range shapes {
		for n := range 400 {
			u := "https://a.example" + shape(r, n)
			c := Canonical(u)
			if other, ok := known[c]; ok && other != u {
				t.Fatalf("%s and %s are both %s", u, other, c)
			}
			known[c] = u
			pages++
			for range 4 {
				d := disguises[r.IntN(len(disguises))](r, u)
				if r.IntN(2) == 0 && !strings.Contains(d, "#") {
					d = disguises[r.IntN(len(disguises))](r, d)
				}
				if got := Canonical(d); got != c {
					t.Fatalf("%s\n in the disguise %s\n is %s, not %s", u, d, got, c)
				}
			}
		}
	}
	t.Logf("%d pages in %d forms of address, %d disguises each: no two the same", pages, len(shapes), 4)
}

func TestPlausible(t *testing.T) {
	for _, c := range []struct {
		canonical, page string
		want            bool
	}{
		{"https://a.example/2024/missiles-fly-again", "https://a.example/2024/missiles-fly-again?x=1", true},
		{"https://www.a.example/2024/missiles-fly-again", "https://m.a.example/2024/missiles-fly-again", true},
		{"https://news.a.example/2024/missiles-fly-again", "https://edition.a.example/2024/missiles-fly-again", true},
		{"http://a.co.uk/x/y", "https://www.a.co.uk/z/y", true},
		{"https://b.co.uk/x/y", "https://a.co.uk/x/y", false},
		{"https://b.example/2024/missiles-fly-again", "https://a.example/2024/missiles-fly-again", false},
		{"http://127.0.0.1:1/x", "http://127.0.0.1:2/x", false},
		{"http://127.0.0.1:1/x", "http://127.0.0.1:1/y", true},
		{"https://a.example/", "https://a.example/x", false},
		{"https://a.example/index.html", "https://a.example/x", false},
		{"https://www.a.example", "https://a.example/x", false},
		{"https://a.example/?p=12", "https://a.example/x", true},
		{"https://a.example/news", "https://a.example/news/2024/missiles-fly-again", false},
		{"https://a.example/news/", "https://a.example/news/120934", false},
		{"https://a.example/read.php", "https://a.example/read.php?id=7", false},
		{"https://a.example/read.php?id=7", "https://a.example/read.php?id=7&sort=up", true},
		{"https://a.example/missiles-fly-again", "https://a.example/missiles-fly-again/comments", true},
		{"", "https://a.example/x", false},
		{"not an address", "https://a.example/x", false},
		{"javascript:void(0)", "https://a.example/x", false},
	} {
		if got := Plausible(c.canonical, c.page); got != c.want {
			t.Errorf("%s for %s: %v", c.canonical, c.page, got)
		}
	}
}

func FuzzCanonical(f *testing.F) {
	for _, u := range strings.Fields(urls + links) {
		f.Add(u)
	}
	f.Fuzz(func(t *testing.T, s string) {
		once := Canonical(s)
		if twice := Canonical(once); twice != once {
			t.Errorf("%q becomes %q, then %q", s, once, twice)
		}
		if got := Canonical(Resolve(s)); got != once {
			t.Errorf("%q is %q, but what it leads to %q", s, once, got)
		}
		Plausible(s, once)
	})
}

func BenchmarkCanonical(b *testing.B) {
	for _, u := range []string{"https://a.example/2024/05/04/missiles-fly-again-over-the-port", "https://www.a.example/news/story.html?id=4&utm_source=rss#top",
		"https://www.google.com/url?q=https%3A%2F%2Fa.example%2Fx&sa=U"} {
		b.Run("", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Canonical(u)
			}
		})
	}
}
