package node

import (
	"context"
	"log/slog"
	"time"

	"github.com/cohortkv/cohort/bus"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/machine"
	"github.com/cohortkv/cohort/node/wire"
)

// maxLines bounds the lines that wait for the log. The reader of the log may be stuck, and must
// not block the machine. Lines beyond the bound are lost and counted.
const maxLines = 1024

// reporter turns events into counters and log lines. run writes the lines. The goroutine inside
// the driver calls the other methods, and they never block: a line that finds no room is counted
// as lost.
type reporter struct {
	log      *slog.Logger
	meters   *meters
	lines    chan line             // at most maxLines wait
	reported map[repeat]struct{}   // lines of kinds with OncePerView that were logged in this view
	large    bus.Repeats           // messages that were too large, by kind of message
	last     map[repeat]time.Time  // when a line of a kind with OncePerMinute was logged last; at most maxReported
	why      func(ids.Node) string // why a member is not heard, for the log
}

// maxReported bounds the table of the last minute. A full table is emptied: then a line may
// repeat too early.
const maxReported = 1024

// repeat identifies a line that is logged once in a view, or once in a minute.
type repeat struct {
	kind *core.EventKind
	peer ids.Node
}

// line is one log line that waits for run.
type line struct {
	level slog.Level
	text  string
	attrs []slog.Attr
}

func newReporter(log *slog.Logger, m *meters) *reporter {
	return &reporter{
		log: log, meters: m, lines: make(chan line, maxLines), reported: map[repeat]struct{}{}, last: map[repeat]time.Time{},
		why: func(ids.Node) string { return "" },
	}
}

// run writes lines until stop is closed and no line waits.
func (r *reporter) run(stop <-chan struct{}) {
	for {
		select {
		case l := <-r.lines:
			r.write(l)
		case <-stop:
			r.drain()
			return
		}
	}
}

// drain writes the lines that wait.
func (r *reporter) drain() {
	for {
		select {
		case l := <-r.lines:
			r.write(l)
		default:
			return
		}
	}
}

func (r *reporter) write(l line) {
	r.log.LogAttrs(context.Background(), l.level, l.text, l.attrs...)
}

// put queues a line, or counts it as lost if maxLines wait.
func (r *reporter) put(level slog.Level, text string, attrs ...slog.Attr) {
	select {
	case r.lines <- line{level, text, attrs}:
	default:
		r.meters.linesLost.Add(1)
	}
}

// event counts an event of the machine and logs it.
func (r *reporter) event(e *core.Event) {
	r.meters.events.WithLabelValues(e.Kind.Name).Inc()
	switch e.Kind {
	case machine.EventHistoriesMerged:
		r.meters.mergeConflicts.Add(float64(e.Count))
	case machine.EventViewAdopted:
		clear(r.reported)
	}
	level := slog.Level(e.Kind.Level)
	if r.repeated(e) {
		level = slog.LevelDebug
	}
	if r.log.Enabled(context.Background(), level) {
		r.put(level, e.Kind.Name, r.attributes(e)...)
	}
}

// attributes are the attributes of the line of an event.
func (r *reporter) attributes(e *core.Event) []slog.Attr {
	view := e.View.Number
	if view == 0 {
		view = e.Ballot.View.Number
	}
	attrs := []slog.Attr{slog.Uint64("view", view), slog.Uint64("round", e.Ballot.Round)}
	if e.Kind.Has(core.OfPeer) {
		attrs = append(attrs, slog.Uint64("peer", uint64(e.Peer)))
	}
	switch {
	case e.Kind.Has(core.Duration):
		attrs = append(attrs, slog.Duration("for", time.Duration(e.Count)*time.Millisecond))
	case e.Count != 0:
		attrs = append(attrs, slog.Uint64("count", e.Count))
	}
	if e.Note != "" {
		attrs = append(attrs, slog.String("note", e.Note))
	}
	if e.Kind.Has(core.WithCause) {
		attrs = append(attrs, slog.String("why", r.why(e.Peer)))
	}
	return attrs
}

// repeated reports whether the event repeats one that was logged for its peer in this view, or in
// the last minute, and whose kind asks for one line.
func (r *reporter) repeated(e *core.Event) bool {
	what := repeat{e.Kind, e.Peer}
	if e.Kind.Has(core.OncePerMinute) {
		now := time.Now()
		if last, again := r.last[what]; again && now.Sub(last) < time.Minute {
			return true
		}
		if len(r.last) >= maxReported {
			clear(r.last)
		}
		r.last[what] = now
	}
	if !e.Kind.Has(core.OncePerView) {
		return false
	}
	_, again := r.reported[what]
	r.reported[what] = struct{}{}
	return again
}

// status logs that a node begins or ceases to serve data requests.
func (r *reporter) status(before, now *core.NodeStatus) {
	switch {
	case now.Serving && !before.Serving:
		r.put(slog.LevelInfo, "serving",
			slog.Uint64("view", now.View.ID.Number), slog.Uint64("primary", uint64(now.Primary)))
	case before.Serving && !now.Serving:
		r.put(slog.LevelInfo, "not serving",
			slog.Uint64("view", now.View.ID.Number), slog.String("reason", now.Reason))
	}
}

// unreachable logs a member whose entry in the view names no bus.
func (r *reporter) unreachable(m wire.Member, err error) {
	r.put(slog.LevelWarn, "member without a bus address",
		slog.Uint64("peer", uint64(m.ID)), slog.String("address", m.Address), slog.Any("err", err))
}

// tooLarge logs a message that no bus takes. The bounds of messages should prevent this.
func (r *reporter) tooLarge(kind wire.Kind, size int) {
	if count, due := r.large.Tell(time.Now(), kind.String()); due {
		r.put(slog.LevelError, "a message is larger than the bus takes",
			slog.String("kind", kind.String()), slog.Int("bytes", size), slog.Uint64("count", count))
	}
}
