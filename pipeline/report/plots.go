package report

import (
	"fmt"
	"time"
)

// Plots are SVG without a viewBox: across, everything is placed in percent, so that a plot fills a wide screen and a phone alike; down, and
// for type, in pixels, so that letters keep their size. Bars, cells and dots are all that a report needs, and html/template, which the page
// is made with, escapes what stands in them. The plotting libraries of Go that write SVG (gonum/plot, go-chart) draw at a fixed size and
// in fixed colours: text that shrinks with the plot, no dark scheme, no titles for who cannot see it.

// A column is a bar of a plot; X and W are percent, the rest pixels. The matched part stands below.
type column struct {
	X, W           float64
	Y, H           float64 // articles in which no rule matched
	MatchY, MatchH float64
	Tip            string
}

// A mark is a label on an axis: At is percent on the one across, pixels on the one down. Minor ones are left out on a phone.
type mark struct {
	At    float64
	Label string
	Minor bool
}

// A volume is the plot of articles over time.
type volume struct {
	Height  int // of the bars
	Columns []column
	Across  []mark
	Down    []mark
}

const volumeHeight = 190

func (r *Report) volume() volume {
	v := volume{Height: volumeHeight}
	top := 0
	for _, b := range r.Bars {
		top = max(top, b.Articles)
	}
	top = ceiling(top)
	n := float64(len(r.Bars))
	scale := func(k int) float64 { return round(float64(k) * volumeHeight / float64(top)) }
	for i, b := range r.Bars {
		matched := min(b.Matched, b.Articles)
		c := column{X: round((float64(i) + 0.08) * 100 / n), W: round(84 / n), MatchH: scale(matched), H: scale(b.Articles) - scale(matched)}
		c.MatchY = volumeHeight - c.MatchH
		c.Y = c.MatchY - c.H
		c.Tip = fmt.Sprintf("%s: %s, %s matched", b.label, count(b.Articles, "article"), number(b.Matched))
		v.Columns = append(v.Columns, c)
	}
	for _, k := range []int{top, top / 2, 0} {
		if k == 0 || k*2 == top || k == top {
			v.Down = append(v.Down, mark{At: volumeHeight - scale(k), Label: number(k)})
		}
	}
	v.Across = r.marks()
	return v
}

// marks are dates below the bars, about eight.
func (r *Report) marks() []mark {
	layout, wanted := "2 Jan", func(time.Time) bool { return true }
	switch r.Step {
	case "hour":
		layout, wanted = "15:04", func(t time.Time) bool { return t.Hour()%3 == 0 }
	case "3 hours", "6 hours":
		layout, wanted = "Mon 2", func(t time.Time) bool { return t.Hour() == 0 }
	case "month", "quarter":
		layout = "Jan 2006"
	case "year":
		layout = "2006"
	}
	var at []int
	for i, b := range r.Bars {
		if wanted(b.Start) {
			at = append(at, i)
		}
	}
	every := max(1, (len(at)+5)/8)
	var out []mark
	for k := 0; k < len(at); k += every {
		i := at[k]
		x := round(float64(i) * 100 / float64(len(r.Bars)))
		if x > 94 {
			break
		}
		out = append(out, mark{At: x, Label: r.Bars[i].Start.Format(layout), Minor: len(out)%2 == 1})
	}
	return out
}

// ceiling is the next number that is 1, 2, 4, 6 or 8 with zeros, so that half of it is a number too; at least 2.
func ceiling(n int) int {
	for unit := 1; ; unit *= 10 {
		for _, k := range []int{2, 4, 6, 8, 10} {
			if k*unit >= n {
				return k * unit
			}
		}
	}
}

// A cell is an hour of a day of the week; X and W are percent, Y pixels. Shade is from 0 to 1.
type cell struct {
	X, W  float64
	Y     int
	Shade float64
	Tip   string
}

// A heat is the plot of articles by hour of the day; of a period of less than six days all days are one row.
type heat struct {
	Rows  []mark
	Hours []mark
	Cells []cell
	Table [24][]string // the hour, and what there is on average in each row
}

// heatRow is the height of a row.
const heatRow = 22

func (h heat) Height() int { return heatRow * len(h.Rows) }

var weekdays = [...]string{"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"}

func (r *Report) heat() heat {
	sums, times, names := r.Hours[:], r.clockHours(), weekdays[:]
	if r.Until.Sub(r.Since) < 6*day {
		sums, times, names = together(sums), together(times), []string{"all"}
	}
	most := 0.0
	for i := range sums {
		for j, n := range sums[i] {
			most = max(most, average(n, times[i][j]))
		}
	}
	var h heat
	for i, d := range sums {
		h.Rows = append(h.Rows, mark{At: float64(i*heatRow + heatRow/2), Label: names[i]})
		for j, n := range d {
			x := average(n, times[i][j])
			c := cell{X: round(float64(j) * 100 / 24), W: round(96.0 / 24), Y: i * heatRow, Tip: fmt.Sprintf("%s %02d:00: %.1f on average", names[i], j, x)}
			if n > 0 {
				c.Shade = max(0.04, round(x/most))
			}
			h.Cells = append(h.Cells, c)
		}
	}
	for j := range h.Table {
		h.Table[j] = []string{fmt.Sprintf("%02d:00", j)}
		for i := range sums {
			h.Table[j] = append(h.Table[j], fmt.Sprintf("%.1f", average(sums[i][j], times[i][j])))
		}
		if j%3 == 0 {
			h.Hours = append(h.Hours, mark{round(float64(j) * 100 / 24), fmt.Sprintf("%02d", j), j%6 != 0})
		}
	}
	return h
}

// clockHours is how often each hour of the week comes in the period, so that a week and a morning do not show that morning twice as full.
func (r *Report) clockHours() [][24]int {
	out := make([][24]int, 7)
	for t := r.Since; t.Before(r.Until); t = t.Add(time.Hour) {
		out[weekday(t)][t.Hour()]++
	}
	return out
}

// weekday counts from Monday.
func weekday(t time.Time) int { return (int(t.Weekday()) + 6) % 7 }

func together(days [][24]int) [][24]int {
	var all [24]int
	for _, d := range days {
		for i, n := range d {
			all[i] += n
		}
	}
	return [][24]int{all}
}

func average(n, times int) float64 { return float64(n) / float64(max(1, times)) }

// sparks are the bars of a rule, over the height of a line of text.
func sparks(bars []int) []column {
	const height = 24
	most := 1
	for _, n := range bars {
		most = max(most, n)
	}
	var out []column
	w := 100 / float64(len(bars))
	for i, n := range bars {
		if n == 0 {
			continue
		}
		h := max(1.5, round(float64(n)*height/float64(most)))
		out = append(out, column{X: round(float64(i)*w + w*0.08), W: round(w * 0.84), MatchY: height - h, MatchH: h})
	}
	return out
}

// dots are where the articles of a story lie in the period, in percent; what would lie upon another is left out.
func (r *Report) dots(times []time.Time) []float64 {
	var out []float64
	whole := float64(r.Until.Sub(r.Since))
	for _, t := range times {
		x := round(1 + 98*float64(t.Sub(r.Since))/whole)
		if k := len(out); k == 0 || x-out[k-1] >= 0.4 {
			out = append(out, x)
		}
	}
	return out
}

// round leaves two places: a pixel in ten thousand.
func round(x float64) float64 { return float64(int(x*100+0.5)) / 100 }
