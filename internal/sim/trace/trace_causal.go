package trace

import (
	"fmt"
	"strings"

	"github.com/cohortkv/cohort/internal/sim/schedule"
	"github.com/cohortkv/cohort/internal/sim/truth"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/wire"
)

// describeCausal renders an input that concerns causal buckets as one line.
func describeCausal(in core.Input) (string, bool) {
	switch in := in.(type) {
	case *core.CausalSubmit:
		return fmt.Sprintf("causal submit %d %q %s", in.Token-schedule.CausalTokens, in.Op.Key, ContextString(&in.Context)), true
	case *core.CausalRead:
		return fmt.Sprintf("causal read %d %q %s", in.Token-schedule.CausalTokens, in.Key, ContextString(&in.Context)), true
	case *core.CausalList:
		return fmt.Sprintf("causal list %d %s", in.Token-schedule.CausalTokens, ContextString(&in.Context)), true
	case *core.KeyRead:
		return fmt.Sprintf("key read %x: %s", in.Session, ItemString(in.Stored)), true
	case *core.SlotsRead:
		return fmt.Sprintf("slots read %x: %s last=%v", in.Session, itemsString(in.Items), in.Last), true
	}
	return "", false
}

func ItemString(it *wire.Item) string {
	if it == nil {
		return "nothing"
	}
	what := "put"
	if it.Deleted {
		what = "delete"
	}
	return fmt.Sprintf("%s %s %q %s", what, it.ContentType, it.Key, truth.VersionString(it.Version))
}

func itemsString(items []wire.Item) string {
	var parts []string
	for i := range items {
		parts = append(parts, ItemString(&items[i]))
	}
	return fmt.Sprintf("%d items [%s]", len(items), strings.Join(parts, ", "))
}

// causalBody renders a message that concerns causal buckets as one line.
func causalBody(m wire.Message) string {
	switch m := m.(type) {
	case *wire.Batch:
		return fmt.Sprintf("of v%d.%d from %d: %s", m.View.Number, m.View.Author, m.First, itemsString(m.Items))
	case *wire.BatchAck:
		return fmt.Sprintf("of v%d.%d up to %d", m.View.Number, m.View.Author, m.N)
	case *wire.DigestRequest:
		return fmt.Sprintf("%x %v survey=%v", m.Session, m.Slots, m.Survey)
	case *wire.Digest:
		return fmt.Sprintf("%x revision %d frozen=%v descends=%v unsynced=%v, groups %d, %s",
			m.Session, m.Revision, m.Frozen, m.Descends, m.Unsynced, len(m.Groups), holdingsString(&m.Held))
	case *wire.FetchItems:
		return fmt.Sprintf("%x %v after %+v", m.Session, m.Slots, m.After)
	case *wire.Items:
		return fmt.Sprintf("%x removed at %d after %+v last=%v: %s", m.Session, m.RemovedAt, m.After, m.Last, itemsString(m.Items))
	case *wire.KeyReply:
		if !m.Present {
			return fmt.Sprintf("%x %q held=%v ready=%v gc %d: nothing", m.Session, m.Key, m.Held, m.Ready, m.GCCounter)
		}
		return fmt.Sprintf("%x %q held=%v ready=%v gc %d: %s", m.Session, m.Key, m.Held, m.Ready, m.GCCounter, ItemString(&m.Item))
	case *wire.CausalForward:
		return fmt.Sprintf("%d read=%v %s %q %s open from %d for boot %x", m.Counter, m.Read, m.Op.ContentType, m.Op.Key, ContextString(&m.Context), m.LowestOpen, uint64(m.To)&0xffff)
	case *wire.CausalForwardReply:
		if m.Fate != wire.ForwardDone || !m.Present {
			return fmt.Sprintf("%d fate %d nothing %s", m.Counter, m.Fate, ContextString(&m.Context))
		}
		return fmt.Sprintf("%d: %s %s", m.Counter, ItemString(&m.Item), ContextString(&m.Context))
	default:
		return fmt.Sprintf("%+v", m)
	}
}

// holdingsString renders what a node reports to hold of slots.
func holdingsString(h *wire.Holdings) string {
	var b strings.Builder
	for _, run := range h.Held {
		fmt.Fprintf(&b, "[%d", run.Slots.First)
		if run.Slots.Count > 1 {
			fmt.Fprintf(&b, "-%d", run.Slots.First+run.Slots.Count-1)
		}
		fmt.Fprintf(&b, " ready=%v gc %d", run.Ready, run.GCCounter)
		if int(run.Vector) < len(h.Vectors) {
			for _, p := range h.Vectors[run.Vector] {
				fmt.Fprintf(&b, " %s≤%d", streamString(p.Stream), p.N)
			}
		}
		b.WriteByte(']')
	}
	return b.String()
}

// describeCausalWrite renders a change of the causal state as one line.
func describeCausalWrite(c *wire.CausalWrite) string {
	var b strings.Builder
	if c.NewStreams {
		b.WriteString(" new streams")
	}
	for _, r := range c.Free {
		fmt.Fprintf(&b, " free %x-%x", r.First, r.Last)
	}
	for i := range c.Put {
		it := &c.Put[i]
		fmt.Fprintf(&b, " %s deps %s;", ItemString(it), ContextString(&it.Deps))
	}
	if len(c.Drop) > 0 {
		fmt.Fprintf(&b, " drop %q", c.Drop)
	}
	if c.Known != nil {
		fmt.Fprintf(&b, " known %s", holdingsString(c.Known))
	}
	for _, p := range c.Live {
		fmt.Fprintf(&b, " live %s≤%d", streamString(p.Stream), p.N)
	}
	if c.AlumniSet {
		b.WriteString(" former members")
		for _, m := range c.Alumni {
			fmt.Fprintf(&b, " %d", m.ID)
		}
	}
	for _, v := range c.Views {
		fmt.Fprintf(&b, " view v%d.%d cut=%v %v", v.ID.Number, v.ID.Author, v.HasStableCut, v.StableCut)
	}
	if c.GCCounter > 0 {
		fmt.Fprintf(&b, " gc %d", c.GCCounter)
	}
	for _, a := range c.Applied {
		fmt.Fprintf(&b, " result %d/%d", a.ID.Node, a.ID.Counter)
	}
	for _, f := range c.Finished {
		fmt.Fprintf(&b, " finished %d/%d", f.Forwarder.Node, f.Below)
	}
	return b.String()
}

// ContextString renders a context as a few words.
func ContextString(c *wire.Context) string {
	var b strings.Builder
	b.WriteByte('{')
	for _, d := range c.Exact {
		fmt.Fprintf(&b, "%04x:%s ", d.Hash>>48, truth.VersionString(d.Version))
	}
	for _, p := range c.Vector {
		fmt.Fprintf(&b, "%s≤%d ", streamString(p.Stream), p.N)
	}
	for _, id := range c.CutRefs {
		fmt.Fprintf(&b, "cut of v%d.%d/%04x ", id.Number, id.Author, uint16(id.Boot))
	}
	fmt.Fprintf(&b, "ceil %d}", c.Ceil)
	return b.String()
}

func streamString(s wire.Stream) string {
	return fmt.Sprintf("v%d.%d/%04x of %d/%04x", s.View.Number, s.View.Author, uint16(s.View.Boot), s.Node, uint16(s.Boot))
}

func ResultString(r *core.CausalResult) string {
	switch {
	case r == nil:
		return ""
	case r.Item == nil:
		return "nothing, " + ContextString(&r.Context)
	default:
		return fmt.Sprintf("%s deleted=%v, %s", truth.VersionString(r.Item.Version), r.Item.Deleted, ContextString(&r.Context))
	}
}
