// The command bench compares `wirewatch extract --jsonl` with go-trafilatura, its strongest peer written in Go, on the
// pages of a corpus folder ({"id","html","url"} lines in input.jsonl). It is a module of its own so that users of Wirewatch
// do not carry the peer.
//
//	bench WIREWATCH PEER CORPUS [ROUNDS]   runs both sides in turn and prints the comparison
//
// PEER is the command built from the folder peer: the same filter around go-trafilatura with its fallback.
//
// Each side of each round is a process of its own on one core, from start to end. Its CPU seconds are user and system
// time, its memory the peak of the resident size, both as the kernel counts them. With STRICT=1 the comparison fails below
// the floors. This command must stay small: Linux counts the size of
// the process that starts another into the other's peak.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
)

// Floors of the medians of the rounds' ratios. Asked for are six times the speed and half of the memory; the floors are
// what was reached when they were set, less what a busy machine takes. They only become stricter.
const (
	wantSpeed  = 7.5
	wantMemory = 0.44
)

// A measurement is one run of one side.
type measurement struct {
	pages, empty int
	text         int     // bytes of body, so that neither side is fast by doing nothing
	cpu          float64 // seconds
	rss          float64 // MiB
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	rounds := 5
	if len(args) == 4 {
		n, err := strconv.Atoi(args[3])
		if err != nil || n < 1 {
			return fmt.Errorf("rounds %q: want a number from 1", args[2])
		}
		rounds, args = n, args[:3]
	}
	if len(args) != 3 {
		return errors.New("usage: bench WIREWATCH PEER CORPUS [ROUNDS]")
	}
	return compare(map[string][]string{"ours": {args[0], "extract", "--jsonl"}, "peer": {args[1]}}, args[2], rounds)
}

// compare runs both sides in turn, each first in every second round, and prints the medians.
func compare(sides map[string][]string, dir string, rounds int) error {
	got := map[string][]measurement{}
	for i := range rounds {
		order := []string{"ours", "peer"}
		if i%2 == 1 {
			slices.Reverse(order)
		}
		for _, side := range order {
			m, err := measure(sides[side], dir)
			if err != nil {
				return fmt.Errorf("%s, round %d: %w", side, i+1, err)
			}
			got[side] = append(got[side], m)
		}
	}
	speed := func(m measurement) float64 { return float64(m.pages) / m.cpu }
	memory := func(m measurement) float64 { return m.rss }
	for _, side := range []string{"ours", "peer"} {
		m := got[side][0]
		fmt.Printf("%s  %6.1f pages per CPU second  %6.1f MiB peak  (medians of %d rounds; %d pages, %d empty, %d KiB of text)\n",
			side, median(got[side], speed), median(got[side], memory), rounds, m.pages, m.empty, m.text>>10)
	}
	var fast, mem []float64 // round by round, so that what else the machine does falls on both sides
	for i := range rounds {
		fast = append(fast, speed(got["ours"][i])/speed(got["peer"][i]))
		mem = append(mem, got["ours"][i].rss/got["peer"][i].rss)
	}
	slices.Sort(fast)
	slices.Sort(mem)
	fmt.Printf("ratio %.2f in speed (%.2f to %.2f; want at least %g), %.2f in memory (%.2f to %.2f; want at most %g)\n",
		middle(fast), fast[0], fast[rounds-1], wantSpeed, middle(mem), mem[0], mem[rounds-1], wantMemory)
	if os.Getenv("STRICT") == "1" && (middle(fast) < wantSpeed || middle(mem) > wantMemory) {
		return errors.New("below the floors")
	}
	return nil
}

func median(ms []measurement, f func(measurement) float64) float64 {
	var v []float64
	for _, m := range ms {
		v = append(v, f(m))
	}
	slices.Sort(v)
	return middle(v)
}

// middle is the median of sorted values.
func middle(v []float64) float64 { return (v[(len(v)-1)/2] + v[len(v)/2]) / 2 }

// measure runs one side over the corpus.
func measure(command []string, dir string) (measurement, error) {
	var m measurement
	in, err := os.Open(filepath.Join(dir, "input.jsonl"))
	if err != nil {
		return m, err
	}
	defer in.Close()
	out, err := os.CreateTemp("", "bench")
	if err != nil {
		return m, err
	}
	defer os.Remove(out.Name())
	defer out.Close()
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Dir, cmd.Stdin, cmd.Stdout, cmd.Stderr = dir, in, out, os.Stderr
	cmd.Env = append(os.Environ(), "GOMAXPROCS=1")
	if err := cmd.Run(); err != nil {
		return m, err
	}
	u, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	if !ok {
		return m, errors.New("this system does not tell what a process used")
	}
	m.cpu = float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
	m.rss = float64(u.Maxrss) / 1024 // Linux counts in KiB
	if _, err := out.Seek(0, io.SeekStart); err != nil {
		return m, err
	}
	for d := json.NewDecoder(out); ; {
		var a struct {
			Body string `json:"body"`
		}
		if err := d.Decode(&a); err == io.EOF {
			break
		} else if err != nil {
			return m, fmt.Errorf("its answer: %w", err)
		}
		m.pages++
		m.text += len(a.Body)
		if a.Body == "" {
			m.empty++
		}
	}
	if m.pages == 0 {
		return m, fmt.Errorf("no pages in %s", dir)
	}
	return m, nil
}
