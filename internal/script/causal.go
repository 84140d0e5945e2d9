package script

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/machine"
	"github.com/cohortkv/cohort/node/wire"
)

// space has few slots, so that a transcript can name each slot.
const space hashing.Space = 3

// Causal is the stage of transcripts about causal buckets. Views and strong buckets take
// part; of these it shows only that a node came to a view. Quietly hides events too.
func Causal() Stage {
	return Stage{
		gate:    machine.GateCausal,
		limits:  machine.CausalLimits{Space: space},
		message: func(w *world, l *packet) string { return w.describeCausal(l) },
		event: func(w *world, e core.Event) bool {
			about := strings.HasPrefix(e.Kind.Name, "causal_") || e.Kind.Name == "view_adopted" || e.Kind.Name == "left_behind"
			return about && !w.quiet
		},
	}
}

// describeCausal shows a message of causal buckets.
func (w *world) describeCausal(l *packet) string {
	switch m := l.in.Message.(type) {
	case *wire.Batch:
		return "Batch " + w.batch(m)
	case *wire.BatchAck:
		return fmt.Sprintf("BatchAck: I have up to %d", m.N)
	case *wire.ResendRequest:
		if m.From == m.To {
			return fmt.Sprintf("ResendRequest %d", m.From)
		}
		return fmt.Sprintf("ResendRequest %d to %d", m.From, m.To)
	case *wire.Truncated:
		return fmt.Sprintf("Truncated: up to %d it is not kept", m.UpTo)
	case *wire.CausalForward:
		return "CausalForward " + forwardedOp(m)
	case *wire.CausalForwardReply:
		return "CausalForwardReply " + w.forwardReply(m)
	case *wire.CausalForwardCancel:
		return "CausalForwardCancel"
	case *wire.KeyRequest:
		return "KeyRequest " + m.Key
	case *wire.KeyReply:
		return "KeyReply " + w.keyReply(m)
	case *wire.ViewInfoRequest:
		return viewInfoRequest(m.Views)
	case *wire.ViewInfo:
		return w.viewInfo(m)
	default:
		return w.describeExchange(l)
	}
}

// batch shows the items of a broadcast, each with its dependencies.
func (w *world) batch(m *wire.Batch) string {
	var list []string
	for i := range m.Items {
		s := w.item(&m.Items[i])
		if !m.Items[i].Deps.IsZero() {
			s += " after " + w.contextText(&m.Items[i].Deps)
		}
		list = append(list, s)
	}
	return strings.Join(list, ", ")
}

func forwardedOp(m *wire.CausalForward) string {
	switch {
	case m.Read:
		return "get " + m.Op.Key
	case m.Op.Kind == wire.OpDelete:
		return "del " + m.Op.Key
	default:
		return "put " + m.Op.Key + " " + string(m.Op.Value)
	}
}

func (w *world) forwardReply(m *wire.CausalForwardReply) string {
	switch {
	case m.Fate == wire.ForwardElsewhere:
		return "not here"
	case m.Fate == wire.ForwardWaiting:
		return "I have it, wait"
	case m.Fate == wire.ForwardOtherBoot:
		return "I am in another boot"
	case m.Fate == wire.ForwardFinished:
		return "it is finished"
	case m.Fate == wire.ForwardImplausible:
		return "its context cannot be"
	case !m.Present:
		return "absent"
	default:
		return w.item(&m.Item) + overValue(m.Existed)
	}
}

func (w *world) keyReply(m *wire.KeyReply) string {
	s := "nothing"
	if m.Present {
		s = w.item(&m.Item)
	}
	switch {
	case !m.Held:
		return m.Key + ": I do not hold it"
	case !m.Ready:
		s += ", not ready"
	}
	return m.Key + ": " + s
}

// viewInfoRequest shows nothing for a request that only asks whether the node is up.
func viewInfoRequest(views []ids.View) string {
	var all []string
	for _, id := range views {
		all = append(all, viewID(id))
	}
	if len(all) == 0 {
		return ""
	}
	return "ViewInfoRequest " + strings.Join(all, ", ")
}

func (w *world) viewInfo(m *wire.ViewInfo) string {
	var list []string
	for i := range m.Views {
		k := &m.Views[i]
		s := viewID(k.ID)
		if k.HasStableCut {
			s += ", stable cut " + w.vector(k.StableCut)
		}
		if k.Common {
			s += ", all know it"
		}
		list = append(list, s)
	}
	if len(list) == 0 {
		return ""
	}
	return "ViewInfo " + strings.Join(list, "; ")
}

// describeExchange shows a message of an exchange, by slots.
func (w *world) describeExchange(l *packet) string {
	switch m := l.in.Message.(type) {
	case *wire.DigestRequest:
		if m.Survey {
			return "Survey of " + slotNames(m.Slots)
		}
		return "DigestRequest " + slotNames(m.Slots)
	case *wire.Digest:
		return "Digest " + w.digest(m)
	case *wire.FetchItems:
		return "FetchItems " + slotNames(m.Slots)
	case *wire.Items:
		s := "Items " + w.items(m.Items)
		if !m.Last {
			s += ", and more"
		}
		return s
	case *wire.Handoff:
		return "Handoff: I hold what is yours"
	case *wire.HandoffAck:
		return "HandoffAck " + slotNames(m.Slots)
	default:
		return ""
	}
}

func (w *world) digest(m *wire.Digest) string {
	s := w.holdings(&m.Held)
	if m.Frozen {
		s += "; I take no writes"
	}
	for _, boot := range m.Ended {
		s += "; ended is " + w.bootText(boot.Node, boot.Boot)
	}
	var differ []wire.SlotRange
	for _, g := range m.Groups { // each group is one slot, because there are few
		differ = append(differ, wire.SlotRange{First: g.Group, Count: 1})
	}
	if len(differ) > 0 {
		s += "; sums differ in " + slotNames(differ)
	}
	return s
}

// holdings shows runs of slots, each with its K.
func (w *world) holdings(h *wire.Holdings) string {
	var list []string
	for i := range h.Held {
		run := &h.Held[i]
		s := slotNames([]wire.SlotRange{run.Slots})
		if !run.Ready {
			s += " (not ready)"
		}
		if v := h.Vectors[run.Vector]; len(v) > 0 {
			s += " at " + w.vector(v)
		}
		if run.GCCounter > 0 {
			s += fmt.Sprintf(", counters up to %d collected", run.GCCounter)
		}
		list = append(list, s)
	}
	if len(list) == 0 {
		return "nothing"
	}
	return strings.Join(list, "; ")
}

// slotNames shows slots; adjacent runs are joined.
func slotNames(list []wire.SlotRange) string {
	var s []string
	joined := slices.Clone(list[:min(1, len(list))])
	for _, g := range list[len(joined):] {
		if last := &joined[len(joined)-1]; last.First+last.Count == g.First {
			last.Count += g.Count
		} else {
			joined = append(joined, g)
		}
	}
	for _, g := range joined {
		if g.Count == 1 {
			s = append(s, fmt.Sprint(g.First))
		} else {
			s = append(s, fmt.Sprintf("%d-%d", g.First, g.First+g.Count-1))
		}
	}
	if len(s) == 0 {
		return "no slots"
	}
	return "slots " + strings.Join(s, " ")
}
