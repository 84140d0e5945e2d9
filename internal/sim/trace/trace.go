// Package trace records a simulated run as text: inputs, messages, writes, events, ballots
// and contexts, one line an event. The text is for people. The sum of a trace tells whether
// two runs were the same.
//
// A trace belongs to one run, and so to one goroutine.
package trace

import (
	"fmt"
	"hash/fnv"
	"strings"

	"github.com/cohortkv/cohort/internal/sim/schedule"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// Trace is the record of a run, one line for each event.
type Trace struct {
	lines []string
	sum   uint64
}

// Add appends a line with the time of the event.
func (t *Trace) Add(at wire.Instant, format string, args ...any) {
	line := schedule.Seconds(at) + " " + fmt.Sprintf(format, args...)
	h := fnv.New64a()
	fmt.Fprintf(h, "%x %s", t.sum, line)
	t.sum = h.Sum64()
	t.lines = append(t.lines, line)
}

// Sum is a hash of all lines in order. Two runs with one sum are the same.
func (t *Trace) Sum() uint64 { return t.sum }

// Len returns the number of lines.
func (t *Trace) Len() int { return len(t.lines) }

func (t *Trace) String() string { return strings.Join(t.lines, "\n") + "\n" }

// Last returns the last n lines, each shortened.
func (t *Trace) Last(n int) string {
	var b strings.Builder
	for _, line := range t.lines[max(0, len(t.lines)-n):] {
		fmt.Fprintf(&b, "%.300s\n", line)
	}
	return b.String()
}

// Describe renders an input as one line.
func Describe(in core.Input) string {
	if text, ok := describeCausal(in); ok {
		return text
	}
	switch in := in.(type) {
	case *core.Received:
		h := in.Header
		return fmt.Sprintf("<- %d (%x, view %d by %d) %s %s", h.From, h.Inc, h.View.Number, h.View.Author, KindName(in.Message), body(in.Message))
	case *core.Submit:
		return fmt.Sprintf("submit %d %d %q", in.Token, in.Op.Kind, in.Op.Key)
	default:
		return fmt.Sprintf("%T %+v", in, in)
	}
}

// body renders a message as one line. Long parts are shortened.
func body(m wire.Message) string {
	switch m := m.(type) {
	case *wire.Prepare:
		return fmt.Sprintf("%s first %d commit %d: %s", Name(m.Ballot), m.First, m.Commit, describeEntries(m.Entries))
	case *wire.Forward:
		return fmt.Sprintf("%s mark %d: %d writes", Name(m.Ballot), m.LowestOpen, len(m.Ops))
	case *wire.Chunk:
		return fmt.Sprintf("%s part %d from %d: %d records, %d entries, last %v", Name(m.Ballot), m.Part, m.From, len(m.Records), len(m.Entries), m.Last)
	default:
		return causalBody(m)
	}
}

func describeEntries(entries []wire.Entry) string {
	var parts []string
	for i := range entries {
		parts = append(parts, DescribeEntry(&entries[i]))
	}
	return strings.Join(parts, ", ")
}

// DescribeEntry renders an entry of a log as a few words.
func DescribeEntry(e *wire.Entry) string {
	return fmt.Sprintf("(%s, %d) %s %q=%q number %d status %s for node %d counter %d", Name(e.Stamp.Ballot), e.Stamp.Index,
		e.Op.ContentType, e.Op.Key, Short(e.Op.Value), e.Result.MsgNum, StatusNames[e.Result.Status], e.ID.Node, e.ID.Counter)
}

func DescribeWrite(x *wire.Write) string {
	switch x.Kind {
	case wire.WriteMeta:
		return fmt.Sprintf("%d meta: promised %s, view %d by %d %v, owed %d", x.Seq, Name(x.Meta.Promised),
			x.Meta.View.ID.Number, x.Meta.View.ID.Author, idsOf(x.Meta.View.Layout), len(x.Meta.Owed))
	case wire.WriteAppend:
		return fmt.Sprintf("%d append: %s", x.Seq, describeEntries(x.Entries))
	case wire.WriteCausal:
		return fmt.Sprintf("%d causal:%s", x.Seq, describeCausalWrite(x.Causal))
	default:
		return fmt.Sprintf("%d %s %s fresh=%v base (%s, %d), tail %d, records %d", x.Seq, WriteNames[x.Kind], Name(x.Ballot), x.Fresh,
			Name(x.Base.Source), x.Base.Length, len(x.Entries), len(x.Records))
	}
}

func DescribeEvent(e *core.Event) string {
	return fmt.Sprintf("peer %d view %d by %d %s count %d %s", e.Peer, e.View.Number, e.View.Author, Name(e.Ballot), e.Count, e.Note)
}

func idsOf(l wire.Layout) []ids.Node {
	var all []ids.Node
	for _, m := range l.Members() {
		all = append(all, m.ID)
	}
	return all
}

// Name renders a ballot: its view's number and author, its round, and as much of the boots
// as tells them apart.
func Name(b ids.Ballot) string {
	if b.IsZero() {
		return "nothing"
	}
	return fmt.Sprintf("v%d.%d/%04x.r%d/%04x", b.View.Number, b.View.Author, uint16(b.View.Boot), b.Round, uint16(b.Boot))
}

func Short(v []byte) string {
	if len(v) > 16 {
		return string(v[:16]) + "…"
	}
	return string(v)
}
