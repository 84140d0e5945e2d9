package script

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// network holds the messages under way, and the faults that a script has set.
type network struct {
	queue []packet
	held  []packet             // messages that are kept until the script releases them
	cut   map[ids.Node]bool    // nodes that are cut off from all others
	apart map[[2]ids.Node]bool // pairs that are cut off from each other, the lower id first
	lose  []messageFilter
	hold  []messageFilter
}

// packet is a message under way.
type packet struct {
	from, to ids.Node
	in       *core.Received
	request  uint64 // not 0: it is a request with this number
}

// messageFilter selects messages of a kind: all, or those from one node to another.
type messageFilter struct {
	kind     string
	oneWay   bool
	from, to ids.Node
}

func newNetwork() network {
	return network{cut: map[ids.Node]bool{}, apart: map[[2]ids.Node]bool{}}
}

// kindOf returns the name of a message's type. A DigestRequest that is a survey is a kind
// of its own.
func kindOf(m wire.Message) string {
	if open, ok := m.(*wire.DigestRequest); ok && open.Survey {
		return "Survey"
	}
	return strings.TrimPrefix(fmt.Sprintf("%T", m), "*wire.")
}

func (l *packet) matches(list []messageFilter) bool {
	return slices.ContainsFunc(list, func(p messageFilter) bool {
		return p.kind == kindOf(l.in.Message) && (!p.oneWay || p.from == l.from && p.to == l.to)
	})
}

// parted reports whether a cut lies between two nodes.
func (t *network) parted(a, b ids.Node) bool {
	return a != b && (t.cut[a] || t.cut[b] || t.apart[[2]ids.Node{min(a, b), max(a, b)}])
}

// post sends a message through the codec. A node may send only to nodes that its view, or
// the view before this step, lets it dial. An answer needs no address.
func (w *world) post(n *node, before []wire.Member, e core.Envelope) {
	h, m, err := wire.DecodeMessage(wire.AppendMessage(nil, n.m.Header(), e.Message))
	if err != nil {
		w.t.Fatalf("%T does not survive the codec: %v", e.Message, err)
	}
	l := packet{n.id, e.To, &core.Received{Header: h, Message: m}, e.Request}
	if e.Answer != "" {
		var id, req uint64
		if _, err := fmt.Sscanf(string(e.Answer), "%d/%d", &id, &req); err != nil {
			w.t.Fatalf("node %d answers the request %q, which nobody made", n.id, e.Answer)
		}
		l.to, l.in.Request = ids.Node(id), req
	} else if !n.mayDial(e.To, before) {
		return
	}
	if e.Request != 0 {
		l.in.ReplyTo = ids.ReplyTo(fmt.Sprintf("%d/%d", n.id, e.Request))
	}
	w.net.queue = append(w.net.queue, l)
}

func (n *node) mayDial(id ids.Node, before []wire.Member) bool {
	is := func(m wire.Member) bool { return m.ID == id }
	return id == n.id || slices.ContainsFunc(n.peers, is) || slices.ContainsFunc(before, is)
}

// run delivers messages until none is left.
func (w *world) run() {
	for range 100_000 {
		if len(w.net.queue) == 0 {
			return
		}
		l := w.net.queue[0]
		w.net.queue = w.net.queue[1:]
		w.deliver(l)
	}
	w.t.Fatalf("the machines never fall silent; so far:\n%s", w.out.String())
}

func (w *world) deliver(l packet) {
	n := w.nodes[l.to]
	switch {
	case l.from != l.to && (l.matches(w.net.lose) || w.net.parted(l.from, l.to)):
	case l.matches(w.net.hold):
		w.net.held = append(w.net.held, l)
	case n == nil:
		if from := w.nodes[l.from]; from != nil && l.request != 0 && from.m.Header().Boot == l.in.Header.Boot {
			w.step(from, &core.RequestFailed{Request: l.request})
		}
	default:
		s := w.stage.message(w, &l)
		if s != "" && !w.quiet && !w.hidden[kindOf(l.in.Message)] {
			w.say("  %d → %d %s", l.from, l.to, s)
		}
		w.step(n, l.in)
	}
}

// release delivers the messages that were held.
func (w *world) release() {
	w.net.hold = nil
	w.net.queue = append(w.net.queue, w.net.held...)
	w.net.held = nil
}
