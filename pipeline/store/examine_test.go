package store

import (
	"fmt"
	"strings"
	"testing"

	"wirewatch/pipeline"
)

// Every rule that Examine holds is broken once, and it says that one and nothing else.
func TestExamineFindsWhatDoesNotFit(t *testing.T) {
	words := func(*pipeline.Article) []string { return []string{"word"} }
	for i, c := range []struct {
		breaks string
		deep   bool
		want   string
		rows   int64
	}{
		{`UPDATE stories SET merged_into = 3 WHERE id = 1`, false, "articles are of a story that does not stand", 1},
		{`INSERT INTO stories (title, created, merged_into) VALUES ('', 0, 999)`, false, "stories were merged into one that is not there", 1},
		{`INSERT INTO items (feed, guid, canonical, host, origin, quiet, state, due, attempts, error, first_seen, article, updated, published, published_raw, url, title, author, tags, summary, content)
			VALUES ('f', 'g', '', '', 'poll', 0, 'done', 0, 0, '', 0, 999, 0, 0, '', '', '', '', '[]', '', '')`, false, "items refer to an article", 1},
		{`INSERT INTO alerts (rule, subject, kind, seq, created, story, article, spans, payload) VALUES ('r', 's', 'match', 0, 0, 0, 999, '[]', '')`, false, "alerts are about an article", 1},
		{`INSERT INTO alerts (rule, subject, kind, seq, created, story, article, spans, payload) VALUES ('r', 's', 'match', 0, 0, 999, 0, '[]', '')`, false, "alerts are about a story", 1},
		{`DELETE FROM kept WHERE article = 2; DELETE FROM pages WHERE article = 2`, false, "not in the account", 1},
		{`UPDATE articles SET pruned = 1 WHERE id = 2`, false, "in another way than the account", 1},
		{`UPDATE kept SET level = 1, page = 0; UPDATE articles SET pruned = 1`, false, "pages are kept of articles", 3},
		{`UPDATE articles SET relation = 'copy', of_id = 999 WHERE id = 3`, true, "copies or versions of one that is not there", 1},
		{`UPDATE kept SET body = body + 1 WHERE article > 1`, true, "another room", 2},
		{`UPDATE pages SET body = zeroblob(octet_length(body)) WHERE article = 2`, true, "pages cannot be unpacked (the first is that of article 2)", 1},
		{`UPDATE pages SET size = size + 1 WHERE article = 3`, true, "pages cannot be unpacked (the first is that of article 3)", 1},
		{`UPDATE articles SET tags = '][' WHERE id > 1`, true, "articles cannot be read (the first is 2: ", 2},
		{`INSERT INTO search_stale (article) VALUES (1)`, false, "not in the word index", 1},
	} {
		s := openTest(t, newDB(t), Options{})
		for n := range 3 {
			if err := put(t.Context(), s, fmt.Sprint("o", n), 500); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := s.IndexWords(t.Context(), 1, words); err != nil {
			t.Fatal(err)
		}
		if found, err := s.Examine(t.Context(), 1, true); err != nil || len(found) != 0 {
			t.Fatalf("before it is broken: %v, %v", found, err)
		}
		for _, q := range strings.Split(c.breaks, "; ") {
			if _, err := s.w.Exec(q); err != nil {
				t.Fatalf("%d: %v", i, err)
			}
		}
		found, err := s.Examine(t.Context(), 1, true)
		if err != nil || len(found) != 1 || !strings.Contains(found[0].What, c.want) || found[0].Rows != c.rows || found[0].Cure == "" {
			t.Errorf("after %s: %+v, %v", c.breaks, found, err)
		}
		if found, err := s.Examine(t.Context(), 1, false); err != nil || (len(found) == 0) != c.deep {
			t.Errorf("not deep, after %s: %+v, %v", c.breaks, found, err)
		}
		s.Close()
	}
}
