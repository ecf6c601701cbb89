//go:build !race

package dedup

// raced says that the race detector is on.
const raced = false
