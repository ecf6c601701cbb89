// The command bench compares Wirewatch's extractor with go-trafilatura, its strongest peer written in Go, on the pages of a
// corpus folder ({"id","html","url"} lines in input.jsonl). It is a module of its own so that users of Wirewatch do not
// carry the peer.
//
//	bench CORPUS [-rounds N]   runs both sides in turn and prints the comparison
//	bench ours|peer CORPUS     runs one side once and prints its measurement as JSON
//
// Each side of each round is a process of its own on one core: its CPU seconds are those of the loop over the pages, its
// memory is the process's peak. Both sides read, unpack, extract and encode the same pages. With STRICT=1 the comparison
// fails below six times the pages per CPU second or above half of the memory.
package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"slices"
	"strconv"
	"syscall"

	trafilatura "github.com/markusmobius/go-trafilatura"

	"wirewatch/scrapers/extract"
	"wirewatch/seeds"
)

// What is asked of the ratios of medians.
const (
	wantSpeed  = 6.0
	wantMemory = 0.5
)

// A measurement is one run of one side.
type measurement struct {
	Pages  int     `json:"pages"`
	Failed int     `json:"failed"`
	Bytes  int64   `json:"body_bytes"`  // of extracted text, so that neither side is fast by doing nothing
	CPU    float64 `json:"cpu_seconds"` // user and system, over the pages alone
	RSS    int64   `json:"max_rss_kib"` // of the whole process
}

type page struct {
	ID   string `json:"id"`
	HTML string `json:"html"`
	URL  string `json:"url"`
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) == 2 && (args[0] == "ours" || args[0] == "peer") {
		m, err := one(args[0], args[1])
		if err != nil {
			return err
		}
		return json.NewEncoder(os.Stdout).Encode(m)
	}
	rounds := 5
	if len(args) == 3 && args[1] == "-rounds" {
		n, err := strconv.Atoi(args[2])
		if err != nil || n < 1 {
			return fmt.Errorf("-rounds %q: want a number from 1", args[2])
		}
		rounds, args = n, args[:1]
	}
	if len(args) != 1 {
		return fmt.Errorf("usage: bench CORPUS [-rounds N]")
	}
	return compare(args[0], rounds)
}

// compare runs both sides in turn, each first as often as second, and prints the medians.
func compare(dir string, rounds int) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	got := map[string][]measurement{}
	for i := range rounds {
		sides := []string{"ours", "peer"}
		if i%2 == 1 {
			slices.Reverse(sides)
		}
		for _, side := range sides {
			cmd := exec.Command(self, side, dir)
			cmd.Env = append(os.Environ(), "GOMAXPROCS=1")
			cmd.Stderr = os.Stderr
			out, err := cmd.Output()
			if err != nil {
				return fmt.Errorf("%s, round %d: %w", side, i+1, err)
			}
			var m measurement
			if err := json.Unmarshal(out, &m); err != nil {
				return fmt.Errorf("%s, round %d: %w", side, i+1, err)
			}
			got[side] = append(got[side], m)
		}
	}
	speed := func(m measurement) float64 { return float64(m.Pages) / m.CPU }
	memory := func(m measurement) float64 { return float64(m.RSS) / 1024 }
	for _, side := range []string{"ours", "peer"} {
		m := got[side][0]
		fmt.Printf("%s  %6.1f pages per CPU second  %6.1f MiB peak  (medians of %d rounds; %d pages, %d failed, %d KiB of text)\n",
			side, median(got[side], speed), median(got[side], memory), rounds, m.Pages, m.Failed, m.Bytes>>10)
	}
	fast := median(got["ours"], speed) / median(got["peer"], speed)
	mem := median(got["ours"], memory) / median(got["peer"], memory)
	fmt.Printf("ratio %5.2f in speed (want at least %g), %.2f in memory (want at most %g)\n", fast, wantSpeed, mem, wantMemory)
	if os.Getenv("STRICT") == "1" && (fast < wantSpeed || mem > wantMemory) {
		return fmt.Errorf("below what is wanted")
	}
	return nil
}

func median(ms []measurement, f func(measurement) float64) float64 {
	var v []float64
	for _, m := range ms {
		v = append(v, f(m))
	}
	slices.Sort(v)
	return (v[(len(v)-1)/2] + v[len(v)/2]) / 2
}

// one measures one side over the corpus. BENCH_PROFILE names a file for a CPU profile, BENCH_REPEAT how often the pages are
// read.
func one(side, dir string) (measurement, error) {
	runtime.GOMAXPROCS(1)
	var m measurement
	pages, err := readList(dir)
	if err != nil {
		return m, err
	}
	do, err := extractor(side)
	if err != nil {
		return m, err
	}
	if name := os.Getenv("BENCH_PROFILE"); name != "" {
		f, err := os.Create(name)
		if err != nil {
			return m, err
		}
		defer f.Close()
		if err := pprof.StartCPUProfile(f); err != nil {
			return m, err
		}
		defer pprof.StopCPUProfile()
	}
	repeat := 1
	if s := os.Getenv("BENCH_REPEAT"); s != "" {
		if repeat, err = strconv.Atoi(s); err != nil {
			return m, fmt.Errorf("BENCH_REPEAT: %w", err)
		}
	}
	start := cpu()
	for range repeat {
		for _, p := range pages {
			raw, err := readPage(filepath.Join(dir, p.HTML))
			if err != nil {
				return m, err
			}
			m.Pages++
			n, err := do(raw, p.URL)
			if err != nil {
				m.Failed++
			}
			m.Bytes += int64(n)
		}
	}
	m.CPU = cpu() - start
	m.RSS = peak()
	return m, nil
}

// extractor readies one side: a function from a page to the length of its text.
func extractor(side string) (func([]byte, string) (int, error), error) {
	enc := json.NewEncoder(io.Discard)
	if side == "peer" {
		opts := trafilatura.Options{EnableFallback: true}
		return func(raw []byte, at string) (int, error) {
			o := opts
			o.OriginalURL, _ = url.Parse(at) // a page whose address is broken has none
			r, err := trafilatura.Extract(bytes.NewReader(raw), o)
			if err != nil {
				return 0, err
			}
			return len(r.ContentText), enc.Encode([]any{r.ContentText, r.Metadata})
		}, nil
	}
	x, err := extract.New(seeds.Lexicon())
	if err != nil {
		return nil, err
	}
	return func(raw []byte, at string) (int, error) {
		a, err := x.Extract(extract.Input{URL: at, HTML: raw})
		if err != nil {
			return 0, err
		}
		return len(a.Body), enc.Encode(a)
	}, nil
}

func readList(dir string) ([]page, error) {
	f, err := os.Open(filepath.Join(dir, "input.jsonl"))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var pages []page
	for d := json.NewDecoder(bufio.NewReader(f)); ; {
		var p page
		if err := d.Decode(&p); err == io.EOF {
			break
		} else if err != nil {
			return nil, fmt.Errorf("%s: %w", f.Name(), err)
		}
		pages = append(pages, p)
	}
	if len(pages) == 0 {
		return nil, fmt.Errorf("%s: no pages", f.Name())
	}
	return pages, nil
}

func readPage(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	z, err := gzip.NewReader(bufio.NewReader(f))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return io.ReadAll(z)
}

// cpu is the process's user and system time in seconds.
func cpu() float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err) // only for arguments that do not exist
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}

// peak is the process's largest resident size in KiB, as Linux counts it.
func peak() int64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return int64(u.Maxrss)
}
