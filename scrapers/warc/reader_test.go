package warc

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

// text is a record as it stands in a file.
func text(kind, uri, fields, block string) string {
	return fmt.Sprintf("WARC/1.0\r\nWARC-Type: %s\r\nWARC-Target-URI: %s\r\nWARC-Date: 2024-03-01T10:00:00Z\r\n%sContent-Length: %d\r\n\r\n%s\r\n\r\n", kind, uri, fields, len(block), block)
}

func pack(s string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	io.WriteString(z, s)
	z.Close()
	return b.String()
}

// noise does not pack, so that a damage hits what it is aimed at.
func noise(seed uint64, n int) string {
	r := rand.New(rand.NewPCG(seed, 1))
	b := make([]byte, n)
	for i := range b {
		b[i] = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEF <>/=-"[r.IntN(48)]
	}
	return string(b)
}

// sample is a few records of several types.
func sample() []string {
	out := []string{text(Info, "", "", "software: x\r\n")}
	for i := range 6 {
		block := "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<html>" + noise(uint64(i), 3000*i)
		out = append(out, text("request", fmt.Sprintf("http://a.example/%d", i), "", "GET / HTTP/1.1\r\n\r\n"),
			text(Response, fmt.Sprintf("<http://a.example/%d>", i), "X-Long: a\r\n\tb\r\n c\r\n", block))
	}
	return append(out, text(Revisit, "http://a.example/0", "WARC-Payload-Digest: sha1:AAA\r\nWARC-Refers-To: <urn:uuid:1>\r\nWARC-Refers-To-Target-URI: http://a.example/0\r\nWARC-Refers-To-Date: 2024-02-01T00:00:00Z\r\n", ""))
}

// forms are a file's three ways to be packed.
func forms(records []string) map[string]string {
	members := ""
	for _, r := range records {
		members += pack(r)
	}
	return map[string]string{"members": members, "one stream": pack(strings.Join(records, "")), "plain": strings.Join(records, "")}
}

// allForms are forms and those in zstd.
func allForms(t testing.TB, records []string) map[string]string {
	t.Helper()
	out := forms(records)
	zstds(t, out, records)
	return out
}

type seen struct {
	at, next Pos
	uri      string
	body     string
	err      string
}

// read reads all of a file from a place, through small reads.
func read(t testing.TB, file string, from Pos) (out []seen) {
	t.Helper()
	r := NewReader(iotest.HalfReader(strings.NewReader(file[from.Offset:])), from)
	r.Begin = func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(file)), nil }
	for range 10000 {
		rec, err := r.Next()
		if err == io.EOF {
			return out
		}
		var d *Damage
		if errors.As(err, &d) {
			out = append(out, seen{at: d.At, err: d.What})
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		s := seen{at: rec.At, uri: rec.Type + " " + rec.URI}
		if rec.Type == Response {
			_, err := r.Head()
			var b []byte
			if err == nil {
				b, err = r.Body(1 << 20)
			}
			if s.body = string(b); err != nil {
				s.err = err.Error()
			}
		}
		if s.next, err = r.Finish(); err != nil {
			s.err, s.body = err.Error(), ""
		}
		out = append(out, s)
	}
	t.Fatal("no end")
	return nil
}

// However a file is packed, the same records come out of it, and a reader can begin at each of them.
func TestForms(t *testing.T) {
	records := sample()
	for name, file := range allForms(t, records) {
		t.Run(name, func(t *testing.T) {
			all := read(t, file, Pos{})
			if len(all) != len(records) {
				t.Fatalf("%d records; want %d", len(all), len(records))
			}
			for i, s := range all {
				if s.err != "" {
					t.Fatalf("record %d: %s", i, s.err)
				}
				if _, want, ok := strings.Cut(records[i], "\r\n\r\n<html>"); ok && s.body != "<html>"+strings.TrimSuffix(want, "\r\n\r\n") {
					t.Fatalf("record %d has the body %.60q", i, s.body)
				}
				if i+1 < len(all) && s.next != all[i+1].at {
					t.Errorf("record %d ends at %v, and the next begins at %v", i, s.next, all[i+1].at)
				}
				if rest := read(t, file, s.at); !slices.Equal(rest, all[i:]) {
					t.Errorf("from record %d at %v come %d records, not the same as before", i, s.at, len(rest))
				}
			}
			if rest := read(t, file, all[len(all)-1].next); len(rest) != 0 {
				t.Errorf("behind the last record: %v", rest)
			}
		})
	}
}

func TestFields(t *testing.T) {
	r := NewReader(strings.NewReader(strings.Join(sample(), "")), Pos{})
	var last Reference
	for {
		rec, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if rec.Version != "1.0" || !rec.Date.Equal(time.Date(2024, 3, 1, 10, 0, 0, 0, time.UTC)) {
			t.Fatalf("%+v", rec)
		}
		if got := rec.Header.Value("x-long"); rec.Type == Response && got != "a b c" {
			t.Errorf("a folded field reads %q", got)
		}
		if rec.Type == Revisit {
			last = rec.RefersTo()
		}
	}
	if want := (Reference{"<urn:uuid:1>", "http://a.example/0", "sha1:AAA", time.Date(2024, 2, 1, 0, 0, 0, 0, time.UTC)}); last != want {
		t.Errorf("the revisit refers to %+v", last)
	}
	for s, want := range map[string]string{"2024-03-01T10:00:00.25Z": "2024-03-01 10:00:00.25", "2024-03": "2024-03-01 00:00:00", "20240301100000": "2024-03-01 10:00:00", "x": "0001-01-01 00:00:00"} {
		if got := date(s).Format("2006-01-02 15:04:05.999"); got != want {
			t.Errorf("the date %q reads %s", s, got)
		}
	}
}

// A damaged record costs itself, and what was read before it stands.
func TestDamage(t *testing.T) {
	records := sample()
	files := allForms(t, records)
	for name, file := range files {
		all := read(t, file, Pos{})
		for i, s := range all[:len(all)-1] {
			if s.next.Offset-s.at.Offset < 1000 { // the long ones: damage within, not of a head
				continue
			}
			b := []byte(file)
			switch name {
			case "plain":
				copy(b[s.at.Offset:], "XXXX/")
			default:
				b[s.next.Offset-600] ^= 0x55
			}
			got := read(t, string(b), Pos{})
			want := slices.Clone(all)
			var whole []seen
			for _, g := range got {
				if g.err == "" {
					whole = append(whole, g)
				}
			}
			want = slices.Delete(want, i, i+1)
			if len(got) != len(all) || got[i].err == "" || got[i].at != s.at || !slices.Equal(whole, want) {
				t.Errorf("%s: with record %d damaged at %v: %d of %d records read; %+v", name, i, s.at, len(whole), len(want), got[i])
			}
		}
	}
	// A stream that is damaged in its middle gives what stands before.
	one := []byte(files["one stream"])
	one[len(one)/2] ^= 0x55
	got := read(t, string(one), Pos{})
	all := read(t, files["one stream"], Pos{})
	if n := len(got); n < 5 || !slices.Equal(got[:4], all[:4]) || got[n-1].err == "" {
		t.Errorf("a damaged stream: %d results, %+v", n, got)
	}
}

// Wherever a file is cut, all whole records are read, and the one that was cut is told.
func TestCut(t *testing.T) {
	for name, file := range allForms(t, sample()) {
		all := read(t, file, Pos{})
		for cut := 1; cut < len(file); cut += 397 {
			got := read(t, file[:cut], Pos{})
			whole := 0
			for _, g := range got {
				if g.err == "" {
					if g != all[whole] && g.next.Offset < int64(cut) {
						t.Fatalf("%s cut at %d: %+v; want %+v", name, cut, g, all[whole])
					}
					whole++
				}
			}
			want := 0
			for _, s := range all {
				if s.next.Inner == 0 && s.next.Offset <= int64(cut) {
					want++
				}
			}
			if whole < want || len(got) > whole+1 {
				t.Fatalf("%s cut at %d: %d whole records of %d, %d in all", name, cut, whole, want, len(got))
			}
		}
	}
}

func TestOddities(t *testing.T) {
	a, b := text(Response, "http://a.example/1", "", "HTTP/1.1 200 OK\r\n\r\none"), text(Response, "http://a.example/2", "", "HTTP/1.1 200 OK\r\n\r\ntwo")
	for _, c := range []struct{ name, file, want string }{
		{"a length that swallows the next", strings.Replace(a, "Content-Length: 22", "Content-Length: 80", 1) + b, "the record goes on behind its Content-Length of 80|http://a.example/2"},
		{"a length that is too small", strings.Replace(a, "Content-Length: 22", "Content-Length: 20", 1) + b, "the record goes on behind its Content-Length of 20|http://a.example/2"},
		{"a length that is none", strings.Replace(a, "Content-Length: 22", "Content-Length: -1", 1) + b, `the record's Content-Length "-1" is no length|http://a.example/2`},
		{"no length, packed", pack(strings.Replace(a, "Content-Length: 22", "X: 1", 1)) + pack(b), `the record's Content-Length "" is no length|http://a.example/2`},
		{"rubbish before", "rubbish\r\n" + a + b, "here should begin a record, with WARC/1.0 or WARC/1.1|http://a.example/1|http://a.example/2"},
		{"rubbish within a stream", pack(a + "rubbish\r\n" + b), "http://a.example/1|here should begin a record, with WARC/1.0 or WARC/1.1|http://a.example/2"},
		{"rubbish between members", pack(a) + "\x1f\x8b\x08rubbish" + pack(b), "http://a.example/1|the gzip member is damaged (gzip: invalid header)|http://a.example/2"},
		{"line ends without returns", strings.ReplaceAll(strings.ReplaceAll(a, "\r\n", "\n"), "Content-Length: 22", "Content-Length: 20") + b, "http://a.example/1|http://a.example/2"},
		{"empty members", pack("") + pack(a) + pack("") + pack(b) + pack(""), "http://a.example/1|http://a.example/2"},
		{"a mixture", a + pack(b) + a, "http://a.example/1|http://a.example/2|http://a.example/1"},
		{"an endless head", "WARC/1.0\r\nX: " + strings.Repeat("x", MaxHead) + "\r\n\r\n" + a, "the head is longer than 64 KiB|http://a.example/1"},
		{"endless fields", "WARC/1.0\r\n" + strings.Repeat("X: x\r\n", MaxHead/5) + "\r\n" + a, "the head is longer than 64 KiB|http://a.example/1"},
		{"an endless version", pack("WARC/"+strings.Repeat("x", 2*MaxHead)) + pack(a), "the head is longer than 64 KiB|http://a.example/1"},
		{"no file of this kind", "<html><p>Not found</p></html>", "here should begin a record, with WARC/1.0 or WARC/1.1"},
		{"nothing", "", ""},
	} {
		var got []string
		for _, s := range read(t, c.file, Pos{}) {
			if _, what, ok := strings.Cut(s.err, ": the"); ok { // the place is told besides
				s.err = "the" + what
			}
			if s.err != "" {
				got = append(got, s.err)
			} else {
				got = append(got, strings.TrimPrefix(s.uri, "response "))
			}
		}
		if g := strings.Join(got, "|"); g != c.want {
			t.Errorf("%s:\ngot  %s\nwant %s", c.name, g, c.want)
		}
	}
}

// What the input fails with is no damage of the file.
func TestBrokenTransfer(t *testing.T) {
	broken := errors.New("the line is dead")
	for name, file := range allForms(t, sample()) {
		for cut := 0; cut < len(file); cut += 1009 {
			r := NewReader(io.MultiReader(strings.NewReader(file[:cut]), iotest.ErrReader(broken)), Pos{})
			for {
				_, err := r.Next()
				if err == broken {
					if _, err := r.Next(); err != broken {
						t.Fatalf("%s: behind the end of the transfer: %v", name, err)
					}
					break
				}
				if err != nil {
					t.Fatalf("%s broken at %d: %v", name, cut, err)
				}
			}
		}
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}

// A record of any length is passed over in little memory.
func TestLongRecord(t *testing.T) {
	const long = 64 << 20
	head := fmt.Sprintf("WARC/1.0\r\nWARC-Type: response\r\nContent-Length: %d\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", long+19)
	after := "\r\n\r\n" + text(Response, "http://a.example/2", "", "HTTP/1.1 200 OK\r\n\r\ntwo")
	var m0, m1 runtime.MemStats
	runtime.ReadMemStats(&m0)
	r := NewReader(io.MultiReader(strings.NewReader(head), io.LimitReader(endless{}, long), strings.NewReader(after)), Pos{})
	if _, err := r.Next(); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Head(); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Body(5 << 20); err == nil || err.Error() != "at byte 0: the body is larger than 5120 KiB" {
		t.Fatal(err)
	}
	if rec, err := r.Next(); err != nil || rec.URI != "http://a.example/2" {
		t.Fatal(rec, err)
	}
	runtime.ReadMemStats(&m1)
	if n := m1.TotalAlloc - m0.TotalAlloc; n > 16<<20 {
		t.Errorf("passing over it took %d bytes", n)
	}
}

func FuzzReader(f *testing.F) {
	for _, file := range allForms(f, sample()[:4]) {
		f.Add([]byte(file))
		f.Add([]byte(file[:len(file)-len(file)/3]))
	}
	f.Add([]byte(pack(text(Response, "http://a.example/", "", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Encoding: gzip\r\n\r\n5\r\nhello\r\n0\r\n\r\n"))))
	f.Fuzz(func(t *testing.T, file []byte) {
		all := read(t, string(file), Pos{})
		last := Pos{-1, 0}
		for i, s := range all {
			if s.err != "" {
				continue
			}
			if s.at.Offset < last.Offset || s.at.Offset == last.Offset && s.at.Inner < last.Inner {
				t.Fatalf("the record at %v comes behind %v", s.at, last)
			}
			if last = s.next; s.next.Offset > int64(len(file)) {
				t.Fatalf("the next record at %v lies outside", s.next)
			}
			// Behind a whole record, the rest reads the same from there. A stream that fails further on reads as it did: from its member's start.
			if rest := read(t, string(file), s.next); !slices.Equal(rest, all[i+1:]) {
				t.Fatalf("from %v:\n%+v\nbut before:\n%+v", s.next, rest, all[i+1:])
			}
		}
	})
}
