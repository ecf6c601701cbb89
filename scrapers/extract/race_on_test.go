//go:build race

package extract

// raced says that the race detector is on: it makes pools forget, so that what is allocated says nothing of the code.
const raced = true
