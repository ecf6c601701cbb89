package alerts

import (
	"io"
	"maps"
	"net"
	"net/http"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"wirewatch/configs"
	"wirewatch/pipeline"
)

// now is the moment all tests live in.
var now = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)

// newChannel makes a channel of YAML settings, by way of the real configuration. The settings hold every key but name.
func newChannel(t testing.TB, settings string) (pipeline.Channel, error) {
	t.Helper()
	return newChannelTo(t, settings, io.Discard)
}

// newChannelTo is newChannel for a kind that writes to standard output.
func newChannelTo(t testing.TB, settings string, stdout io.Writer) (pipeline.Channel, error) {
	t.Helper()
	text := "channels:\n  - name: desk\n    " + strings.ReplaceAll(strings.TrimSpace(settings), "\n", "\n    ") + "\n"
	cfg, err := configs.Parse("test.yaml", []byte(text), nil)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	c := cfg.Channels[0]
	for _, k := range Kinds {
		if k.Name == c.Kind {
			return k.New(c.Name, c.Settings, Deps{HTTP: http.DefaultClient, Dial: new(net.Dialer).DialContext, Stdout: stdout, Now: func() time.Time { return now }})
		}
	}
	t.Fatalf("no kind %q", c.Kind)
	return nil, nil
}

func mustChannel(t testing.TB, settings string) pipeline.Channel {
	t.Helper()
	c, err := newChannel(t, settings)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// least are the settings that a kind cannot do without, against a receiver at base. A kind without an entry fails the tests.
func least(t testing.TB, kind, base string) string {
	t.Helper()
	s, ok := map[string]string{
		"slack":      "url: " + base + "/services/T0/B0/abcdefgh",
		"webhook":    "url: " + base + "/hook",
		"discord":    "url: " + base + "/api/webhooks/1234/abcdefgh",
		"teams":      "url: " + base + "/workflows/abcdefgh/triggers/manual/paths/invoke?api-version=1&sig=abcdefgh",
		"telegram":   "url: " + base + "\ntoken: 123456:abcdefghijklmnopqrstuvwxyz\nchat: -100123",
		"mattermost": "url: " + base + "/hooks/abcdefgh",
		"ntfy":       "url: " + base + "\ntopic: wires\ntoken: tk_abcdefgh",
		"matrix":     "url: " + base + "\ntoken: syt_abcdefgh\nroom: '!abc:matrix.example'",
		"file":       "path: " + filepath.Join(t.TempDir(), "alerts.jsonl"),
		"stdout":     "",
		"slack_app":  "url: " + base + "/\ntoken: xoxb-1\nchannel: C0123ABCD",
		"email":      "host: mail.example\nfrom: a@h.example\nto: [b@h.example]",
	}[kind]
	if !ok {
		t.Fatalf("kind %s has no settings here", kind)
	}
	return "kind: " + kind + "\n" + s
}

// overHTTP are the kinds that send requests.
func overHTTP() (names []string) {
	for _, k := range Kinds {
		if k.Name != "file" && k.Name != "stdout" && k.Name != "email" {
			names = append(names, k.Name)
		}
	}
	return names
}

// spansOf finds words in title and body, as the matcher would.
func spansOf(a pipeline.Article, words string) (out []pipeline.Span) {
	re := regexp.MustCompile("(?i)" + words)
	for _, f := range []struct{ name, text string }{{"title", a.Title}, {"body", a.Body}} {
		for _, m := range re.FindAllStringIndex(f.text, -1) {
			out = append(out, pipeline.Span{Field: f.name, Start: m[0], End: m[1]})
		}
	}
	return out
}

func delivery(uid, rule, words string, a pipeline.Article, outlets ...pipeline.Outlet) pipeline.Delivery {
	a.ID, a.Story = 41, 17
	if a.Source == "" {
		a.Source = pipeline.SourcePage
	}
	return pipeline.Delivery{ID: 7, UID: uid, Channel: "desk", State: pipeline.DeliveryOpen, Created: now, Due: now,
		Alert: pipeline.Alert{ID: 5, Rule: rule, Subject: "story:17", Kind: pipeline.KindMatch, Created: now,
			Story:   pipeline.Story{ID: 17, Title: a.Title, Created: now},
			Article: a, Spans: spansOf(a, words), Outlets: outlets}}
}

// samples are deliveries as the pipeline makes them, in the scripts that need care.
func samples() map[string]pipeline.Delivery {
	published := time.Date(2026, 11, 22, 8, 30, 0, 0, time.UTC)
	feed := delivery("msg_feed", "ports & cranes", "crane", pipeline.Article{
		URL: "https://harbour.example/locked?a=1&b=2", Site: "harbour.example", SiteName: "Harbour Post",
		Title: "Crane order \"delayed\" at Port <No. 4>", Date: "2026-11-22", Published: published.Truncate(24 * time.Hour), Lang: "en",
		Body: "The order for a crane is late.", Source: pipeline.SourceFeed, Why: "robots"})
	const said = "The death toll of the fire at the northern depot rose to twelve on Sunday, the governor said. He blamed the owner of the " +
		"depot, who had stored fertiliser there without a permit since the spring, and promised an inquiry. The fire was put out at noon."
	before := pipeline.Article{Title: "Depot fire kills twelve", Body: said}
	update := delivery("msg_up", "depots", "depot", pipeline.Article{
		URL: "https://news.example/2026/11/22/depot", Site: "news.example", SiteName: "Example News",
		Title: "Depot fire kills fifteen", Published: published, Lang: "en",
		Body: strings.NewReplacer("twelve", "fifteen", "He blamed", "He no longer blamed").Replace(said)})
	changed := pipeline.Updated(&before, &update.Alert.Article)
	changed.Version, changed.First, changed.UID, changed.Told = 2, 4, "msg_first", published
	update.Alert.Kind, update.Alert.Seq, update.Alert.Update = pipeline.KindUpdate, 2, &changed
	corrected := changed
	corrected.Corrected = true
	english := delivery("msg_en", "arms transfers", `missiles?|shells`, pipeline.Article{
		URL: "https://news.example/2026/11/22/shells", Site: "news.example", SiteName: "Example News",
		Title: "Freighter carried shells, inspectors say", Authors: []string{"Ada Linden"}, Published: published,
		Date: "2026-11-22T10:30:00+02:00", Lang: "en", Agency: "Reuters",
		Body: "A freighter that called at the northern port last month was loaded with crates.\n\nInspectors who were on the " +
			"quay said on Sunday that the crates held artillery shells and parts of a missile, and that the papers spoke of " +
			"machine tools. \"We counted four hundred shells,\" one of them said.\n\nThe owner of the ship did not answer."},
		pipeline.Outlet{Site: "daily.example", SiteName: "The Daily", Title: "Shells on board", URL: "https://daily.example/a", Published: published},
		pipeline.Outlet{Site: "kurier.example", Title: "Granaten an Bord", URL: "https://kurier.example/b?x=1&y=2"})
	english.Alert.About = pipeline.About{Severity: "high", Tags: []string{"arms", "sea"}, Note: "Ask the harbour desk before you call."}
	all := map[string]pipeline.Delivery{
		"update":    update,
		"english":   english,
		"corrected": follow(update, "msg_corrected", corrected),
		"withdrawn": follow(update, "msg_withdrawn", pipeline.Update{First: 4, UID: "msg_first", Told: published, Withdrawn: true}),
		"growth": follow(update, "msg_growth", pipeline.Update{First: 4, UID: "msg_first", Told: published, Outlets: 2},
			pipeline.Outlet{Site: "daily.example", SiteName: "The Daily", Title: "Depot burns", URL: "https://daily.example/a", Published: published},
			pipeline.Outlet{Site: "kurier.example", Title: "Lager brennt", URL: "https://kurier.example/b?x=1&y=2"}),
		"korean": delivery("msg_ko", "무기 거래", "미사일|포탄", pipeline.Article{
			URL: "https://sinmun.example/기사/123", Site: "sinmun.example", SiteName: "보기신문",
			Title: "화물선에서 포탄과 미사일 부품 발견", Published: published, Lang: "ko", Agency: "연합뉴스",
			Body: "지난달 북쪽 항구에 들른 화물선에서 포탄이 든 상자가 발견됐다고 조사관들이 22일 밝혔다.\n\n상자에는 미사일의 부품도 들어 있었으며 서류에는 공작 기계라고 적혀 있었다. " +
				"조사관 가운데 한 사람은 \"포탄을 사백 발까지 세었다\"고 말했다. 선주는 답하지 않았다."}),
		"russian": delivery("msg_ru", "поставки оружия", "снаряд[а-я]*|ракет[а-я]*", pipeline.Article{
			URL: "https://vesti.example/n/77", Site: "vesti.example", SiteName: "Примерные вести",
			Title: "На сухогрузе нашли снаряды", Published: published, Lang: "ru",
			Body: "Сухогруз, который в прошлом месяце заходил в северный порт, вёз ящики с артиллерийскими снарядами, сообщили в воскресенье " +
				"инспекторы.\n\nВ ящиках лежали и части ракеты, а в бумагах значились станки. «Мы насчитали четыреста снарядов», — сказал один из них."}),
		"arabic": delivery("msg_ar", "نقل الأسلحة", "قذائف|صاروخ", pipeline.Article{
			URL: "https://akhbar.example/n/9", Site: "akhbar.example", SiteName: "أخبار المثال",
			Title: "العثور على قذائف في سفينة شحن", Published: published, Lang: "ar",
			Body: "قال مفتشون يوم الأحد إن سفينة شحن رست الشهر الماضي في الميناء الشمالي كانت تحمل صناديق فيها قذائف مدفعية وأجزاء صاروخ. " +
				"وكانت الأوراق تتحدث عن آلات. وقال أحدهم: «أحصينا أربعمئة قذيفة». ولم يرد صاحب السفينة."}),
		"feed": feed,
		"test": Sample("desk", now),
		"trouble": health("msg_t", 3, pipeline.Health{Trouble: "dead", Since: now.Add(-26 * time.Hour)}, "Feed <b>tass & co</b> is dead",
			"It has failed 9 times in a row and was well last on 21 Nov 2026 07:45 UTC; it is asked again at least every 6 hours. Last: status 503, \"<!channel> maintenance\""),
		"note": health("msg_n", 5, pipeline.Health{Trouble: "moved", Since: now, Notice: true}, "Feed tass has moved", "Its server has said so 3 times in a row."),
		"recovery": health("msg_r", 4, pipeline.Health{Trouble: "dead", Since: now.Add(-26 * time.Hour), Over: now}, "Feed tass is well again",
			"It answers, and what it lists is read as before."),
	}
	all["digest"] = digest("msg_dig", all["english"], all["korean"], all["update"], all["feed"])
	first, second := all["english"], all["english"]
	first.UID, first.Alert.About.Severity, first.Alert.Escalate = "msg_crit", pipeline.Critical, pipeline.Escalation{To: "night", After: 90 * time.Minute}
	second.UID, second.Bundle, second.Alert.About.Severity = "msg_esc", pipeline.ForEscalation, pipeline.Critical
	second.Told = []pipeline.Told{{Channel: "desk", Sent: now.Add(-30 * time.Minute)}, {Channel: "phone <!channel>"}}
	all["critical"], all["escalated"] = first, second
	return all
}

// digest is the delivery of a digest of others.
func digest(uid string, members ...pipeline.Delivery) pipeline.Delivery {
	return pipeline.Delivery{ID: 9, UID: uid, Channel: "desk", State: pipeline.DeliveryOpen, Created: now, Due: now, Alert: pipeline.Alert{ID: 6,
		Subject: "channel:desk digest", Kind: pipeline.KindDigest, Seq: 1, Created: now, Members: members}}
}

// follow is another update of what an update is about.
func follow(of pipeline.Delivery, uid string, u pipeline.Update, outlets ...pipeline.Outlet) pipeline.Delivery {
	of.UID, of.Alert.Update, of.Alert.Outlets = uid, &u, outlets
	return of
}

// sampleNames are the names of samples, sorted.
func sampleNames() []string { return slices.Sorted(maps.Keys(samples())) }

// health is a delivery of what Wirewatch says of itself.
func health(uid string, seq int, h pipeline.Health, headline, text string) pipeline.Delivery {
	h.Text = text
	return pipeline.Delivery{ID: 8, UID: uid, Channel: "ops", State: pipeline.DeliveryOpen, Created: now, Due: now, Alert: pipeline.Alert{ID: 5,
		Rule: "operator", Subject: "feed:tass", Kind: pipeline.KindHealth, Seq: seq, Created: now, Article: pipeline.Article{Title: headline, Body: text}, Health: h}}
}

// decodeOnly makes a channel of settings that may not even decode.
func decodeOnly(k Kind, settings string) (pipeline.Channel, error) {
	text := "channels:\n  - name: desk\n    kind: " + k.Name + "\n    " + strings.ReplaceAll(strings.TrimPrefix(settings, "kind: "+k.Name), "\n", "\n    ") + "\n"
	cfg, err := configs.Parse("test.yaml", []byte(text), nil)
	if err != nil {
		return nil, err
	}
	return k.New("desk", cfg.Channels[0].Settings, Deps{})
}
