package main

import (
	"bytes"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// maxUnwritten bounds the log that waits for its reader, in bytes.
	maxUnwritten = 1 << 20
	// logPatience is how long a process that ends waits for the reader.
	logPatience = time.Second
)

// logWriter keeps a log from blocking the node. The reader of the log may have ended or
// be stuck, and the disk may be full. Write never blocks and never fails. Lines that the
// reader does not take are lost and counted.
type logWriter struct {
	to     io.Writer
	notice func(lost uint64) []byte // makes the line that reports lost lines
	lost   atomic.Uint64
	wake   chan struct{} // capacity 1: a line waits, or the writer is closed
	done   chan struct{}

	mu struct {
		sync.Mutex
		lines  [][]byte
		bytes  int
		closed bool
	}
}

func newLogWriter(to io.Writer, notice func(lost uint64) []byte) *logWriter {
	w := &logWriter{to: to, notice: notice, wake: make(chan struct{}, 1), done: make(chan struct{})}
	go w.run()
	return w
}

// Write takes one line. It implements io.Writer for slog, which reuses p.
func (w *logWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	fits := !w.mu.closed && w.mu.bytes+len(p) <= maxUnwritten
	if fits {
		w.mu.lines = append(w.mu.lines, append([]byte(nil), p...))
		w.mu.bytes += len(p)
	}
	w.mu.Unlock()
	if !fits {
		w.lost.Add(1)
		return len(p), nil
	}
	w.poke()
	return len(p), nil
}

func (w *logWriter) poke() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// Lost is how many lines were lost.
func (w *logWriter) Lost() uint64 { return w.lost.Load() }

// Close writes the lines that wait, if the reader takes them within logPatience.
func (w *logWriter) Close() {
	w.mu.Lock()
	w.mu.closed = true
	w.mu.Unlock()
	w.poke()
	select {
	case <-w.done:
	case <-time.After(logPatience):
	}
}

func (w *logWriter) run() {
	defer close(w.done)
	told := uint64(0) // lost lines that the log has reported
	for range w.wake {
		for {
			line, closed := w.next()
			if line == nil {
				if closed {
					return
				}
				break
			}
			if lost := w.lost.Load(); lost > told && w.write(w.notice(lost-told)) {
				told = lost
			}
			if !w.write(line) {
				w.lost.Add(1)
			}
		}
	}
}

// next takes the oldest line; nil: no line waits.
func (w *logWriter) next() (line []byte, closed bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.mu.lines) == 0 {
		return nil, w.mu.closed
	}
	line = w.mu.lines[0]
	w.mu.lines = w.mu.lines[1:]
	w.mu.bytes -= len(line)
	return line, w.mu.closed
}

func (w *logWriter) write(line []byte) bool {
	_, err := w.to.Write(line)
	return err == nil
}

// handler writes records to w in the given format, text or json.
func handler(w io.Writer, format string, level slog.Level) slog.Handler {
	options := &slog.HandlerOptions{Level: level}
	if format == "json" {
		return slog.NewJSONHandler(w, options)
	}
	return slog.NewTextHandler(w, options)
}

// openLog returns a logger that never blocks, and its writer, which the caller
// closes.
func openLog(to io.Writer, format string, level slog.Level) (*slog.Logger, *logWriter) {
	w := newLogWriter(to, func(lost uint64) []byte { return lostNotice(format, lost) })
	return slog.New(handler(w, format, level)), w
}

// lostNotice is the log line that reports lost lines.
func lostNotice(format string, lost uint64) []byte {
	var line bytes.Buffer
	slog.New(handler(&line, format, slog.LevelWarn)).Warn("log lines were lost: the log was not read, or could not be written", "count", lost)
	return line.Bytes()
}
