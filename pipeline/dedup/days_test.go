package dedup

import (
	"slices"
	"testing"

	"wirewatch/pipeline/text"
)

func TestDays(t *testing.T) {
	day := func(month, d uint32) uint32 { return month*32 + d }
	for _, c := range []struct {
		in   string
		want []uint32
	}{
		{"", nil}, {"Weather for 8 November", []uint32{day(11, 8)}}, {"Nov. 10th: what we know", []uint32{day(11, 10)}},
		{"Прогноз погоды на 8-го и 16 ноября", []uint32{day(11, 16)}}, {"С 6 по 8 мая 10 человек", []uint32{day(5, 8)}},
		{"El 5 de mayo", []uint32{day(5, 5)}}, {"1er février", []uint32{day(2, 1)}}, {"3. März 2026", []uint32{day(3, 3)}},
		{"11月8日の天気", []uint32{day(11, 8)}}, {"на 08.11.2026", []uint32{day(11, 8)}}, {"2026-11-08", []uint32{day(11, 8)}},
		{"Погода на 9-го мая", []uint32{day(5, 9)}}, {"8 December 9 people", []uint32{day(12, 8)}},
		{"version 1.2.3", nil}, {"13.13.2026", nil}, {"May says no", nil}, {"the march of 40 men", nil}, {"99 may come", nil},
	} {
		if got := days(nil, c.in, text.Tokens(c.in)); !slices.Equal(got, c.want) {
			t.Errorf("%q: %v, want %v", c.in, got, c.want)
		}
	}
}

// Two forecasts are alike in all but the day that they are for.
func TestEventsOfOtherDays(t *testing.T) {
	docs, _ := reports()
	x := NewEvents(EventOptions{})
	for i, d := range docs[:200] {
		d.ID, d.Event = int64(i+1), int64(i+1)
		x.Add(d)
	}
	forecast := func(title string) EventDoc {
		return EventDoc{Terms: Terms(title, "Sleet over Tarn and Oster, with gusts from the fjord and black ice on the passes; Lund expects drifts.", "en")}
	}
	first := forecast("Forecast for Tarn, 8 November")
	first.ID, first.Event = 201, 201
	x.Add(first)
	for title, want := range map[string]int64{"Forecast for Tarn, 16 November": 0, "Tarn forecast for Nov. 8": 201, "Forecast for Tarn": 201} {
		if got := x.Decide(forecast(title)); got.Event != want {
			t.Errorf("%s: %+v", title, got)
		}
	}
}
