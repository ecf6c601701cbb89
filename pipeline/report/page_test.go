package report

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"wirewatch/pipeline/store"
)

// make is the report of a week of a newsroom.
func makeReport(t *testing.T, st *store.Store, days int) *Report {
	t.Helper()
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	a := About{Since: time.Date(2026, 3, 13-days, 0, 0, 0, 0, berlin), Until: until, Zone: berlin, Made: until, Version: "test"}
	n, err := st.Report(t.Context(), store.ReportFilter{Since: a.Since, Until: a.Until})
	if err != nil {
		t.Fatal(err)
	}
	return New(a, n)
}

func pageOf(t *testing.T, r *Report) string {
	t.Helper()
	var b bytes.Buffer
	if err := r.HTML(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// WIREWATCH_REPORT=FOLDER writes the page of 10,000 articles there, to be looked at, and says how long it took.
func TestLook(t *testing.T) {
	dir := os.Getenv("WIREWATCH_REPORT")
	if dir == "" {
		t.Skip("WIREWATCH_REPORT names no folder to write the page to")
	}
	st := newsroom(t, 10000)
	for _, days := range []int{7, 1, 14} {
		began := time.Now()
		r := makeReport(t, st, days)
		page := pageOf(t, r)
		t.Logf("%d days: %d articles, %d bytes, %v", days, r.Articles, len(page), time.Since(began).Round(time.Millisecond))
		if err := os.WriteFile(filepath.Join(dir, "report"+strconv.Itoa(days)+".html"), []byte(page), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
