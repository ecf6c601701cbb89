package configs

import "testing"

func TestSameApartFrom(t *testing.T) {
	base := "feeds: [{url: 'https://a.example/f'}]\n"
	parse := func(text string) *Config {
		c, err := Parse("c.yaml", []byte(text), nil)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	for more, want := range map[string]bool{
		"":                               true,
		"rules: [{name: r, query: tin}]": true,
		"pace: {every: 2s}":              false,
		"listen: 127.0.0.1:9":            false,
		"store: other.db":                false,
		"allow_private: [10.0.0.0/8]":    false,
		"log: {level: debug}":            false,
		"# a remark\npace: {every: 1s, parallel: 1}": true,
	} {
		if got := parse(base).SameApartFrom(parse(base+more), "feeds", "rules", "channels"); got != want {
			t.Errorf("%q: %v", more, got)
		}
	}
}
