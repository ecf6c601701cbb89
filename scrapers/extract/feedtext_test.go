package extract

import (
	"strings"
	"testing"
)

const (
	basin1 = "The harbour board voted on Tuesday to close the northern basin while divers clear the wreck of the barge."
	basin2 = "The divers need until the end of the month, the board's chair said, and perhaps some days more if it storms."
	basin3 = "Owners of smaller boats were told to leave before Friday, when the crane comes down the river from Oldport."
	basin4 = "The ferry keeps its timetable for now, though its last boat will be an hour earlier on all days but Sunday."
	school = "The old lighthouse becomes a school in autumn, the town council decided after a debate that took all evening. "
)

// What the feed's own text says of an article is heard against names and places, and not beyond what it holds.
func TestFeedWitness(t *testing.T) {
	page := func(body string) string {
		return "<html><head><title>Basin closed</title></head><body><header><a href='/'>Courier</a></header>" + body + "</body></html>"
	}
	paras := func(ps ...string) string { return "<p>" + strings.Join(ps, "</p><p>") + "</p>" }
	feed := paras(basin1, basin2, basin3, basin4)
	long := strings.Repeat("And so it went on in the harbour, as the watchman told everybody who would listen to him that night. ", 3)
	for _, c := range []struct {
		name, body, feed string
		kept, alone      []string // blocks' beginnings: kept with the feed's text, and without it
		note             bool
	}{
		{"a name that speaks against the first half", page("<main><div class='related-content'>" + paras(basin1, basin2) + "</div><div>" + paras(basin3, basin4) + "</div></main>"),
			feed, []string{basin1, basin2, basin3, basin4}, []string{basin3, basin4}, false},
		{"a part that stands far from the container", page("<main>" + paras(basin1, basin2, long) + "</main><div><div><p>" + basin4 + "</p></div><p>" + school + "</p></div>"),
			feed, []string{basin1, basin2, long, basin4}, []string{basin1, basin2, long}, false},
		{"a second article that is the page's own", page("<article><h1>School in a lighthouse</h1>" + paras(school+school, school+long) + "</article><article><h1>Wreck</h1>" + paras(basin1, basin2, basin3, basin4) + "</article>"),
			feed, []string{basin1, basin2, basin3, basin4}, nil, false},
		{"a feed cut after the first paragraphs", page("<main><div class='promo-teaser'>" + paras(basin1, basin2, basin3) + "</div>" + paras(long, basin4, school) + "</main>"),
			paras(basin1, basin2) + "<p>…</p>", []string{basin1, basin2, basin3, long, basin4, school}, []string{long, basin4, school}, false},
		{"the feed's text of another article", page("<main>" + paras(basin1, basin2, basin3) + "</main><aside class='related'><p>" + school + "</p></aside>"),
			paras(school, "Forty children have been entered already, the mayor said, and more are expected from the islands in the bay."),
			[]string{basin1, basin2, basin3}, []string{basin1, basin2, basin3}, false},
		{"appeals in the feed's text do not vouch for themselves", page("<main>" + paras(basin1, basin2, basin3) + "<div class='newsletter'><p>Sign up for our newsletter and get all the news of the harbour in your inbox every single morning.</p></div></main>"),
			feed + "<p>Sign up for our newsletter and get all the news of the harbour in your inbox every single morning.</p>",
			[]string{basin1, basin2, basin3}, []string{basin1, basin2, basin3}, false},
		{"a page that is cut", page("<main>" + paras(basin1) + "</main>"), feed, []string{basin1}, []string{basin1}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			x := newExtractor(t)
			for _, fed := range []bool{true, false} {
				in, want := Input{HTML: []byte(c.body)}, c.alone
				if fed {
					in.Feed, want = c.feed, c.kept
				}
				if want == nil {
					continue
				}
				a, err := x.Extract(in)
				if err != nil {
					t.Fatal(err)
				}
				if got := a.Paragraphs(); strings.Join(got, "|") != strings.TrimSpace(strings.Join(trimmed(want), "|")) {
					t.Errorf("with the feed's text %v: kept\n%s\nwant\n%s", fed, strings.Join(got, "\n"), strings.Join(want, "\n"))
				}
				if got := len(a.Notes) > 0; got != (c.note && fed) {
					t.Errorf("with the feed's text %v: notes %q", fed, a.Notes)
				}
				for _, b := range a.Blocks {
					if b.Rule == ruleFeed && (!b.Kept || b.Score < feedSure) {
						t.Errorf("%+v", b)
					}
				}
			}
		})
	}
}

func trimmed(s []string) (out []string) {
	for _, v := range s {
		out = append(out, strings.TrimSpace(v))
	}
	return out
}
