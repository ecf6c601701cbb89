// The command past compares `wirewatch backfill` of WARC files with the plain loop "read WARC, go-trafilatura, print" on the same files.
//
//	past WIREWATCH WARCPEER FOLDER ARTICLES [ROUNDS]
//
// Each side of each round is a process of its own, from start to end, the backfill into a new store with two rules: stories, matches, the word
// index and every byte it writes are its price. CPU seconds are user and system time, memory the peak of the resident size, as the kernel
// counts them. With STRICT=1 it fails below the floor.
package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
)

// wantSpeed is the least of articles per CPU second beside the peer.
const wantSpeed = 3.0

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "past:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) < 4 {
		return errors.New("usage: past WIREWATCH WARCPEER FOLDER ARTICLES [ROUNDS]")
	}
	articles, err := strconv.Atoi(args[3])
	if err != nil {
		return err
	}
	rounds := 3
	if len(args) > 4 {
		if rounds, err = strconv.Atoi(args[4]); err != nil {
			return err
		}
	}
	var ours, peers, ratios []float64
	var peak [2]float64
	for range rounds {
		dir, err := os.MkdirTemp("", "past")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		cfg := filepath.Join(dir, "wirewatch.yaml")
		text := "store: " + filepath.Join(dir, "wirewatch.db") + "\nrules:\n  - {name: one, query: \"stakeli* OR zedri*\"}\n  - {name: two, query: \"said NEAR/3 (tre* OR wikle*) AND onursh*\"}\n"
		if err := os.WriteFile(cfg, []byte(text), 0o600); err != nil {
			return err
		}
		a, am, err := measure(args[0], "backfill", "-c", cfg, "--since", "2025-01-01", "--until", "2026-12-31", "--source", "warc:"+args[2])
		if err != nil {
			return err
		}
		b, bm, err := measure(args[1], args[2])
		if err != nil {
			return err
		}
		ours, peers, ratios = append(ours, float64(articles)/a), append(peers, float64(articles)/b), append(ratios, b/a)
		peak[0], peak[1] = max(peak[0], am), max(peak[1], bm)
	}
	for _, l := range [][]float64{ours, peers, ratios} {
		slices.Sort(l)
	}
	fmt.Printf("backfill %7.1f articles per CPU second %7.1f MiB peak  (medians of %d rounds; %d articles)\n", ours[rounds/2], peak[0], rounds, articles)
	fmt.Printf("peer     %7.1f articles per CPU second %7.1f MiB peak\n", peers[rounds/2], peak[1])
	fmt.Printf("ratio %.2f in speed (%.2f to %.2f; want at least %.1f)\n", ratios[rounds/2], ratios[0], ratios[rounds-1], wantSpeed)
	if os.Getenv("STRICT") == "1" && ratios[rounds/2] < wantSpeed {
		return errors.New("below the floor")
	}
	return nil
}

// measure runs a command and gives its CPU seconds and its peak of memory in MiB.
func measure(name string, args ...string) (cpu, rss float64, err error) {
	c := exec.Command(name, args...)
	var said bytes.Buffer
	c.Stderr = &said
	if err := c.Run(); err != nil {
		return 0, 0, fmt.Errorf("%s: %w\n%s", name, err, said.String())
	}
	u := c.ProcessState.SysUsage().(*syscall.Rusage)
	return (c.ProcessState.UserTime() + c.ProcessState.SystemTime()).Seconds(), float64(u.Maxrss) / 1024, nil
}
