package alerts

import (
	"slices"
	"strings"
	"testing"

	"wirewatch/pipeline"
)

// What a replay tells says that it is of the past, once, and when it was published.
func TestArchiveMark(t *testing.T) {
	one := delivery("msg_1", "arms", "missile", samples()["english"].Alert.Article)
	one.Archived = true
	two := one
	two.UID = "msg_2"
	all := digest("msg_3", one, two)
	all.Archived = true
	for want, d := range map[string]pipeline.Delivery{"[ARCHIVE] ": one, "[DIGEST] [ARCHIVE] ": all} {
		m := Render(d)
		if m.Mark() != want {
			t.Errorf("marked %q, want %q", m.Mark(), want)
		}
		if d.Alert.Kind != pipeline.KindDigest && !slices.Contains(m.Context(), m.When()) {
			t.Errorf("it does not say when it was published: %q", m.Context())
		}
		for _, x := range m.Items {
			if x.Mark() != "" {
				t.Errorf("an item repeats it: %q", x.Mark())
			}
		}
		b, err := WebhookBody(d)
		if err != nil || !strings.Contains(string(b), `"archive":true`) {
			t.Errorf("%v: %s", err, b)
		}
	}
	if one.Archived = false; Render(one).Mark() != "" {
		t.Error("what is no replay is marked")
	}
}
