package main

import (
	"errors"
	"os"
	"strings"

	"wirewatch/scrapers/extract"
	"wirewatch/seeds"
)

// newExtractor makes the extractor with the shipped site rules and those of the user's folder; "": no folder. Mistakes in
// rules come back as siteMistakes.
func newExtractor(folder string) (*extract.Extractor, error) {
	x, err := extract.New(seeds.Lexicon())
	if err != nil {
		return nil, err
	}
	list := []extract.SiteFolder{{Path: "seeds/sites", FS: seeds.Sites()}}
	if folder != "" {
		list = append(list, extract.SiteFolder{Path: folder, FS: os.DirFS(folder)})
	}
	if x, err = x.WithSites(list...); err == nil {
		return x, nil
	}
	var all siteMistakes
	if j, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range j.Unwrap() {
			var se *extract.SiteError
			if !errors.As(e, &se) {
				return nil, err
			}
			all = append(all, se)
		}
	}
	if len(all) == 0 {
		return nil, err
	}
	return nil, all
}

// siteMistakes are all that is wrong in site rules.
type siteMistakes []*extract.SiteError

// Error gives one mistake a line.
func (m siteMistakes) Error() string {
	lines := make([]string, len(m))
	for i, e := range m {
		lines[i] = e.Error()
	}
	return strings.Join(lines, "\n")
}
