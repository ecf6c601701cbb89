//go:build !race

package pipeline_test

// raced says that the race detector is on.
const raced = false
