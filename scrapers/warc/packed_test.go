package warc

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
)

func packZstd(t testing.TB, s string, o ...zstd.EOption) string {
	t.Helper()
	z, err := zstd.NewWriter(nil, append(o, zstd.WithEncoderConcurrency(1))...)
	if err != nil {
		t.Fatal(err)
	}
	return string(z.EncodeAll([]byte(s), nil))
}

// skippableFrame is one of the sixteen kinds; 13 is that of dictionaries.
func skippableFrame(kind byte, s string) string {
	b := binary.LittleEndian.AppendUint32([]byte{0x50 + kind, 0x2a, 0x4d, 0x18}, uint32(len(s)))
	return string(b) + s
}

func dictionary(t testing.TB, records []string) string {
	t.Helper()
	var samples [][]byte
	for _, r := range records {
		samples = append(samples, []byte(r))
	}
	d, err := zstd.BuildDict(zstd.BuildDictOptions{ID: 40000, Contents: samples, History: []byte(strings.Join(records, "")[:2000]), Offsets: [3]int{1, 4, 8}})
	if err != nil {
		t.Fatal(err)
	}
	return string(d)
}

// zstds adds a file's further ways to be packed.
func zstds(t testing.TB, out map[string]string, records []string) {
	t.Helper()
	dict := dictionary(t, sample())
	frames, dictionaries := "", skippableFrame(13, packZstd(t, dict))
	for i, r := range records {
		frames += packZstd(t, r)
		dictionaries += packZstd(t, r, zstd.WithEncoderDict([]byte(dict)))
		if i%3 == 0 {
			frames += skippableFrame(0, "extension")
		}
	}
	out["zstd frames"], out["zstd frames with a dictionary"] = frames, dictionaries
	out["one zstd stream"] = packZstd(t, strings.Join(records, ""))
}

// Each way to begin a file with a dictionary, and the rest of it from the middle, where the dictionary has to be looked for.
func TestDictionary(t *testing.T) {
	file, err := os.ReadFile("testdata/dictionary.warc.zst") // by the zstd command: --train, -19 -D, extension frames between
	if err != nil {
		t.Fatal(err)
	}
	all := read(t, string(file), Pos{})
	if len(all) != 8 {
		t.Fatalf("%d records: %+v", len(all), all)
	}
	for i, s := range all {
		if want := fmt.Sprintf("response http://a.example/%d", i); s.uri != want || s.err != "" || !strings.HasPrefix(s.body, fmt.Sprintf("<html><head><title>Story %d<", i)) {
			t.Errorf("%+v; want %s", s, want)
		}
		if rest := read(t, string(file), s.at); !slices.Equal(rest, all[i:]) {
			t.Errorf("from %v: %+v", s.at, rest)
		}
	}
	r := NewReader(bytes.NewReader(file[all[1].at.Offset:]), all[1].at)
	if _, err := r.Next(); err == nil || !strings.HasSuffix(err.Error(), "the zstd frame is packed with a dictionary that the file does not begin with") {
		t.Errorf("without the beginning: %v", err)
	}
	dead := errors.New("the line is dead")
	r = NewReader(bytes.NewReader(file[all[1].at.Offset:]), all[1].at)
	r.Begin = func() (io.ReadCloser, error) { return nil, dead }
	if _, err := r.Next(); err != dead {
		t.Errorf("where the beginning cannot be had: %v", err)
	}

	records := sample()
	dict := dictionary(t, records)
	frame := packZstd(t, records[2], zstd.WithEncoderDict([]byte(dict)))
	for _, c := range []struct{ name, begin, want string }{
		{"plain", skippableFrame(13, dict), ""},
		{"none", skippableFrame(13, "rubbish"), "the zstd dictionary is none"},
		{"empty", skippableFrame(13, ""), "the zstd dictionary is none"},
		{"broken", skippableFrame(13, packZstd(t, dict)[:200]), "the zstd dictionary cannot be unpacked"},
		{"bomb", skippableFrame(13, packZstd(t, strings.Repeat("x", maxDictionary+1))), "the zstd dictionary cannot be unpacked"},
		{"too large", skippableFrame(13, "x")[:4] + "\xff\xff\xff\x7f", "the zstd dictionary is larger than 16 MiB"},
		{"another kind of frame", skippableFrame(1, dict), "packed with a dictionary that the file does not begin with"},
	} {
		got := read(t, c.begin+frame+pack(records[4]), Pos{})
		if c.want == "" && (len(got) != 2 || got[0].err != "") || c.want != "" && (len(got) < 2 || !strings.Contains(got[0].err, c.want)) || got[len(got)-1].err != "" {
			t.Errorf("%s: %+v", c.name, got)
		}
	}
}

// A record may stand in several frames, or members of a fixed length may hold whatever comes.
func TestRecordOverMembers(t *testing.T) {
	records := sample()
	whole := strings.Join(records, "")
	for name, pack := range map[string]func(string) string{"gzip": pack, "zstd": func(s string) string { return packZstd(t, s) + skippableFrame(2, "x") + packZstd(t, "") }} {
		pieces, parts := "", ""
		for i := 0; i < len(whole); i += 700 {
			pieces += pack(whole[i:min(len(whole), i+700)])
		}
		for _, r := range records {
			parts += pack(r[:len(r)/2]) + pack(r[len(r)/2:])
		}
		want := read(t, whole, Pos{})
		for how, file := range map[string]string{"pieces": pieces, "parts": parts} {
			got := read(t, file, Pos{})
			if len(got) != len(want) {
				t.Fatalf("%s in %s: %d records: %+v", name, how, len(got), got)
			}
			for i, s := range got {
				if s.err != "" || s.uri != want[i].uri || s.body != want[i].body {
					t.Errorf("%s in %s: %+v", name, how, s)
				}
				rest := read(t, file, s.next)
				if len(rest) != len(got)-i-1 || len(rest) > 0 && rest[0].uri != got[i+1].uri {
					t.Errorf("%s in %s from %v: %d records", name, how, s.next, len(rest))
				}
			}
		}
	}
	// A length that is too large costs its record, and not the next one.
	long := strings.Replace(records[2], "Content-Length: ", "Content-Length: 9", 1)
	if got := read(t, pack(long)+pack(records[4]), Pos{}); len(got) != 2 || got[0].err == "" || got[1].err != "" {
		t.Errorf("%+v", got)
	}
	if got := read(t, packZstd(t, long)+packZstd(t, records[4]), Pos{}); len(got) != 2 || !strings.HasSuffix(got[0].err, "the zstd frame ends amid the record") || got[1].err != "" {
		t.Errorf("%+v", got)
	}
}

// A frame that asks for more memory than is given is damaged, and the next one is read.
func TestLargeWindow(t *testing.T) {
	frame := []byte(packZstd(t, sample()[2], zstd.WithSingleSegment(false), zstd.WithWindowSize(1<<20)))
	if frame[4]&(1<<5) != 0 {
		t.Fatal("the frame has no window to be made larger")
	}
	frame[5] = 18 << 3 // 256 MiB
	got := read(t, string(frame)+packZstd(t, sample()[4]), Pos{})
	if len(got) != 2 || got[0].err != "the zstd frame takes more than 128 MiB of memory to unpack" || got[1].err != "" {
		t.Errorf("%+v", got)
	}
}
