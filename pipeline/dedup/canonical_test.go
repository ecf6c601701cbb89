package dedup

import (
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

func FuzzCanonical(f *testing.F) {
	for _, u := range strings.Fields(urls) {
		f.Add(u)
	}
	f.Fuzz(func(t *testing.T, s string) {
		once := Canonical(s)
		if twice := Canonical(once); twice != once {
			t.Errorf("%q becomes %q, then %q", s, once, twice)
		}
	})
}
