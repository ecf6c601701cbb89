package past

import (
	"encoding/json"

	"wirewatch/scrapers/sitemap"
)

// A sitemapMark is how far the walk is in one list of entries. The cursor is the marks from the list of roots down to the document that is being
// read.
//
// A list may have grown, or lost entries, when it is read again. So a mark counts only where the entries in front of it are the ones that were
// done: else the list is read from its beginning. That finds pages twice, which costs little as they are known by then, and loses none.
type sitemapMark struct {
	Of  string `json:"of,omitempty"` // the document; "": the list of roots
	N   int    `json:"n"`            // entries that are done
	Sum uint64 `json:"sum,string"`   // of these
}

const (
	fnvOffset = 14695981039346656037 // FNV-1a, 64 bits: RFC 9923
	fnvPrime  = 1099511628211
)

// add counts an entry. left says that it was left out for its date: a child sitemap that has since changed has to be read.
func (m *sitemapMark) add(e *sitemap.Entry, left bool) {
	if m.N++; m.N == 1 {
		m.Sum = fnvOffset
	}
	for i := range len(e.URL) {
		m.Sum = (m.Sum ^ uint64(e.URL[i])) * fnvPrime
	}
	end := uint64('\n')
	if e.Child && left {
		end = '-'
	}
	m.Sum = (m.Sum ^ end) * fnvPrime
}

func sitemapCursor(path []sitemapMark) string {
	b, err := json.Marshal(path)
	if err != nil { // strings and numbers always can
		return ""
	}
	return string(b)
}

// parseSitemapCursor reads a cursor. What is none begins at the beginning.
func parseSitemapCursor(s string) []sitemapMark {
	var path []sitemapMark
	if json.Unmarshal([]byte(s), &path) != nil {
		return nil
	}
	return path
}
