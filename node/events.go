package node

import (
	"context"
	"log/slog"
	"time"

	"github.com/cohortkv/cohort/bus"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// eventLog is the form of an event in the log.
type eventLog struct {
	level    slog.Level // INFO is a change of state: a quiet cluster is silent
	peer     bool       // the event concerns its Peer
	duration bool       // Count is a duration in milliseconds
	why      bool       // the line has the cause that the bus knows
	minute   bool       // once a minute for each peer; otherwise at DEBUG
	once     bool       // once in a view for each peer; repetitions at DEBUG
}

// eventLogs lists the machine's events. An event that is not listed is logged at level
// DEBUG, without a peer.
var eventLogs = map[core.EventKind]eventLog{
	"view_adopted":             {level: slog.LevelInfo},
	"view_refused":             {level: slog.LevelDebug, peer: true},
	"view_malformed":           {level: slog.LevelWarn, peer: true, once: true},
	"view_from_stranger":       {level: slog.LevelWarn, peer: true, once: true},
	"left_behind":              {level: slog.LevelWarn, peer: true},
	"data_lost":                {level: slog.LevelWarn},
	"member_unheard":           {level: slog.LevelWarn, peer: true, why: true, minute: true},
	"other_cluster":            {level: slog.LevelWarn, peer: true, minute: true},
	"id_given_away":            {level: slog.LevelWarn, peer: true, minute: true},
	"ballot_active":            {level: slog.LevelInfo},
	"gate_closed":              {level: slog.LevelDebug}, // strong_waits has the details
	"strong_waits":             {level: slog.LevelWarn, peer: true, duration: true, why: true},
	"strong_wait_over":         {level: slog.LevelInfo, peer: true, duration: true},
	"round_stuck":              {level: slog.LevelWarn},
	"histories_merged":         {level: slog.LevelWarn},
	"history_pulled":           {level: slog.LevelWarn, peer: true},
	"owed_lost":                {level: slog.LevelWarn},
	"owed_elsewhere":           {level: slog.LevelWarn},
	"log_truncated":            {level: slog.LevelInfo},
	"history_forgotten":        {level: slog.LevelWarn},
	"staged_base_dropped":      {level: slog.LevelInfo},
	"member_stranger":          {level: slog.LevelWarn, peer: true},
	"message_malformed":        {level: slog.LevelWarn, peer: true, once: true},
	"content_differs":          {level: slog.LevelWarn, peer: true},
	"prepare_resent":           {level: slog.LevelDebug, peer: true},
	"prepare_gap":              {level: slog.LevelDebug, peer: true},
	"prepare_duplicate":        {level: slog.LevelDebug, peer: true},
	"retry_answered":           {level: slog.LevelDebug, peer: true},
	"retry_pending":            {level: slog.LevelDebug, peer: true},
	"forward_refused":          {level: slog.LevelDebug, peer: true},
	"forward_late":             {level: slog.LevelDebug, peer: true},
	"forward_expired":          {level: slog.LevelDebug, peer: true},
	"causal_ready":             {level: slog.LevelInfo},
	"causal_ready_unproven":    {level: slog.LevelWarn},
	"causal_synced":            {level: slog.LevelInfo},
	"causal_slots_released":    {level: slog.LevelInfo},
	"causal_former_drained":    {level: slog.LevelInfo},
	"causal_boot_ended":        {level: slog.LevelInfo, peer: true},
	"causal_apart":             {level: slog.LevelInfo, peer: true, once: true},
	"causal_peer_back":         {level: slog.LevelDebug, peer: true},
	"causal_gap":               {level: slog.LevelDebug, peer: true},
	"causal_resent":            {level: slog.LevelDebug, peer: true},
	"causal_truncated":         {level: slog.LevelDebug, peer: true},
	"causal_aside_full":        {level: slog.LevelDebug, peer: true},
	"causal_item_absent":       {level: slog.LevelDebug, peer: true},
	"causal_waits":             {level: slog.LevelDebug},
	"causal_forward_in_doubt":  {level: slog.LevelDebug},
	"causal_forward_late":      {level: slog.LevelDebug, peer: true},
	"causal_forward_forgotten": {level: slog.LevelWarn, peer: true, once: true},
	"causal_forward_repeated":  {level: slog.LevelDebug, peer: true},
	"causal_collected":         {level: slog.LevelDebug},
	"causal_stable_cut":        {level: slog.LevelDebug},
	"causal_node_forgotten":    {level: slog.LevelWarn, peer: true},
	"causal_two_contents":      {level: slog.LevelWarn, peer: true},
	"causal_incredible":        {level: slog.LevelWarn, peer: true, once: true},
}

func eventLogOf(k core.EventKind) eventLog {
	if r, listed := eventLogs[k]; listed {
		return r
	}
	return eventLog{level: slog.LevelDebug}
}

// maxLines bounds the lines that wait for the log. The reader of the log may be stuck, and must
// not block the machine. Lines beyond the bound are lost and counted.
const maxLines = 1024

// reporter turns events into counters and log lines. run writes the lines. The other methods never
// block, and are called by the goroutine inside the driver.
type reporter struct {
	log      *slog.Logger
	meters   *meters
	lines    chan line
	reported map[repeat]struct{}   // in this view
	large    bus.Repeats           // by kind of message
	last     map[repeat]time.Time  // when the line was logged last
	why      func(ids.Node) string // why a member is not heard, for the log
}

// maxReported bounds the table of reported events.
const maxReported = 1024

// repeat identifies lines that are logged once.
type repeat struct {
	kind core.EventKind
	peer ids.Node
}

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

func (r *reporter) put(level slog.Level, text string, attrs ...slog.Attr) {
	select {
	case r.lines <- line{level, text, attrs}:
	default:
		r.meters.linesLost.Add(1)
	}
}

// event counts an event of the machine and logs it.
func (r *reporter) event(e *core.Event) {
	r.meters.events.WithLabelValues(string(e.Kind)).Inc()
	if e.Kind == "histories_merged" {
		r.meters.mergeConflicts.Add(float64(e.Count))
	}
	shown := r.eventLogFor(e)
	if !r.log.Enabled(context.Background(), shown.level) {
		return
	}
	r.put(shown.level, string(e.Kind), r.attributes(e, shown)...)
}

// attributes are the attributes of the line of an event.
func (r *reporter) attributes(e *core.Event, shown eventLog) []slog.Attr {
	view := e.View.Number
	if view == 0 {
		view = e.Ballot.View.Number
	}
	attrs := []slog.Attr{slog.Uint64("view", view), slog.Uint64("round", e.Ballot.Round)}
	if shown.peer {
		attrs = append(attrs, slog.Uint64("peer", uint64(e.Peer)))
	}
	switch {
	case shown.duration:
		attrs = append(attrs, slog.Duration("for", time.Duration(e.Count)*time.Millisecond))
	case e.Count != 0:
		attrs = append(attrs, slog.Uint64("count", e.Count))
	}
	if e.Note != "" {
		attrs = append(attrs, slog.String("note", e.Note))
	}
	if shown.why {
		attrs = append(attrs, slog.String("why", r.why(e.Peer)))
	}
	return attrs
}

// eventLogFor is the form of an event in the log, given the events before it.
func (r *reporter) eventLogFor(e *core.Event) eventLog {
	if e.Kind == "view_adopted" {
		clear(r.reported)
	}
	shown := eventLogOf(e.Kind)
	what := repeat{e.Kind, e.Peer}
	if shown.minute {
		now := time.Now()
		if last, again := r.last[what]; again && now.Sub(last) < time.Minute {
			shown.level = slog.LevelDebug
		} else {
			if len(r.last) >= maxReported {
				clear(r.last)
			}
			r.last[what] = now
		}
	}
	if !shown.once {
		return shown
	}
	if _, again := r.reported[what]; again {
		shown.level = slog.LevelDebug
	}
	r.reported[what] = struct{}{}
	return shown
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
