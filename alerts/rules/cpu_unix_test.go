//go:build unix

package rules

import (
	"syscall"
	"time"
)

// cpu is the time that this process has had on all cores: what else the machine does does not count.
func cpu() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
