package pipeline_test

import (
	"errors"
	"time"

	"wirewatch/pipeline"
)

// A feed whose list is empty for hours is told of; a moment is not.
func emptiedFeedTold(w *world) {
	w.answers(pipeline.Polled{Entries: w.entries(3)}, nil)
	w.answers(pipeline.Polled{}, nil)
	w.answers(pipeline.Polled{Entries: w.entries(3)}, nil)
	w.want("told", w.told(), "[]")
	for range 14 {
		w.answers(pipeline.Polled{}, nil)
	}
	w.want("told", w.told(), "[feed:a 1 emptied false]")
	w.answers(pipeline.Polled{Entries: w.entries(3)}, nil)
	w.want("told", w.told(), "[feed:a 1 emptied false feed:a 2 emptied true]")
}

// What is late, what a channel does not take, and a disk that fills up: once when it begins, once when it is over.
func worksTold(w *world) {
	free := uint64(10 << 30)
	watch := &pipeline.WorksWatch{Store: w.store, Now: w.now, Operator: func() []string { return []string{"ops"} },
		Channels: func() []string { return []string{"desk", "ops"} }, Room: func() (uint64, error) { return free, nil }}
	look := func() {
		w.Helper()
		for range 2 { // what is told already is not told again
			w.ok(watch.Once(w.Context()))
		}
	}
	look()
	w.want("told", w.told(), "[]")

	free = 300 << 20
	look()
	free = 800 << 20 // not well yet
	look()
	free = 2 << 30
	look()
	w.want("told", w.told(), "[disk 1 low false disk 2 low true]")
	w.run(w.deliver)

	down := &pipeline.Failure{Verdict: pipeline.Retry, Reason: "status 503", Err: errors.New("status 503")}
	for range 12 {
		w.channels["desk"].next = append(w.channels["desk"].next, down)
	}
	w.raise(0, 2, "desk")
	for range 12 {
		w.run(w.deliver)
		w.add(6 * time.Minute)
		look()
	}
	w.want("told", w.told()[2:], "[channel:desk 1 failing false backlog:deliveries 1 behind false]")
	w.run(w.deliver)
	look()
	w.want("told", w.told()[4:], "[channel:desk 2 failing true backlog:deliveries 2 behind true]")

	w.channels["desk"].next = []error{&pipeline.Failure{Verdict: pipeline.Final, Reason: "status 400", Err: errors.New("status 400")}}
	w.raise(2, 2, "desk")
	w.run(w.deliver)
	look()
	w.want("told", w.told()[6:], "[refused:desk 1 refused false]")
	n, err := w.store.RetryDeliveries(w.Context())
	w.ok(err)
	w.want("replayed", n, 1)
	look()
	w.want("told", w.told()[7:], "[refused:desk 2 refused true]")

	w.run(w.deliver)
	w.channels["desk"].next = []error{later(time.Minute), later(12 * time.Hour)} // a long wait that its receiver asks for is told at once
	w.raise(4, 1, "desk")
	w.run(w.deliver)
	look()
	w.want("told", len(w.told()), 8)
	w.add(time.Minute)
	w.run(w.deliver)
	look()
	w.want("told", w.told()[8:], "[channel:desk 3 failing false]")
	w.add(12 * time.Hour)
	w.run(w.deliver)
	w.want("told", w.told()[9:], "[channel:desk 4 failing true]")
}

// Items that wait for more than an hour are told of; those of a backfill are not.
func lateItemsTold(w *world) {
	watch := &pipeline.WorksWatch{Store: w.store, Now: w.now, Operator: func() []string { return []string{"ops"} }, Channels: func() []string { return nil }}
	w.list("a", w.entry("http://a.example/old", "old", "")) // the baseline
	w.run(w.process)
	w.list("a", w.entry("http://a.example/1", "one", ""))
	w.ok(watch.Once(w.Context()))
	w.add(61 * time.Minute)
	w.ok(watch.Once(w.Context()))
	w.want("told", w.told(), "[backlog:items 1 behind false]")
	w.run(w.process)
	w.ok(watch.Once(w.Context()))
	w.want("told", w.told(), "[backlog:items 1 behind false backlog:items 2 behind true]")
}
