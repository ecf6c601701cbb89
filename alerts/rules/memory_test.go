package rules

import (
	"runtime"
	"testing"
)

// Ten thousand rules, with what a reader of articles needs beside them, fit into 20 MB.
func TestMemoryOfTenThousandRules(t *testing.T) {
	heap := func() int64 {
		runtime.GC()
		runtime.GC() // what a pool held is gone after the second
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	docs, before := benchDocs(20), int64(0)
	list := benchRules(10000)
	before = heap()
	set, err := Compile(list)
	if err != nil {
		t.Fatal(err)
	}
	compiled := heap() - before
	m := set.scratch()
	hits := 0
	for _, d := range docs {
		hits += len(set.match(m, d))
	}
	reading := heap() - before - compiled
	runtime.KeepAlive(m)
	runtime.KeepAlive(set)
	runtime.KeepAlive(list)
	t.Logf("rules %.1f MB, one reader %.1f MB, %d hits", float64(compiled)/1e6, float64(reading)/1e6, hits)
	if hits == 0 || compiled+2*reading > 20e6 {
		t.Errorf("%d bytes compiled, %d for each reader, %d hits; want 20 MB with two readers, and hits", compiled, reading, hits)
	}
}
