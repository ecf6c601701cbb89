package dedup

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"wirewatch/pipeline/text"
)

// Reports that fill one form in anew are each a story, whatever the language; copies of each join it, and a text in which a figure
// was put right is a version of what it was.
func TestForms(t *testing.T) {
	forms := map[string]string{
		"English": "The office recorded a quake of magnitude %d.%d at %d:%02d on Tuesday, %d kilometres north of the port, at a depth of %d kilometres. " +
			"Residents said that windows rattled for %d seconds. Fire services took %d calls in the first hour, most of them from people who asked for information. " +
			"The region lies on an active fault; the office advises people to keep water and a torch ready and to stay away from cliffs.",
		"Russian": "За сутки зафиксирован подземный толчок силой %d,%d балла в %d:%02d, в %d километрах к северу от порта на глубине %d километров. " +
			"Жители рассказали, что окна дрожали %d секунд. Спасатели приняли %d звонков в первый час, большинство из них просили о сведениях. " +
			"Район лежит на действующем разломе, служба советует держать наготове воду и фонарь и не подходить к обрывам.",
		"Chinese": "地震局记录到%d.%d级地震，时间为%d时%02d分，震中位于港口以北%d公里处，震源深度%d公里。居民说窗户响了%d秒。消防部门在第一个小时接到%d个电话，多数是询问情况的。" +
			"该地区位于活动断层上，地震局建议居民准备好水和手电筒，远离悬崖，不要相信没有根据的传言，并随时留意官方发布的消息。",
		"Arabic": "سجل المرصد هزة بقوة %d.%d درجات عند الساعة %d:%02d على بعد %d كيلومترا شمال الميناء وعلى عمق %d كيلومترا. " +
			"وقال السكان إن النوافذ اهتزت لمدة %d ثانية. وتلقت فرق الإطفاء %d اتصالا في الساعة الأولى معظمها للاستفسار عما حدث. " +
			"تقع المنطقة على صدع نشط وينصح المرصد السكان بتجهيز الماء والمصابيح والابتعاد عن المنحدرات وعدم تصديق الشائعات.",
	}
	fill := func(form string, n int) string {
		return fmt.Sprintf(form, 4+n%3, n%10, 3+n, 11+3*n, 20+7*n, 9+5*n, 4+n, 31+13*n)
	}
	for name, form := range forms {
		x := New(Options{})
		day := time.Date(2026, 11, 2, 8, 0, 0, 0, time.UTC)
		doc := func(id int64, site, body string, after int) Doc {
			return Doc{ID: id, Site: site, URL: fmt.Sprintf("https://%s/%d", site, id), Published: day.AddDate(0, 0, after), Sketch: Sketch("Quake report", body, "")}
		}
		for n := range 6 {
			id := int64(n + 1)
			d := doc(id, "quakes.example", fill(form, n), n)
			if c := x.Decide(d); c.Story != 0 {
				t.Errorf("%s: report %d joins that of story %d: %s, %.2f", name, n, c.Story, c.Relation, c.Score)
			}
			d.Story = id
			x.Add(d)
		}
		for n := range 6 {
			copied := "PORT CITY (Wire) - " + fill(form, n)
			if c := x.Decide(doc(50, "wire.example", copied, n)); c.Relation != RelCopy || c.Story != int64(n+1) {
				t.Errorf("%s: a copy of report %d: %s of story %d", name, n, c.Relation, c.Story)
			}
		}
		// One figure put right, on a page of its own.
		first := fill(form, 0)
		again := strings.Replace(first, "31", "35", 1)
		y := New(Options{})
		d := doc(1, "quakes.example", first, 0)
		d.Story = 1
		y.Add(d)
		if c := y.Decide(doc(2, "quakes.example", again, 0)); c.Relation != RelVersion {
			t.Errorf("%s: with one figure put right: %s", name, c.Relation)
		}
		c := Compare(Text{Site: "quakes.example", Body: first}, Text{Site: "quakes.example", Body: fill(form, 1)}, nil)
		if !c.Refilled || !strings.Contains(c.Why(), "figures") {
			t.Errorf("%s: compared: %s: %s", name, c.Relation, c.Why())
		}
	}
}

func TestFiguresShare(t *testing.T) {
	list := func(from, to int) (s string) {
		for i := from; i < to; i++ {
			s += fmt.Sprint(" ", i)
		}
		return s
	}
	figuresOf := func(s string) figures { return figuresIn(s, text.Tokens(s)) }
	for name, c := range map[string]struct {
		a, b     string
		both, of int
	}{
		"none":         {"no figure", "nor here, a1 is none", 0, 0},
		"of one alone": {"5 and 7", "none", 0, 0},
		"some":         {"5 and 7 and 9.5", "7 of 10, or 9.5", 2, 3},
		"once each":    {"5 5 5 5", "5 6", 1, 1},
		"other digits": {"٥ 5", "5", 1, 1},
	} {
		f, g := figuresOf(c.a), figuresOf(c.b)
		for range 2 {
			if of, _, both := f.share(&g); both != c.both || of != c.of {
				t.Errorf("%s: %d of %d, want %d of %d", name, both, of, c.both, c.of)
			}
			f, g = g, f
		}
	}
	// More than are kept: the sample estimates the share.
	f, g := figuresOf(list(0, 300)), figuresOf(list(150, 450))
	if of, _, both := f.share(&g); of < 3 || both == 0 || both == of {
		t.Errorf("half of 300: %d of %d", both, of)
	}
	f, g = figuresOf(list(0, 300)), figuresOf(list(300, 600))
	if of, _, both := f.share(&g); both > 1 || of < 3 {
		t.Errorf("none of 300: %d of %d", both, of)
	}
}

// Sketches of the form before are read as what they are: of texts whose figures nobody knows.
func TestFirstForm(t *testing.T) {
	body := "The office recorded 12 quakes on 3 days, 40 kilometres north of the port, at depths of 5 to 18 kilometres, and took 300 calls in the first hour of the day."
	now := Sketch("Quakes", body, "en")
	s := decode(now, nil)
	// Form 1 had no byte for the figures and none of them.
	head := len(now) - len(s.encode()) // 0: the same bytes
	if head != 0 {
		t.Fatal("encode is not the inverse of decode")
	}
	bare := s
	bare.figures = figures{}
	b := bare.encode()
	at := bytes.Index(b, []byte{byte(s.title), byte(s.title >> 8), byte(s.title >> 16), byte(s.title >> 24), 0}) + 4
	first := append([]byte{1}, b[1:at]...)
	first = append(first, b[at+1:]...)
	old := decode(first, nil)
	if old.text != s.text || old.units != s.units || len(old.hashes) != len(s.hashes) || old.figures.len() != 0 || s.figures.len() < 5 {
		t.Errorf("form 1 is read as %+v, form 2 as %+v", old, s)
	}
	if !SameText(first, now) {
		t.Error("the same text under both forms is another")
	}
}
