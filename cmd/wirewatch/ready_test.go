package main

import (
	"log/slog"
	"math"
	"os"
	"strings"
	"testing"
	"time"
)

// Ready means that what is stored stays: the file is the one that was opened, and its disk has room.
func TestReady(t *testing.T) {
	w := newWorld(t, 1)
	s, err := load(w.config("1s"), os.LookupEnv, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	a, err := openApp(t.Context(), s, slog.New(slog.DiscardHandler), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer a.close()
	if err := a.ready(t.Context()); err != nil {
		t.Fatalf("not ready at once: %v", err)
	}
	if err := room(t.TempDir(), math.MaxUint64); err == nil || !strings.Contains(err.Error(), "make room") {
		t.Errorf("a disk without room: %v", err)
	}
	if err := os.Rename(a.path, a.path+".away"); err != nil {
		t.Fatal(err)
	}
	if err := a.ready(t.Context()); err == nil || !strings.Contains(err.Error(), "put the file back") {
		t.Errorf("without its file: %v", err)
	}
	if err := os.WriteFile(a.path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := a.ready(t.Context()); err == nil {
		t.Error("with another file in its place it is ready")
	}
	if err := os.Rename(a.path+".away", a.path); err != nil {
		t.Fatal(err)
	}
	if err := a.ready(t.Context()); err != nil {
		t.Errorf("with the file back: %v", err)
	}
}
