// Package seeds holds knowledge as data, embedded in the binary: the feeds and
// rules that a newcomer starts from, and the lexicon by which the extractor tells
// boilerplate from journalism. The demo newsroom stands in a package of its own
// below it.
//
// Contract: data only. The package reads nothing else and imports nothing of
// the pipeline.
package seeds

import (
	"embed"
	"io/fs"
)

//go:embed feeds.yaml rules lexicon sites
var files embed.FS

// Feeds is YAML in the form of a config's `feeds:` list: public feeds of
// outlets that write about arms transfers between North Korea and Russia.
func Feeds() []byte { return must("feeds.yaml") }

// Rules are the starter rule files (*.yaml), each with one `rules:` list.
func Rules() fs.FS { return sub("rules") }

// Lexicon is what extraction knows of boilerplate, a file a class (*.yaml).
func Lexicon() fs.FS { return sub("lexicon") }

// Sites are the shipped site rules (*.yaml): where pages of single sites keep
// their parts. They are examples; extraction does not depend on them.
func Sites() fs.FS { return sub("sites") }

func sub(dir string) fs.FS {
	f, err := fs.Sub(files, dir)
	if err != nil {
		panic(err) // only for an invalid constant path
	}
	return f
}

func must(name string) []byte {
	b, err := files.ReadFile(name)
	if err != nil {
		panic(err) // the file is embedded above
	}
	return b
}
