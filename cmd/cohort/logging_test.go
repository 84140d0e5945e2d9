package main

import (
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
)

// gated is a log reader that takes lines one at a time, or fails.
type gated struct {
	enter chan struct{} // a line is about to be written
	leave chan error    // how its writing ends

	mu struct {
		sync.Mutex
		text strings.Builder
	}
}

func (g *gated) Write(p []byte) (int, error) {
	g.enter <- struct{}{}
	if err := <-g.leave; err != nil {
		return 0, err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.mu.text.Write(p)
}

func TestAStuckLogLosesLinesAndSaysHowMany(t *testing.T) {
	g := &gated{enter: make(chan struct{}), leave: make(chan error)}
	log, w := openLog(g, "text", slog.LevelInfo)
	log.Info("first")
	<-g.enter // the reader is stuck in the first line
	filler := strings.Repeat("x", maxUnwritten/8)
	for range 12 {
		log.Info(filler) // returns, whether there is room or not
	}
	lost := w.Lost()
	if lost < 4 || lost > 6 {
		t.Fatalf("%d of 12 lines of an eighth of the bound were lost", lost)
	}
	g.leave <- nil
	ended := make(chan struct{})
	go func() { w.Close(); close(ended) }()
	for open := true; open; {
		select {
		case <-g.enter:
			g.leave <- nil
		case <-ended:
			open = false
		}
	}
	if text := g.mu.text.String(); !strings.Contains(text, "log lines were lost") || strings.Count(text, filler) != 12-int(lost) {
		t.Errorf("the log has %d of the lines, and the notice: %v", strings.Count(text, filler), strings.Contains(text, "lost"))
	}
}

func TestALogThatCannotBeWrittenCountsItsLines(t *testing.T) {
	g := &gated{enter: make(chan struct{}), leave: make(chan error)}
	log, w := openLog(g, "json", slog.LevelInfo)
	log.Info("goes nowhere")
	<-g.enter
	g.leave <- errors.New("no space left on device")
	log.Info("goes through")
	<-g.enter
	g.leave <- nil // the notice
	<-g.enter
	g.leave <- nil
	w.Close()
	if w.Lost() != 1 {
		t.Errorf("%d lines count as lost", w.Lost())
	}
	text := g.mu.text.String()
	if !strings.Contains(text, `"count":1`) || !strings.Contains(text, "goes through") {
		t.Error(text)
	}
}
