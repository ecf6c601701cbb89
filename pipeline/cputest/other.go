//go:build !unix

package cputest

import (
	"testing"
	"time"
)

// Time skips the test: this system is not asked for its CPU time.
func Time(t testing.TB) time.Duration {
	t.Helper()
	t.Skip("CPU time is measured on Unix alone")
	return 0
}
