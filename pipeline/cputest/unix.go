//go:build unix

// Package cputest is the clock of tests and benchmarks that hold one cost against another.
package cputest

import (
	"syscall"
	"testing"
	"time"
)

// Time is the user and system time that the process has had on all cores: what else the machine does does not count. Where the
// system does not tell, the test is skipped.
func Time(t testing.TB) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
