//go:build !race

package alerts

// raced says that the race detector is on.
const raced = false
