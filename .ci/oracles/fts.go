package main

import (
	"database/sql"
	"fmt"
	"strings"

	_ "github.com/mattn/go-sqlite3"
)

// fts is SQLite FTS5 with its tokenizer for Unicode, to which marks are told to be parts of words, as they are in Hindi.
type fts struct{ db *sql.DB }

func newFTS(articles []*article) (*fts, error) {
	db, err := sql.Open("sqlite3", ":memory:")
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1) // each connection would have a memory of its own
	if _, err := db.Exec(`CREATE VIRTUAL TABLE t USING fts5(title, body, tokenize = "unicode61 remove_diacritics 2 categories 'L* N* Co M*'")`); err != nil {
		return nil, err
	}
	tx, err := db.Begin()
	if err != nil {
		return nil, err
	}
	for i, a := range articles {
		if _, err := tx.Exec(`INSERT INTO t(rowid, title, body) VALUES(?, ?, ?)`, i, a.Title, a.Body); err != nil {
			return nil, err
		}
	}
	return &fts{db}, tx.Commit()
}

func (f *fts) name() string { return "SQLite FTS5" }

func (f *fts) knows(op string) bool { return op != "pattern" }

func (f *fts) close() error { return f.db.Close() }

func (f *fts) query(q *query) string {
	quoted := func(w string) string { return `"` + strings.ReplaceAll(w, `"`, `""`) + `"` }
	in := ""
	if q.field != "" {
		in = q.field + " : "
	}
	switch q.op {
	case "and", "or", "not":
		return "(" + f.query(q.kids[0]) + ") " + strings.ToUpper(q.op) + " (" + f.query(q.kids[1]) + ")"
	case "prefix":
		return in + quoted(q.words[0]) + " *"
	case "near", "loose":
		var w []string
		for _, x := range q.words {
			w = append(w, quoted(x))
		}
		n := q.n
		if q.op == "loose" {
			n += len(w) - 2 // the words in the middle stand between the first and the last as well
		}
		return fmt.Sprintf("%sNEAR(%s, %d)", in, strings.Join(w, " "), n)
	}
	return in + quoted(q.words[0])
}

func (f *fts) decide(q *query) (map[int]bool, error) {
	rows, err := f.db.Query(`SELECT rowid FROM t WHERE t MATCH ?`, f.query(q))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.query(q), err)
	}
	defer rows.Close()
	out := map[int]bool{}
	for rows.Next() {
		var id int
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		out[id] = true
	}
	return out, rows.Err()
}

// where is taken from the highlights, which are marked by two characters that no text has.
func (f *fts) where(q *query, doc int) ([]span, error) {
	const open, shut = "\x01", "\x02"
	var title, body string
	err := f.db.QueryRow(`SELECT highlight(t, 0, ?, ?), highlight(t, 1, ?, ?) FROM t WHERE t MATCH ? AND rowid = ?`,
		open, shut, open, shut, f.query(q), doc).Scan(&title, &body)
	if err != nil {
		return nil, err
	}
	var out []span
	for _, x := range []struct{ name, text string }{{"title", title}, {"body", body}} {
		at := 0
		for rest := x.text; ; {
			before, behind, ok := strings.Cut(rest, open)
			if !ok {
				break
			}
			at += len(before)
			hit, behind, _ := strings.Cut(behind, shut)
			out = append(out, span{x.name, at, at + len(hit)})
			at += len(hit)
			rest = behind
		}
	}
	return out, nil
}
