package report

import (
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"wirewatch/pipeline"
	"wirewatch/pipeline/store"
)

// until is when the reports of these tests end: a Friday, 10:30 in Berlin.
var until = time.Date(2026, 3, 13, 9, 30, 0, 0, time.UTC)

// evil is what a site could send to harm who looks at the page.
const evil = "</title></li><script>alert(1)</script><img src=x onerror=alert(1)> \u202etxt.exe \"'` {{.}} <!--"

var headlines = []struct{ lang, title string }{
	{"en", "Eleven ships wait off the strait as insurers raise their price"},
	{"en", "Ministry says it knew nothing of the second shipment"},
	{"en", "Central bank holds rates, warns of a long winter"},
	{"de", "Bundesregierung prüft Ausfuhr von Ersatzteilen über Drittstaaten"},
	{"ru", "Порт закрыт до понедельника: разгрузка двух танкеров отложена"},
	{"ar", "ميناء يعلق استقبال السفن بعد فحص جديد للبضائع"},
	{"he", "הנמל נסגר עד יום שני, שתי מכליות ממתינות לפריקה"},
	{"ko", "북한, 동해상으로 단거리 탄도미사일 두 발 발사"},
	{"zh", "港口暂停作业三天,两艘油轮等待卸货"},
	{"ja", "制裁対象の船舶、名義を変えて入港か"},
	{"th", "ท่าเรือปิดทำการสามวัน เรือบรรทุกน้ำมันสองลำรอขนถ่าย"},
	{"fr", "Le chantier naval perd son principal client étranger"},
}

// newsroom fills a store with n articles over the fortnight before until: most by day, fewer at weekends, a few stories that many carry.
func newsroom(t testing.TB, n int) *store.Store {
	t.Helper()
	st, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "w.db"), store.Options{Now: func() time.Time { return until }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	r := rand.New(rand.NewPCG(7, 7))
	l, ok, err := st.Acquire(t.Context(), "process", "h", "test", until, until.Add(time.Hour))
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	rules := []string{"sanctions", "arms transfers", "DPRK 북한", "ports and shipping", "central banks", "ترسانة", "board members"}
	var times []time.Time
	for len(times) < n {
		at := until.Add(-time.Duration(r.Float64() * 14 * float64(24*time.Hour)))
		busy := 0.25 + 0.75*math.Exp(-math.Pow(float64(at.Hour())-11, 2)/18)
		if d := at.Weekday(); d == time.Saturday || d == time.Sunday {
			busy *= 0.4
		}
		if r.Float64() < busy {
			times = append(times, at)
		}
	}
	slices.SortFunc(times, time.Time.Compare)
	var open []int64
	err = st.Write(t.Context(), l, func(tx pipeline.Tx) error {
		for i, at := range times {
			k := i % len(headlines)
			site := fmt.Sprintf("paper%d.example", int(60*math.Pow(r.Float64(), 2)))
			if at.Before(until.AddDate(0, 0, -7)) && i%40 == 0 {
				site = "gazette-of-a-town-with-a-long-name.example"
			}
			a := pipeline.Article{URL: fmt.Sprintf("https://%s/%d", site, i), Site: site, SiteName: "The " + strings.TrimSuffix(site, ".example"), Lang: headlines[k].lang,
				Title: fmt.Sprintf("%s (%d)", headlines[k].title, i), Body: "Body", Source: pipeline.SourcePage, Relation: "new", Seen: at.Add(time.Minute), Published: at}
			if r.IntN(3) > 0 || open == nil {
				if i == 3 {
					a.Title, a.SiteName, a.URL = evil, evil, "javascript:alert(1)"
				}
				id, err := tx.OpenStory(a.Title, at)
				if err != nil {
					return err
				}
				open, a.Story = append(open, id), id
			} else {
				a.Story = open[max(0, len(open)-1-int(300*math.Pow(r.Float64(), 3)))]
				if big := (len(open) - 1) / 400 * 400; r.IntN(4) == 0 && len(open)-big < 150 { // now and then one that all have
					a.Story = open[big]
				}
				a.Relation = []string{"copy", "identical", "copy", "version"}[r.IntN(4)]
			}
			id, err := tx.InsertArticle(&a, nil)
			if err != nil {
				return err
			}
			a.ID = id
			var ms []pipeline.Match
			for j, rule := range rules {
				if r.IntN(30+40*j) == 0 {
					ms = append(ms, pipeline.Match{Rule: rule})
				}
			}
			if i == 3 {
				ms = append(ms, pipeline.Match{Rule: evil})
			}
			if err := tx.SaveMatches(id, ms); err != nil {
				return err
			}
			for _, m := range ms {
				if _, err := tx.RaiseAlert(pipeline.Alert{Rule: m.Rule, Kind: pipeline.KindMatch, Created: at, Story: pipeline.Story{ID: a.Story}, Article: a}, []string{"desk"}); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	deliver(t, st, r, 40*n/1000)
	return st
}

// deliver ends so many deliveries, a few of them badly.
func deliver(t testing.TB, st *store.Store, r *rand.Rand, n int) {
	t.Helper()
	l, ok, err := st.Acquire(t.Context(), "deliver", "desk", "test", until, until.Add(time.Hour))
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	for range n {
		ds, err := st.NextDeliveries(t.Context(), "desk", until, 1)
		if err != nil {
			t.Fatal(err)
		}
		if len(ds) == 0 {
			return
		}
		ds[0].State, ds[0].Sent = pipeline.DeliverySent, until
		if r.IntN(25) == 0 {
			ds[0].State, ds[0].Sent = pipeline.DeliveryDead, time.Time{}
		}
		if err := st.SaveDelivery(t.Context(), l, ds[0]); err != nil {
			t.Fatal(err)
		}
	}
}
