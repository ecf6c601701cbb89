//go:build !race

package extract

// raced says that the race detector is on.
const raced = false
