// Package seeds holds knowledge as data, embedded in the binary: the feeds and
// rules that a newcomer starts from. The demo newsroom and the boilerplate
// lexicon stand in packages of their own below it.
//
// Contract: data only. The package reads nothing else and imports nothing of
// the pipeline.
package seeds

import (
	"embed"
	"io/fs"
)

//go:embed feeds.yaml rules
var files embed.FS

// Feeds is YAML in the form of a config's `feeds:` list: public feeds of
// outlets that write about arms transfers between North Korea and Russia.
func Feeds() []byte { return must("feeds.yaml") }

// Rules are the starter rule files (*.yaml), each with one `rules:` list.
func Rules() fs.FS {
	sub, err := fs.Sub(files, "rules")
	if err != nil {
		panic(err) // only for an invalid constant path
	}
	return sub
}

func must(name string) []byte {
	b, err := files.ReadFile(name)
	if err != nil {
		panic(err) // the file is embedded above
	}
	return b
}
