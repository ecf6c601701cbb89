package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"wirewatch/alerts"
	"wirewatch/alerts/rules"
	"wirewatch/configs"
)

// mistakes are all that is wrong in a configuration, whoever found it, in the order of the file.
type mistakes []configs.Error

// Error gives one mistake a line, or several where a query is shown.
func (m mistakes) Error() string {
	lines := make([]string, len(m))
	for i, x := range m {
		lines[i] = x.Error()
	}
	return strings.Join(lines, "\n")
}

// add takes what a part found wrong; at is the place of a line in what that part was given. It says whether err was a mistake of the
// file; what is not (a file that cannot be read) is for the caller.
func (m *mistakes) add(err error, at func(key string, line int) configs.Pos) bool {
	var (
		known    mistakes
		many     configs.Errors
		one      configs.Error
		settings alerts.Mistakes
		inRules  rules.Mistakes
		site     siteMistakes
	)
	switch {
	case errors.As(err, &known):
		*m = append(*m, known...)
	case errors.As(err, &many):
		*m = append(*m, many...)
	case errors.As(err, &one):
		*m = append(*m, one)
	case errors.As(err, &settings):
		for _, s := range settings {
			*m = append(*m, at(s.Key, s.Line).Errorf(s.Key, s.Hint, "%s", s.Msg))
		}
	case errors.As(err, &inRules):
		for _, r := range inRules {
			*m = append(*m, configs.Pos(r.Place).Errorf("", "", "%s", r.Msg))
		}
	case errors.As(err, &site):
		for _, s := range site {
			*m = append(*m, configs.Pos{File: s.File, Line: s.Line, Col: 1}.Errorf("", "", "%s", s.Msg))
		}
	default:
		return false
	}
	return true
}

// err sorts what was found, the file first in front; nil when nothing was.
func (m mistakes) err(first string) error {
	if len(m) == 0 {
		return nil
	}
	slices.SortStableFunc(m, func(a, b configs.Error) int {
		if (a.File == first) != (b.File == first) {
			if a.File == first {
				return -1
			}
			return 1
		}
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Col, b.Col))
	})
	return slices.CompactFunc(m, func(a, b configs.Error) bool { return a == b })
}

// missingConfig says what to do when there is no configuration.
func missingConfig(path string, err error) error {
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return fmt.Errorf("there is no configuration %s; `wirewatch init` writes one, -c FILE names another", path)
}
