package configs

import (
	_ "embed"
	"slices"
)

//go:embed wirewatch.example.yaml
var example []byte

// Example is a complete, commented configuration: every key is in it, the optional ones as comments.
func Example() []byte { return slices.Clone(example) }
