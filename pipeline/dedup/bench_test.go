//go:build unix

package dedup

import (
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"wirewatch/pipeline/cputest"
)

// press makes documents as a newsroom's stream has them, in units instead of words to be quick about it: lengths around 450
// words, a vocabulary by Zipf's law, phrases that every reporter uses, 2,000 sites of very different size with paragraphs
// that each repeats, and one document in ten a copy of another of the last thousand: edited, cut, or with a new lead.
type press struct {
	r       *rand.Rand
	words   *rand.Zipf
	site    *rand.Zipf
	phrase  *rand.Zipf
	phrases [][]uint64
	recent  [][]uint64
	n       int64
}

func newPress(seed uint64) *press {
	r := rand.New(rand.NewPCG(seed, 1))
	p := &press{r: r, words: rand.NewZipf(r, 1.07, 4, 80000), site: rand.NewZipf(r, 1.1, 20, 1999), phrase: rand.NewZipf(r, 1.1, 10, 1999)}
	for range 2000 {
		p.phrases = append(p.phrases, p.prose(nil, 5+r.IntN(6)))
	}
	return p
}

func (p *press) prose(to []uint64, n int) []uint64 {
	for range n {
		to = append(to, mix(p.words.Uint64()))
	}
	return to
}

// boilerplate is what a site may put around an article: the k-th of five paragraphs.
func boilerplate(site uint64, k int) []uint64 {
	r := rand.New(rand.NewPCG(site, uint64(k)))
	out := make([]uint64, 20+r.IntN(30))
	for i := range out {
		out[i] = mix(r.Uint64N(5000))
	}
	return out
}

func (p *press) doc() Doc {
	p.n++
	var body []uint64
	if len(p.recent) > 100 && p.r.IntN(10) == 0 {
		body = append(body, p.recent[p.r.IntN(len(p.recent))]...)
		switch p.r.IntN(4) {
		case 0:
			for i := range body {
				if p.r.IntN(20) == 0 {
					body[i] = mix(p.words.Uint64())
				}
			}
		case 1:
			body = body[:len(body)/3]
		case 2:
			body = append(p.prose(nil, 60), body[len(body)/5:]...)
		}
	} else {
		n := int(min(max(450*math.Exp(.7*p.r.NormFloat64()), 40), 3000))
		for len(body) < n {
			body = p.prose(body, 20+p.r.IntN(80))
			body = append(body, p.phrases[p.phrase.Uint64()]...)
		}
	}
	if len(p.recent) < 1000 {
		p.recent = append(p.recent, body)
	} else {
		p.recent[p.n%1000] = body
	}
	site := p.site.Uint64()
	whole := body[:len(body):len(body)]
	for k := range 5 {
		if p.r.IntN(3) == 0 {
			whole = append(whole, boilerplate(site, k)...)
		}
	}
	s := sample(whole, wordRun)
	s.title = p.r.Uint32()
	at := day.Add(time.Duration(p.n) * time.Second)
	return Doc{ID: p.n, Story: p.n, Site: fmt.Sprintf("site%d.example", site), URL: fmt.Sprintf("https://site%d.example/news/%d", site, p.n),
		Published: at, Seen: at.Add(time.Minute), Sketch: s.encode()}
}

// edition fills an index with n documents of a press, as a daemon does: each in the story that the index finds for it, where
// decide is true. It returns the bytes that the index takes of the heap.
func edition(n int, decide bool) (p *press, x *Index, bytes uint64) {
	p = newPress(1)
	for len(p.recent) < 1000 { // what the press remembers is not the index's
		p.doc()
	}
	before := heapBytes()
	x = New(Options{})
	for range n {
		d := p.doc()
		if decide {
			if c := x.Decide(d); c.Story != 0 {
				d.Story = c.Story
			}
		}
		x.Add(d)
	}
	x.Decide(p.doc())
	return p, x, heapBytes() - before
}

func heapBytes() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// What the index takes of memory is most of what a daemon takes: 150 MB for 10^5 documents is the promise.
func TestMemory(t *testing.T) {
	measured(t)
	const n = 20000
	p, x, bytes := edition(n, false)
	each := float64(bytes) / n
	t.Logf("%.0f bytes a document, %.0f postings", each, float64(x.post.len())/n)
	if each > 1300 {
		t.Errorf("%.0f bytes a document, more than 1300", each)
	}
	runtime.KeepAlive(p)
}

// BenchmarkDecide decides on documents that come next into an index of so many. A million takes minutes to fill:
// go test -v -run - -bench Decide/1000000 -timeout 30m ./pipeline/dedup
func BenchmarkDecide(b *testing.B) {
	for _, n := range []int{1e3, 1e4, 1e5, 1e6} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			if n > 1e5 && !testing.Verbose() {
				b.Skip("only with -v, for it takes minutes to fill")
			}
			p, x, bytes := edition(n, true)
			next := make([]Doc, 1000)
			found := 0
			for i := range next {
				next[i] = p.doc()
				if x.Decide(next[i]).Story != 0 {
					found++
				}
			}
			i, start := 0, cputest.Time(b)
			for b.Loop() {
				x.Decide(next[i%len(next)])
				i++
			}
			b.ReportMetric(float64(cputest.Time(b)-start)/1e3/float64(i), "cpu-µs/op")
			b.ReportMetric(float64(bytes)/1e6, "MB")
			b.ReportMetric(float64(found)/float64(len(next)), "joined")
			runtime.KeepAlive(x)
		})
	}
}

// BenchmarkRebuild fills an index from 10^5 documents as the store has them.
func BenchmarkRebuild(b *testing.B) {
	p := newPress(1)
	docs := make([]Doc, 100_000)
	for i := range docs {
		docs[i] = p.doc()
	}
	n, start := 0, cputest.Time(b)
	for b.Loop() {
		x := New(Options{})
		for _, d := range docs {
			x.Add(d)
		}
		x.Decide(docs[0])
		n++
		if x.Len() != len(docs) {
			b.Fatal(x.Len())
		}
	}
	b.ReportMetric(float64(cputest.Time(b)-start)/1e6/float64(n), "cpu-ms/op")
}

// BenchmarkChurn adds a document to an index of 10^5 and takes the oldest out.
func BenchmarkChurn(b *testing.B) {
	p, x, _ := edition(100_000, false)
	next := make([]Doc, 1000)
	for i := range next {
		next[i] = p.doc()
	}
	first := p.n - 1000 - 100_000
	i := int64(0)
	for b.Loop() {
		d := next[i%1000]
		i++
		d.ID = p.n + i
		x.Add(d)
		x.Remove(first + i - 1)
	}
	if x.Len() != 100_000 {
		b.Fatal(x.Len())
	}
}
