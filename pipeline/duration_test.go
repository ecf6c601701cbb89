package pipeline_test

import (
	"testing"
	"time"

	"wirewatch/pipeline"
)

func TestShortDuration(t *testing.T) {
	for d, want := range map[time.Duration]string{0: "0s", 30 * time.Second: "30s", 15 * time.Minute: "15m", time.Hour: "1h", 90 * time.Minute: "1h30m", 10 * time.Minute: "10m",
		time.Hour + 5*time.Second: "1h0m5s", 100 * time.Hour: "100h"} {
		if got := pipeline.ShortDuration(d); got != want {
			t.Errorf("%s: %s, want %s", d, got, want)
		}
	}
}
