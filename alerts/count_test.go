package alerts

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"wirewatch/pipeline"
)

func TestCountSays(t *testing.T) {
	for within, want := range map[time.Duration]string{time.Minute: "1 minute", 90 * time.Minute: "90 minutes", time.Hour: "1 hour", 24 * time.Hour: "24 hours",
		36 * time.Hour: "36 hours", 72 * time.Hour: "3 days", 73 * time.Hour: "73 hours"} {
		if got := length(within); got != want {
			t.Errorf("%v is %q, want %q", within, got, want)
		}
	}
	d := Sample("desk", time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC))
	d.Alert.Kind = pipeline.KindMatch
	d.Alert.Count = &pipeline.Count{When: pipeline.When{Of: pipeline.CountStory, By: pipeline.CountSources, N: 2, Within: 24 * time.Hour}, Found: 3}
	body := func() map[string]any {
		b, err := WebhookBody(d)
		if err != nil {
			t.Fatal(err)
		}
		var v map[string]any
		if err := json.Unmarshal(b, &v); err != nil {
			t.Fatal(err)
		}
		return v
	}
	if s := Text(Render(d)); !strings.Contains(s, "\n  3 sites within 24 hours\n") || !strings.Contains(s, "Also carried by 1 other: Another outlet") {
		t.Error(s)
	}
	b, _ := json.Marshal(body()["count"])
	if want := `{"begins":"","by":"sources","ends":"","episode":0,"found":3,"n":2,"of":"story","within_seconds":86400}`; string(b) != want {
		t.Errorf("%s, want %s", b, want)
	}
	d.Alert.Story = pipeline.Story{}
	d.Alert.Count = &pipeline.Count{When: pipeline.When{Of: pipeline.CountQuery, By: pipeline.CountArticles, N: 2, Within: 90 * time.Minute}, Found: 2,
		Episode: pipeline.Episode{Number: 4, Begins: d.Created.Add(-time.Hour), Ends: d.Created}}
	if s := Text(Render(d)); !strings.Contains(s, "\n  2 articles within 90 minutes\n") || !strings.Contains(s, "Counted with 1 other: Another outlet") {
		t.Error(s)
	}
	v := body()
	b, _ = json.Marshal(v["count"])
	if want := `{"begins":"2026-11-22T09:00:00Z","by":"articles","ends":"2026-11-22T10:00:00Z","episode":4,"found":2,"n":2,"of":"query","within_seconds":5400}`; string(b) != want {
		t.Errorf("%s, want %s", b, want)
	}
	if st := v["story"].(map[string]any); st["id"] != 0.0 || st["outlets_total"] != 1.0 || st["title"] != d.Alert.Article.Title {
		t.Errorf("%v", st)
	}
	payload, err := slackPayload(Render(d))
	if err != nil || !strings.Contains(string(payload), "Counted with 1 other:") || !strings.Contains(string(payload), "2 articles within 90 minutes") {
		t.Errorf("%s, %v", payload, err)
	}
	d.Alert.Count = nil
	if _, ok := body()["count"]; ok {
		t.Error("a rule that does not count says that it does")
	}
}
