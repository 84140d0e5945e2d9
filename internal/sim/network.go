package sim

import (
	"bytes"
	"slices"
	"strconv"

	"github.com/cohortkv/cohort/internal/garble"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// maxNodes bounds the nodes of a schedule.
const maxNodes = 8

// network carries messages, encoded as on the real bus: so nodes share nothing,
// and the codec is under test.
type network struct {
	w          *world
	conditions NetworkConditions
	storms     int
	cuts       [maxNodes][maxNodes]int
	last       [maxNodes][maxNodes]wire.Instant // latest arrival on a link, for those in order
	latest     wire.Instant                     // arrival of a message that was kept back
	tickets    []ticket                         // requests; a ReplyTo is an index
	recent     [maxNodes]recent                 // what each node sent and was sent lately
	oldWrites  [maxNodes]recent                 // the writes that each node was sent, in any boot, delivered or lost
	scratch    []byte
	mutator    garble.Mutator
	choices    garble.Source // of the mutator
	script     *garble.Script
	garbled    int // how many so far
	// garbledChunk says that a piece of a base was among them, in a run of a fuzzer.
	garbledChunk bool
	untilNext    int // messages until the next one
}

// recent are the last packets of one node, in a ring.
type recent struct {
	ring [32]packet
	next int
}

func (r *recent) add(p packet) {
	r.ring[r.next%len(r.ring)] = p
	r.next++
}

// ticket is an open request: the node that asked, its boot and its number.
type ticket struct {
	node      *node
	bootCount int
	request   uint64
}

func (t *network) init(w *world) {
	t.w, t.conditions = w, w.sched.Network
	t.initGarbling(&w.sched.Garbling)
}

// now returns the conditions of this moment.
func (t *network) now() NetworkConditions {
	w := t.conditions
	switch {
	case t.w.calm:
		w.Loss, w.Duplicate, w.Late = 0, 0, 0
	case t.storms > 0:
		w.Loss, w.Duplicate, w.Late, w.Reorder = max(w.Loss, 0.25), max(w.Duplicate, 0.25), max(w.Late, 0.05), true
	}
	return w
}

// cut blocks, or with -1 unblocks, a direction.
func (t *network) cut(from, to int, by int) { t.cuts[from][to] += by }

func (t *network) isCut(from, to *node) bool { return from != to && t.cuts[from.id][to.id] > 0 }

// send takes a message to where it is addressed, if the network pleases.
func (t *network) send(from *node, e core.Envelope) {
	w := t.w
	for _, hook := range w.on.sent {
		hook(from, &e)
	}
	w.counts.message(e.Message)
	t.scratch = wire.AppendMessage(t.scratch[:0], from.machine.Header(), e.Message)
	p := packet{from: from, payload: bytes.Clone(t.scratch), isBatch: e.Message.Kind() == wire.KindBatch}
	switch {
	case e.Answer != "":
		i, err := strconv.Atoi(string(e.Answer))
		if err != nil || i >= len(t.tickets) {
			w.fail("bus", "node %d answers the request %q, which nobody made", from.id, e.Answer)
			return
		}
		k := t.tickets[i]
		p.answer = &k
		p.to = p.answer.node
	case uint64(e.To) >= uint64(len(w.nodes)):
		if w.sched.garbled() {
			return
		}
		w.fail("bus", "node %d sends to node %d, which does not exist", from.id, e.To)
		return
	default:
		p.to = t.dialled(from, e.To)
		if !t.mayDial(from, p.to) {
			w.counts.add("network", "not dialled")
			return
		}
	}
	for _, hook := range w.on.carried {
		hook(from, p.to, e.Message)
	}
	if e.Request != 0 {
		p.ticket = len(t.tickets) + 1
		t.tickets = append(t.tickets, ticket{from, from.bootCount, e.Request})
	}
	t.transmit(p)
}

// mayDial holds Output.Peers against a destination: no other node can be reached.
func (t *network) mayDial(from, to *node) bool {
	return from == to || slices.ContainsFunc(from.peers, func(m wire.Member) bool {
		return m.ID == to.id && m.Address == to.address()
	})
}

// dialled is the process that a message to an id is sent to: that at the address which
// the sender may dial.
func (t *network) dialled(from *node, id ids.Node) *node {
	if from.id == id {
		return from
	}
	present, old := t.w.nodes[id], t.w.twinOf(id)
	if old != nil && !t.mayDial(from, present) && t.mayDial(from, old) {
		return old
	}
	return present
}

// packet is a message on its way.
type packet struct {
	from, to *node
	payload  []byte
	ticket   int     // 1 + its index, for a request
	answer   *ticket // the request that it answers
	isBatch  bool    // writes
}

func (t *network) transmit(p packet) {
	w := t.w
	if p.from == p.to {
		chain := p.from.chain + 1
		w.after(w.upTo(20_000), func() {
			p.to.chain = chain
			t.arrive(p)
			p.to.chain = 0
		})
		return
	}
	conditions := t.now()
	if p.isBatch && conditions.RedeliverOld {
		t.oldWrites[p.to.id].add(p)
	}
	if t.isCut(p.from, p.to) || w.chance(conditions.Loss) {
		w.counts.add("network", "lost")
		if p.ticket > 0 && w.chance(0.3) {
			t.refuse(p)
		}
		return
	}
	t.recent[p.from.id].add(p)
	t.recent[p.to.id].add(p)
	t.mutator.Observe(p.payload)
	w.at(t.arrival(p, conditions), func() { t.arrive(p) })
	if w.chance(conditions.Duplicate) {
		w.counts.add("network", "delivered twice")
		w.at(t.arrival(p, conditions)+w.upTo(conditions.DuplicateBy), func() { t.arrive(p) })
	}
}

// redeliverToRestarted delivers again what the last boot of a node received and sent. The
// network may do that at any time; right after a restart it is worst.
func (t *network) redeliverToRestarted(n *node) {
	if t.w.calm || t.conditions.Duplicate == 0 {
		return
	}
	for _, p := range t.recent[n.id].ring {
		if p.from != nil && t.w.chance(0.4) {
			t.w.counts.add("network", "message of the last boot again")
			t.w.after(t.w.upTo(400*wire.Millisecond), func() { t.arrive(p) })
		}
	}
	t.recent[n.id] = recent{}
}

// redeliverOldWrites delivers again the writes that a node was sent, when it has come to
// another view and has not yet exchanged with a peer.
func (t *network) redeliverOldWrites(n *node) {
	if t.w.calm || !t.conditions.RedeliverOld {
		return
	}
	for _, p := range t.oldWrites[n.id].ring {
		if p.from != nil && t.w.chance(0.7) {
			t.w.counts.add("network", "a write of an earlier view")
			t.w.after(t.w.upTo(t.w.upTo(300*wire.Millisecond)), func() { t.arrive(p) })
		}
	}
}

// arrival draws when a message arrives.
func (t *network) arrival(p packet, conditions NetworkConditions) wire.Instant {
	w := t.w
	if w.chance(conditions.Late) {
		w.counts.add("network", "kept back")
		at := w.now + 200*wire.Millisecond + w.upTo(w.upTo(conditions.LateBy))
		t.latest = max(t.latest, at)
		return at
	}
	at := w.now + conditions.Delay + wire.Instant(w.rng.ExpFloat64()*float64(conditions.Delay))
	last := &t.last[p.from.id][p.to.id]
	if at < *last {
		if !conditions.Reorder {
			at = *last
		} else {
			w.counts.add("network", "overtaken")
		}
	}
	*last = max(*last, at)
	return at
}

// arrive hands a message over. Every copy is decoded by itself.
func (t *network) arrive(p packet) {
	if p.answer != nil && p.answer.bootCount != p.to.bootCount {
		return
	}
	if !p.to.up {
		t.w.counts.add("network", "nobody there")
		if p.ticket > 0 && t.w.chance(0.7) {
			t.refuse(p)
		}
		return
	}
	h, m, err := wire.DecodeMessage(p.payload)
	if err != nil {
		t.w.fail("codec", "node %d to node %d: %v", p.from.id, p.to.id, err)
		return
	}
	if t.isGarbled(p) {
		t.deliverGarbled(p)
		if w := t.w; w.failure != nil || !p.to.up || p.answer != nil && p.answer.bootCount != p.to.bootCount {
			return
		}
	}
	in := &core.Received{Header: h, Message: m}
	if p.answer != nil {
		in.Request = p.answer.request
	}
	if p.ticket > 0 {
		in.ReplyTo = ids.ReplyTo(strconv.Itoa(p.ticket - 1))
	}
	p.to.deliver(in)
}

// refuse tells the sender of a request that no process listens.
func (t *network) refuse(p packet) {
	k := t.tickets[p.ticket-1]
	t.w.counts.add("network", "request refused")
	if k.node.bootCount == k.bootCount {
		k.node.alive(t.conditions.Delay, func() { k.node.deliver(&core.RequestFailed{Request: k.request}) })
	}
}
