// Package warc reads and writes WARC files (ISO 28500, versions 1.0 and 1.1): the files in which web archives keep what
// they have fetched. It is pure: it reads an io.Reader and writes an io.Writer.
//
// The contract of the Reader. It reads files that are not compressed, that have a gzip member for each record (as the standard
// wants it) or zstd frames (as https://iipc.github.io/warc-specifications/specifications/warc-zstd/ proposes, its dictionary included),
// and that are one stream of either; which one shows by the bytes, at every record. Memory is flat: a record's block
// is loaded only when it is asked for, and only up to the bound that the caller names; headers are bounded by MaxHead. Each record has
// the Pos where it begins, and a Reader can begin at each such Pos again. What is damaged is told by a Damage, with everything
// before it handed out already, and reading goes on at the next member or frame that holds a record, or at the next line that begins
// a record. What the input itself fails with (a broken transfer) is no Damage and ends the reading.
//
// Of HTTP responses it undoes chunks, gzip, deflate, Brotli and zstd, also where they were declared and are not there, as many crawlers
// store bodies decoded under their old headers.
package warc

import (
	"fmt"
	"strings"
	"time"
)

// MaxHead is the most bytes that the named fields of a record, or the headers of an HTTP response, may have.
const MaxHead = 64 << 10

// The types of records that this package has a word for; there are more.
const (
	Info       = "warcinfo"
	Response   = "response"
	Resource   = "resource"
	Revisit    = "revisit"
	Conversion = "conversion"
)

// A Pos is a place in a file where a record begins. Order by Offset, then by Inner.
type Pos struct {
	Offset int64 // bytes of the file before the record, or before the gzip member or zstd frame that it lies in
	Inner  int64 // bytes of what that unpacks to before the record; 0 where each record has its own, and where nothing is packed
}

func (p Pos) String() string {
	if p.Inner == 0 {
		return fmt.Sprintf("byte %d", p.Offset)
	}
	return fmt.Sprintf("byte %d of what is packed at byte %d", p.Inner, p.Offset)
}

// A Damage says that something is wrong with a file at a place, and that reading may go on behind it.
type Damage struct {
	At   Pos
	What string // "the gzip member is damaged"
}

func (d *Damage) Error() string { return fmt.Sprintf("at %v: %s", d.At, d.What) }

// A Fault says that something is wrong with what is in a record. The file is sound, and the next record follows.
type Fault struct {
	At   Pos
	What string // "the gzip body is broken (unexpected EOF)"
}

func (f *Fault) Error() string { return fmt.Sprintf("at %v: %s", f.At, f.What) }

// A Field is one named field of a record, or one HTTP header.
type Field struct{ Name, Value string }

// A Header is fields in the order of the file.
type Header []Field

// Value is the first value under a name, in whatever case; "" when there is none.
func (h Header) Value(name string) string {
	for _, f := range h {
		if strings.EqualFold(f.Name, name) {
			return f.Value
		}
	}
	return ""
}

// A Record is one record without its block. It is valid until the Reader's Next; its strings are valid for ever.
type Record struct {
	At      Pos
	Version string // "1.0"
	Type    string // in lower case
	URI     string // WARC-Target-URI without angle brackets, "" when there is none
	Date    time.Time
	Length  int64 // bytes of the block
	Header  Header
}

// Truncated is the reason why the archive kept less than there was ("length", "time", "disconnect"); "" when it kept all.
func (r *Record) Truncated() string { return r.Header.Value("WARC-Truncated") }

// A Reference is what a revisit refers to: the record that has the payload. Fields that the revisit does not say are "" and zero.
type Reference struct {
	ID, URI, Digest string
	Date            time.Time
}

// RefersTo says where the payload of a revisit is to be found.
func (r *Record) RefersTo() Reference {
	return Reference{
		ID:     r.Header.Value("WARC-Refers-To"),
		URI:    strings.Trim(r.Header.Value("WARC-Refers-To-Target-URI"), "<>"),
		Digest: r.Header.Value("WARC-Payload-Digest"),
		Date:   date(r.Header.Value("WARC-Refers-To-Date")),
	}
}

// date reads a WARC-Date; what is none is the zero time.
func date(s string) time.Time {
	for _, layout := range []string{time.RFC3339, "20060102150405", "2006-01-02T15:04Z07:00", "2006-01-02", "2006-01", "2006"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC()
		}
	}
	return time.Time{}
}

// fields parses lines of "Name: value"; a line that begins with a blank goes on with the value before it. Lines without a colon are skipped.
func fields(into Header, text string) Header {
	for text != "" {
		line := text
		if i := strings.IndexByte(text, '\n'); i >= 0 {
			line, text = text[:i], text[i+1:]
		} else {
			text = ""
		}
		line = strings.TrimSuffix(line, "\r")
		if line != "" && (line[0] == ' ' || line[0] == '\t') {
			if n := len(into); n > 0 {
				into[n-1].Value = strings.TrimLeft(into[n-1].Value+" "+strings.TrimSpace(line), " ")
			}
			continue
		}
		if name, value, ok := strings.Cut(line, ":"); ok {
			into = append(into, Field{strings.TrimSpace(name), strings.TrimSpace(value)})
		}
	}
	return into
}
