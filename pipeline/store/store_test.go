package store_test

import (
	"database/sql"
	"errors"
	"fmt"
	"math/rand"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"wirewatch/pipeline"
	"wirewatch/pipeline/store"
	"wirewatch/pipeline/store/storetest"
)

// server is the private PostgreSQL of this package's tests, files are their SQLite stores.
var (
	server storetest.Lazy
	files  storetest.Files
)

func TestMain(m *testing.M) {
	code := m.Run()
	if err := server.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, "stop PostgreSQL:", err)
		code = max(code, 1)
	}
	os.Exit(code)
}

func open(t testing.TB, dsn string, o store.Options) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), dsn, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return s
}

func openSQLite(t testing.TB, o store.Options) *store.Store {
	return open(t, files.Migrated(t), o)
}

func openPostgres(t testing.TB, o store.Options) *store.Store { return open(t, server.Migrated(t), o) }

func TestSQLite(t *testing.T) {
	storetest.Run(t, func(t *testing.T, o store.Options) *store.Store { return openSQLite(t, o) })
}

func TestPostgres(t *testing.T) {
	server.Database(t) // skips once, with the reason, instead of in each part
	storetest.Run(t, func(t *testing.T, o store.Options) *store.Store { return openPostgres(t, o) })
}

// engines are the databases that tests outside the suite run on.
func engines(t *testing.T, f func(t *testing.T, dsn string)) {
	t.Run("sqlite", func(t *testing.T) { f(t, filepath.Join(t.TempDir(), "wirewatch.db")) })
	t.Run("postgres", func(t *testing.T) { f(t, server.Database(t)) })
}

func TestNewerIsRefused(t *testing.T) {
	engines(t, func(t *testing.T, dsn string) {
		open(t, dsn, store.Options{})
		driver := "sqlite3"
		if strings.HasPrefix(dsn, "postgres:") {
			driver = "pgx"
		}
		db, err := sql.Open(driver, dsn)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		if _, err := db.Exec(`INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, true)`); err != nil {
			t.Fatal(err)
		}
		_, err = store.Open(t.Context(), dsn, store.Options{})
		if !errors.Is(err, store.ErrNewer) || !strings.Contains(err.Error(), "9999") {
			t.Errorf("a database of schema 9999: %v", err)
		}
	})
}

func TestOpenAtOnce(t *testing.T) {
	engines(t, func(t *testing.T, dsn string) {
		var wg sync.WaitGroup
		for range 6 {
			wg.Go(func() {
				s, err := store.Open(t.Context(), dsn, store.Options{})
				if err != nil {
					t.Error(err)
					return
				}
				if i, err := s.Info(t.Context()); err != nil || i.Schema < 1 {
					t.Errorf("schema %d: %v", i.Schema, err)
				}
				if err := s.Close(); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
	})
}

func TestPostgresSpeaks(t *testing.T) {
	dsn := server.Database(t)
	s := open(t, dsn, store.Options{})
	if err := s.Backup(t.Context(), filepath.Join(t.TempDir(), "x")); err == nil || !strings.Contains(err.Error(), "pg_dump") {
		t.Errorf("backup: %v", err)
	}
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	u.Path = "/nothing"
	if _, err := store.Open(t.Context(), u.String(), store.Options{}); err == nil || !strings.Contains(err.Error(), "createdb") {
		t.Errorf("a database that is not there: %v", err)
	}
}

// TestServerStops: no server outlives the process that started it.
func TestServerStops(t *testing.T) {
	server.Database(t)
	p, err := storetest.StartPostgres()
	if err != nil {
		t.Fatal(err)
	}
	dsn := ""
	t.Run("use", func(t *testing.T) { dsn = p.Database(t) })
	if err := p.Stop(); err != nil {
		t.Error(err)
	}
	if _, err := store.Open(t.Context(), dsn, store.Options{}); err == nil {
		t.Error("the server still answers")
	}
}

func benchmarks(b *testing.B, f func(b *testing.B, s *store.Store)) {
	b.Run("sqlite", func(b *testing.B) { f(b, openSQLite(b, store.Options{})) })
	b.Run("postgres", func(b *testing.B) { f(b, openPostgres(b, store.Options{})) })
}

func lease(b *testing.B, s *store.Store, kind, key string) pipeline.Lease {
	b.Helper()
	l, ok, err := s.Acquire(b.Context(), kind, key, "bench", time.Now(), time.Now().Add(time.Hour))
	if err != nil || !ok {
		b.Fatal(ok, err)
	}
	return l
}

func entries(n int) []pipeline.Item {
	its := make([]pipeline.Item, n)
	for i := range its {
		link := fmt.Sprintf("https://news.example/2026/05/article-%d.html", i)
		its[i] = pipeline.Item{Canonical: link, Host: "news.example", Entry: pipeline.Entry{GUID: link, URL: link, Title: "A headline of usual length, number",
			Summary: strings.Repeat("Some words of a summary. ", 12), Updated: time.Unix(1700000000, 0)}}
	}
	return its
}

// BenchmarkSavePoll polls a feed of 500 entries that are all known and open, which is the dearest way to change nothing.
func BenchmarkSavePoll(b *testing.B) {
	benchmarks(b, func(b *testing.B, s *store.Store) {
		if err := s.SyncFeeds(b.Context(), []pipeline.Feed{{Name: "f", Kind: "rss", URL: "u"}}); err != nil {
			b.Fatal(err)
		}
		f, err := s.Feed(b.Context(), "f")
		if err != nil {
			b.Fatal(err)
		}
		l, its := lease(b, s, "poll", "f"), entries(500)
		for n := 0; b.Loop(); n++ {
			f.Entries = n
			if _, err := s.SavePoll(b.Context(), l, f, its); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkSavePollNew stores 500 new entries.
func BenchmarkSavePollNew(b *testing.B) {
	benchmarks(b, func(b *testing.B, s *store.Store) {
		if err := s.SyncFeeds(b.Context(), []pipeline.Feed{{Name: "f", Kind: "rss", URL: "u"}}); err != nil {
			b.Fatal(err)
		}
		f, err := s.Feed(b.Context(), "f")
		if err != nil {
			b.Fatal(err)
		}
		l, its := lease(b, s, "poll", "f"), entries(500)
		for n := 0; b.Loop(); n++ {
			for i := range its {
				its[i].Entry.GUID = fmt.Sprint(n, "-", i)
				its[i].Canonical = its[i].Entry.GUID
			}
			if _, err := s.SavePoll(b.Context(), l, f, its); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkWrite stores an article with its story, page of 60 KB, match, alert to two channels, as processing does.
func BenchmarkWrite(b *testing.B) {
	benchmarks(b, func(b *testing.B, s *store.Store) {
		l := lease(b, s, "process", "news.example")
		body := strings.Repeat("The minister told reporters on Monday that the talks would go on. ", 60)
		blocks := make([]pipeline.Block, 30)
		for i := range blocks {
			blocks[i] = pipeline.Block{Class: "body", Kept: true, Text: body[:200]}
		}
		r := rand.New(rand.NewSource(1))
		var html strings.Builder
		for html.Len() < 60<<10 { // compresses about as markup does
			fmt.Fprintf(&html, "<div class=\"c%d\"><a href=\"/news/%x\">%s</a></div>\n", r.Intn(50), r.Int63(), body[r.Intn(40):40+r.Intn(25)])
		}
		page := &pipeline.Page{URL: "https://news.example/1", Status: 200, Body: []byte(html.String())}
		now, last := time.Now(), int64(0)
		for n := 0; b.Loop(); n++ {
			err := s.Write(b.Context(), l, func(tx pipeline.Tx) error {
				err := tx.Changes(last, now.Add(-time.Hour), func(c pipeline.Change) error { last = c.Seq; return nil })
				if err != nil {
					return err
				}
				link := fmt.Sprint("https://news.example/", n)
				if _, _, err := tx.ArticleByURL(link); err != nil {
					return err
				}
				id, err := tx.OpenStory("A headline", now)
				if err != nil {
					return err
				}
				a := pipeline.Article{Story: id, URL: link, Canonical: link, Site: "news.example", Title: "A headline", Body: body, Blocks: blocks,
					Sketch: make([]byte, 512), Seen: now}
				if _, err := tx.InsertArticle(&a, page); err != nil {
					return err
				}
				if err := tx.SaveMatches(a.ID, []pipeline.Match{{Rule: "r", Spans: []pipeline.Span{{Field: "body", Start: 4, End: 12}}}}); err != nil {
					return err
				}
				_, err = tx.RaiseAlert(pipeline.Alert{Rule: "r", Kind: pipeline.KindMatch, Story: pipeline.Story{ID: id}, Article: a}, []string{"slack", "hook"})
				return err
			})
			if err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkNoteBlocks stores small articles of twenty blocks, two of which the site repeats, with their fingerprints; the difference to
// the run without is what learning costs in the transaction.
func BenchmarkNoteBlocks(b *testing.B) {
	for _, note := range []bool{false, true} {
		b.Run(fmt.Sprintf("note=%t", note), func(b *testing.B) {
			benchmarks(b, func(b *testing.B, s *store.Store) {
				l, r := lease(b, s, "process", "news.example"), rand.New(rand.NewSource(1))
				for n := 0; b.Loop(); n++ {
					prints := make([]pipeline.Print, 20)
					for i := range prints {
						prints[i] = pipeline.Print{Hash: int64(r.Uint64()), Foreign: true, Before: i, After: 19 - i}
					}
					prints[18].Hash, prints[19].Hash = 18, 19
					err := s.Write(b.Context(), l, func(tx pipeline.Tx) error {
						id, err := tx.OpenStory("A headline", time.Now())
						if err != nil {
							return err
						}
						a := pipeline.Article{Story: id, Site: "news.example", Title: "A headline", Source: pipeline.SourcePage, Seen: time.Now()}
						if _, err = tx.InsertArticle(&a, nil); err == nil && note {
							_, err = tx.NoteBlocks(&a, prints)
						}
						return err
					})
					if err != nil {
						b.Fatal(err)
					}
				}
			})
		})
	}
}
