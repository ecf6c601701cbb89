package dedup

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"wirewatch/pipeline/cputest"
)

func TestTerms(t *testing.T) {
	b := Terms("Rockets hit the port", "Two rockets hit the port of Kerch on Monday. Rocketing prices followed; 23 people were hurt.", "en-GB")
	lang, terms, _ := decodeTerms(b)
	if lang != "en" || len(terms) == 0 || !bytes.Equal(b, Terms("Rockets hit the port", "Two rockets hit the port of Kerch on Monday. Rocketing prices followed; 23 people were hurt.", "EN")) {
		t.Errorf("language %q, %d terms", lang, len(terms))
	}
	weight := func(word string) float32 {
		for _, x := range terms {
			if x.hash == uint32(hashString(word)) {
				return x.weight
			}
		}
		return 0
	}
	if !(weight("rocket") > weight("port") && weight("port") > weight("kerch") && weight("kerch") > weight("price") && weight("23") > 0) {
		t.Errorf("rocket %v, port %v, kerch %v, price %v, 23 %v", weight("rocket"), weight("port"), weight("kerch"), weight("price"), weight("23"))
	}
	if lang, x, _ := decodeTerms(Terms("", "Ракеты ударили по порту", "")); lang != "ru" || len(x) < 2 {
		t.Errorf("Cyrillic script: %q, %d terms", lang, len(x))
	}
	if _, x, _ := decodeTerms(Terms("", "北朝鮮がミサイルを発射", "ja")); len(x) < 5 {
		t.Errorf("Japanese: %d terms", len(x))
	}
	long := ""
	for i := range 2 * mostWords {
		long += word(uint64(i*7919)) + " "
	}
	if _, x, _ := decodeTerms(Terms("Forecast for 8 November", long, "en")); len(x) != mostTerms {
		t.Errorf("a long text: %d terms", len(x))
	}
	for i := range b {
		decodeTerms(b[:i]) // no panic
	}
	if _, x, _ := decodeTerms(nil); x != nil {
		t.Error("terms out of nothing")
	}
}

// What a reader remembers of other texts, in other languages and at the same time, changes nothing.
func TestTermsAlike(t *testing.T) {
	say := func(i int) []byte {
		return Terms(fmt.Sprint("Ракеты, rockets ", i%7), "Rocketing prices hit the ports of "+word(uint64(i%50)), []string{"en", "ru", "", "ja", "de"}[i%5])
	}
	want := make([][]byte, 350)
	for i := range want {
		want[i] = say(i)
	}
	var wait sync.WaitGroup
	for range 4 {
		wait.Go(func() {
			for i := range want {
				if !bytes.Equal(say(i), want[i]) {
					t.Errorf("text %d came out otherwise", i)
				}
			}
		})
	}
	wait.Wait()
}

// reports are two fires in one town, and a vote elsewhere; enough of each for their words to be known.
func reports() (docs []EventDoc, happened []int) {
	say := [][]string{
		{"Fire in the old mill of Tarn", "The old mill of Tarn burnt down on Monday, and Karl Lund lost his boats. The brigade from Oster came with nine engines."},
		{"Mill burns down", "Nine engines from Oster could not save the mill of Tarn, where Karl Lund kept boats. The fire broke out on Monday."},
		{"Lund loses boats as mill burns", "Karl Lund saw his boats burn with the old mill on Monday. Engines came to Tarn from Oster."},
		{"Parliament votes on pensions", "Members voted by 120 to 88 for the pensions bill of minister Vera Holt, who called it fair to the young."},
		{"Holt wins vote on pensions", "The pensions bill of Vera Holt passed by 120 to 88. The minister said that it was fair; unions will strike."},
		{"Unions to strike over pensions bill", "After the bill of Vera Holt passed parliament with 120 votes, the unions called a strike over pensions."},
	}
	r := rand.New(rand.NewPCG(1, 1))
	for i := range 200 { // what else is in the papers
		body := ""
		for range 120 {
			body += fmt.Sprintf("w%d ", int(r.ExpFloat64()*150))
		}
		docs = append(docs, EventDoc{Terms: Terms(fmt.Sprintf("n%d n%d", i, i+1000), "the a of in and on with by "+body, "en")})
		happened = append(happened, 0)
	}
	for i, s := range say {
		docs = append(docs, EventDoc{Terms: Terms(s[0], s[1], "en")})
		happened = append(happened, 1+i/3)
	}
	return docs, happened
}

func TestEvents(t *testing.T) {
	docs, happened := reports()
	run := func() (events []int64) {
		x := NewEvents(EventOptions{})
		for i, d := range docs {
			c := x.Decide(d)
			d.ID, d.Event = int64(i+1), c.Event
			if c.Event == 0 {
				d.Event = d.ID
			} else if c.Of != c.Event || c.Score <= 0 || c.Score > 1 {
				t.Errorf("document %d: %+v", d.ID, c)
			}
			x.Add(d)
			events = append(events, d.Event)
		}
		return events
	}
	got := run()
	for i := range docs {
		if happened[i] > 0 && got[i] != int64(200+(happened[i]-1)*3+1) {
			t.Errorf("document %d is of event %d", i+1, got[i])
		}
	}
	if again := run(); fmt.Sprint(again) != fmt.Sprint(got) {
		t.Error("another run decided otherwise")
	}
}

// What is too far apart in time is not one event, and what is over leaves nothing behind.
func TestEventsWindow(t *testing.T) {
	docs, _ := reports()
	at := time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)
	x := NewEvents(EventOptions{Window: 48 * time.Hour})
	for i, d := range docs[:201] {
		d.ID, d.Event, d.Published = int64(i+1), int64(i+1), at
		x.Add(d)
	}
	for _, c := range []struct {
		after time.Duration
		want  int64
	}{{time.Hour, 201}, {-time.Hour, 201}, {49 * time.Hour, 0}, {-49 * time.Hour, 0}} {
		d := docs[201]
		d.Published = at.Add(c.after)
		if got := x.Decide(d); got.Event != c.want {
			t.Errorf("%v later: %+v", c.after, got)
		}
	}
	if got := x.Decide(docs[201]); got.Event != 201 {
		t.Errorf("undated: %+v", got)
	}
	x.Forget(at)
	if x.Len() == 0 {
		t.Error("what is not over is forgotten")
	}
	x.Forget(at.Add(time.Second))
	if x.Len() != 0 || len(x.event) != 0 || len(x.into) != 0 || x.Decide(docs[201]).Event != 0 {
		t.Errorf("left: %d events, %d articles", x.Len(), len(x.event))
	}
}

// An event that another process merged is found under the number that stands.
func TestEventsMove(t *testing.T) {
	docs, _ := reports()
	x := NewEvents(EventOptions{})
	for i, d := range docs[:204] {
		d.ID, d.Event = int64(i+1), int64(i+1)
		x.Add(d)
	}
	x.Move(201, 150)
	x.Move(201, 150)
	x.Move(9999, 1) // of an article that is not known
	if got := x.Decide(docs[201]); got.Event != 150 && got.Event != 202 {
		t.Errorf("got %+v", got)
	}
	if x.Len() != 203 || x.at[201] != nil {
		t.Errorf("%d events", x.Len())
	}
	late := docs[202]
	late.ID, late.Event = 300, 201 // its row was written before the merge
	x.Add(late)
	if x.at[201] != nil || x.event[300] != 150 {
		t.Error("an event that was merged away came back")
	}
}

// Memory is bounded by the number of events: words that nobody uses any more go.
func TestEventsBounded(t *testing.T) {
	x := NewEvents(EventOptions{Most: 500})
	r := rand.New(rand.NewPCG(3, 3))
	for i := range 3 * sweepEvery {
		body := ""
		for range 30 {
			body += fmt.Sprintf("w%d ", r.IntN(1<<30))
		}
		x.Add(EventDoc{ID: int64(i + 1), Event: int64(i + 1), Published: time.Unix(int64(i), 0), Terms: Terms("", body, "en")})
	}
	l := x.langs["en"]
	if x.Len() > 500 || len(x.event) > 500 || len(l.terms) > 2*30*sweepEvery || len(l.slots) > 2*sweepEvery+500 {
		t.Errorf("%d events, %d articles, %d terms, %d slots", x.Len(), len(x.event), len(l.terms), len(l.slots))
	}
}

// shared reads a set of the development data, or skips.
func sharedRows[T any](t *testing.T, name string) (rows []T) {
	dir, err := os.Getwd()
	for err == nil {
		if _, e := os.Stat(filepath.Join(dir, "go.mod")); e == nil {
			break
		}
		if filepath.Dir(dir) == dir {
			t.Fatal("no go.mod above the working folder")
		}
		dir = filepath.Dir(dir)
	}
	f, err := os.Open(filepath.Join(dir, "..", "shared", "corpus", "dedup", name))
	if err != nil {
		t.Skipf("development data missing: %v", err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	s := bufio.NewScanner(z)
	s.Buffer(nil, 16<<20)
	for s.Scan() {
		var r T
		if err := json.Unmarshal(s.Bytes(), &r); err != nil {
			t.Fatal(err)
		}
		rows = append(rows, r)
	}
	if s.Err() != nil || len(rows) == 0 {
		t.Fatalf("%s: %d rows, %v", name, len(rows), s.Err())
	}
	return rows
}

// eventsOf runs the filter and gives the event of each document.
func eventsOf(t *testing.T, docs []map[string]string, stream bool) map[string]string {
	var in, out bytes.Buffer
	enc := json.NewEncoder(&in)
	for _, d := range docs {
		if err := enc.Encode(d); err != nil {
			t.Fatal(err)
		}
	}
	if err := Lines(&in, &out, stream); err != nil {
		t.Fatal(err)
	}
	events := map[string]string{}
	for dec := json.NewDecoder(&out); dec.More(); {
		var o struct{ ID, Event string }
		if err := dec.Decode(&o); err != nil {
			t.Fatal(err)
		}
		events[o.ID] = o.Event
	}
	return events
}

// above fails when a figure has fallen under its floor, which stands half a point below what was reached when it was last set.
func above(t *testing.T, what string, p, r, f, floor float64) {
	t.Helper()
	if f < floor {
		t.Errorf("%s: P %.4f R %.4f F %.4f, below %.3f", what, p, r, f, floor)
	} else {
		t.Logf("%s: P %.4f R %.4f F %.4f", what, p, r, f)
	}
}

// BCubed of events (Bagga and Baldwin 1998) on the development data, when all is known and when each is decided at once.
func TestEventsOnDevelopmentData(t *testing.T) {
	var docs []map[string]string
	rows := sharedRows[struct{ ID, Cluster, Title, Text, Lang string }](t, "story-dev.jsonl.gz")
	for _, r := range rows {
		docs = append(docs, map[string]string{"id": r.ID, "title": r.Title, "text": r.Text, "lang": r.Lang})
	}
	for _, c := range []struct {
		what   string
		stream bool
		floor  float64
	}{{"all known", false, .956}, {"at once", true, .912}} {
		events := eventsOf(t, docs, c.stream)
		type both struct{ cluster, event string }
		gold, made, common := map[string]float64{}, map[string]float64{}, map[both]float64{}
		for _, r := range rows {
			gold[r.Cluster]++
			made[events[r.ID]]++
			common[both{r.Cluster, events[r.ID]}]++
		}
		var p, r float64
		for k, n := range common {
			p += n * n / made[k.event]
			r += n * n / gold[k.cluster]
		}
		p, r = p/float64(len(rows)), r/float64(len(rows))
		above(t, c.what, p, r, 2*p*r/(p+r), c.floor)
	}
}

// F1 of "same event" over labelled pairs. English ones are few: what they tell is that nothing broke.
func TestEventPairsOnDevelopmentData(t *testing.T) {
	var docs []map[string]string
	pairs := sharedRows[struct {
		Lang, T1, X1, T2, X2 string
		Same                 bool
	}](t, "story-pairs-tg.jsonl.gz")
	for i, r := range pairs { // each from a site of its own, as the corpus's scorer has it
		docs = append(docs, map[string]string{"id": fmt.Sprint(i, "a"), "site": fmt.Sprint(i, "a"), "title": r.T1, "text": r.X1, "lang": r.Lang},
			map[string]string{"id": fmt.Sprint(i, "b"), "site": fmt.Sprint(i, "b"), "title": r.T2, "text": r.X2, "lang": r.Lang})
	}
	events := eventsOf(t, docs, false)
	for _, c := range []struct {
		what, lang string
		floor      float64
	}{{"Russian", "ru", .867}, {"English", "en", .832}, {"all", "", .861}} {
		var right, said, there float64
		for i, r := range pairs {
			if c.lang != "" && r.Lang != c.lang {
				continue
			}
			one := events[fmt.Sprint(i, "a")] == events[fmt.Sprint(i, "b")]
			switch {
			case one && r.Same:
				right++
				fallthrough
			case one:
				said++
			}
			if r.Same {
				there++
			}
		}
		above(t, c.what, right/said, right/there, 2*right/(said+there), c.floor)
	}
}

// A benchmark's world: n live events of articles with 180 terms each, as common as words are.
func eventWorld(n int) (*Events, []EventDoc) {
	r := rand.New(rand.NewPCG(5, 5))
	zipf := rand.NewZipf(r, 1.1, 8, 200_000)
	x := NewEvents(EventOptions{})
	var docs []EventDoc
	for i := range n {
		body := ""
		for range 350 {
			body += fmt.Sprintf("w%d ", zipf.Uint64())
		}
		d := EventDoc{ID: int64(i + 1), Event: int64(i + 1), Terms: Terms("", body, "en")}
		x.Add(d)
		if i%10 == 0 {
			docs = append(docs, d)
		}
	}
	return x, docs
}

func BenchmarkEvents(b *testing.B) {
	for _, n := range []int{1e3, 1e4} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			x, docs := eventWorld(n)
			runtime.GC()
			runtime.ReadMemStats(&after)
			i, start := 0, cputest.Time(b)
			for b.Loop() {
				x.Decide(docs[i%len(docs)])
				i++
			}
			b.ReportMetric(float64((cputest.Time(b)-start).Microseconds())/float64(i), "cpu-µs/op")
			b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/float64(n), "B/event")
			runtime.KeepAlive(x)
		})
	}
}

// Other articles each time, with words that are as common as words are: what a reader remembers of stems helps with those it met.
func BenchmarkTerms(b *testing.B) {
	r := rand.New(rand.NewPCG(5, 5))
	zipf := rand.NewZipf(r, 1.1, 8, 200_000)
	var bodies []string
	for range 2000 {
		body := ""
		for range 450 {
			body += word(zipf.Uint64()) + " "
		}
		bodies = append(bodies, body)
	}
	i, start := 0, cputest.Time(b)
	for b.Loop() {
		Terms("A headline of some words", bodies[i%len(bodies)], "en")
		i++
	}
	b.ReportMetric(float64((cputest.Time(b)-start).Microseconds())/float64(i), "cpu-µs/op")
}

// word spells a number in syllables.
func word(n uint64) (s string) {
	for n++; n > 0; n /= 20 {
		s += []string{"ba", "ce", "di", "fo", "gu", "ing", "ed", "la", "me", "ni", "po", "ru", "sa", "te", "tion", "vo", "wa", "ze", "er", "ly"}[n%20]
	}
	return s
}
