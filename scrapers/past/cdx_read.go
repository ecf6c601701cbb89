package past

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"wirewatch/scrapers"
)

// A capture is one line of a CDX index: a page that an archive has taken.
type capture struct {
	key      string // the page's address in the order of the index: org,example)/a
	original string // the address as it was taken
	taken    time.Time
	length   int64 // bytes that it takes in the archive, packed; 0: not said
}

// A cdxAnswer is what a CDX server says to one question.
type cdxAnswer struct {
	captures []capture
	next     string // where the listing goes on; "": the server knows of no more
	rows     int    // lines in it
	odd      int    // lines that are no captures
}

// empty says that there is nothing in it, not even a key: perhaps there is nothing, perhaps the server is at a loss.
func (a cdxAnswer) empty() bool { return a.rows == 0 && a.next == "" }

// cdxFields are what is asked of the index. Without urlkey the server's resume keys lack the address, and lead anywhere.
const cdxFields = "urlkey,timestamp,original,mimetype,statuscode,digest,length"

var (
	errCDXCut  = errors.New("the answer breaks off")
	errCDXForm = errors.New("the answer is not that of a Wayback CDX server")
)

// readCDX reads the answer of a CDX server, JSON or text.
func readCDX(doc []byte) (cdxAnswer, error) {
	doc = bytes.TrimSpace(doc)
	var rows [][]string
	switch {
	case len(doc) == 0:
		return cdxAnswer{}, nil
	case doc[0] == '[':
		if err := json.Unmarshal(doc, &rows); err != nil {
			var syntax *json.SyntaxError
			if errors.As(err, &syntax) && syntax.Offset >= int64(len(doc)) {
				return cdxAnswer{}, errCDXCut
			}
			return cdxAnswer{}, errCDXForm
		}
	case doc[0] == '<' || doc[0] == '{':
		return cdxAnswer{}, errCDXForm
	default:
		for line := range strings.Lines(string(doc)) {
			rows = append(rows, strings.Fields(line))
		}
	}
	return readRows(rows)
}

func readRows(rows [][]string) (cdxAnswer, error) {
	var a cdxAnswer
	column := map[string]int{}
	for i, name := range strings.Split(cdxFields, ",") {
		column[name] = i
	}
	if len(rows) > 0 && len(rows[0]) > 1 && headed(rows[0]) {
		clear(column)
		for i, name := range rows[0] {
			column[name] = i
		}
		rows = rows[1:]
	}
	// The key stands alone behind an empty line.
	if n := len(rows); n > 1 && len(rows[n-2]) == 0 && len(rows[n-1]) == 1 {
		a.next, rows = rows[n-1][0], rows[:n-2]
	}
	a.rows = len(rows)
	field := func(row []string, name string) string {
		if i, ok := column[name]; ok && i < len(row) {
			return row[i]
		}
		return ""
	}
	for _, row := range rows {
		c := capture{key: field(row, "urlkey"), original: field(row, "original")}
		var err error
		if c.taken, err = time.Parse(scrapers.CaptureTime, field(row, "timestamp")); err != nil || c.original == "" {
			a.odd++
			continue
		}
		// Only good pages were asked for, but not every server filters.
		if s := field(row, "statuscode"); s != "" && s != "200" {
			continue
		}
		if m := field(row, "mimetype"); m != "" && !strings.Contains(m, "html") {
			continue
		}
		if n, err := strconv.ParseInt(field(row, "length"), 10, 64); err == nil && n > 0 {
			c.length = n
		}
		if c.key == "" {
			c.key = strings.ToLower(c.original)
		}
		a.captures = append(a.captures, c)
	}
	if a.odd > 0 && a.odd == a.rows && a.next == "" {
		return cdxAnswer{}, errCDXForm
	}
	return a, nil
}

// headed reports whether a row names columns.
func headed(row []string) bool { return slices.Contains(row, "timestamp") }
