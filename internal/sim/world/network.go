package world

import (
	"bytes"
	"slices"
	"strconv"

	"github.com/cohortkv/cohort/internal/garble"
	"github.com/cohortkv/cohort/internal/sim/schedule"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// network carries messages in the encoding of the real bus. So nodes share no memory, and
// the codec is under test.
type network struct {
	w          *World
	conditions schedule.NetworkConditions                         // while there is no storm
	Storms     int                                                // number of storms in force
	cuts       [schedule.MaxNodes][schedule.MaxNodes]int          // by direction: number of cuts in force
	last       [schedule.MaxNodes][schedule.MaxNodes]wire.Instant // by link: the latest arrival of a message that keeps its order
	Latest     wire.Instant                                       // latest arrival of a message that was kept back
	tickets    []ticket                                           // requests; ReplyTo is an index into it
	recent     [schedule.MaxNodes]recent                          // by node: the last messages that it sent or was sent
	oldWrites  [schedule.MaxNodes]recent                          // by node: the last writes that it was sent, in any boot, delivered or lost
	scratch    []byte
	mutator    garble.Mutator
	choices    garble.Source // used by mutator
	script     *garble.Script
	garbled    int // how many messages were garbled
	// GarbledChunk says that a piece of a base was garbled, in a run of a fuzzer.
	GarbledChunk bool
	untilNext    int // messages until the next garbled one
}

// recent holds the last packets of one node, in a ring.
type recent struct {
	ring [32]packet
	next int
}

func (r *recent) add(p packet) {
	r.ring[r.next%len(r.ring)] = p
	r.next++
}

// ticket is an open request: its sender, the sender's boot, and its number there.
type ticket struct {
	node      *Node
	bootCount int
	request   uint64
}

func (t *network) init(w *World) {
	t.w, t.conditions = w, w.Sched.Network
	t.initGarbling(&w.Sched.Garbling)
}

// now returns the present conditions of the network.
func (t *network) now() schedule.NetworkConditions {
	w := t.conditions
	switch {
	case t.w.Calm:
		w.Loss, w.Duplicate, w.Late = 0, 0, 0
	case t.Storms > 0:
		w.Loss, w.Duplicate, w.Late, w.Reorder = max(w.Loss, 0.25), max(w.Duplicate, 0.25), max(w.Late, 0.05), true
	}
	return w
}

// Cut blocks a direction (by is 1), or unblocks it (by is -1). Cuts add up.
func (t *network) Cut(from, to int, by int) { t.cuts[from][to] += by }

func (t *network) IsCut(from, to *Node) bool { return from != to && t.cuts[from.ID][to.ID] > 0 }

// send delivers a message to its address, unless the network loses it.
func (t *network) send(from *Node, e core.Envelope) {
	w := t.w
	for _, hook := range w.On.Sent {
		hook(from, &e)
	}
	w.Counts.Message(e.Message)
	t.scratch = wire.AppendMessage(t.scratch[:0], from.Machine.Header(), e.Message)
	p := packet{from: from, payload: bytes.Clone(t.scratch), isBatch: e.Message.Kind() == wire.KindBatch}
	switch {
	case e.Answer != "":
		i, err := strconv.Atoi(string(e.Answer))
		if err != nil || i >= len(t.tickets) {
			w.Fail("bus", "node %d answers the request %q, which nobody made", from.ID, e.Answer)
			return
		}
		k := t.tickets[i]
		p.answer = &k
		p.to = p.answer.node
	case uint64(e.To) >= uint64(len(w.Nodes)):
		if w.Sched.Garbled() {
			return
		}
		w.Fail("bus", "node %d sends to node %d, which does not exist", from.ID, e.To)
		return
	default:
		p.to = t.dialled(from, e.To)
		if !t.mayDial(from, p.to) {
			w.Disturb()
			w.Counts.Add("network", "not dialled")
			return
		}
	}
	for _, hook := range w.On.Carried {
		hook(from, p.to, e.Message)
	}
	if e.Request != 0 {
		p.ticket = len(t.tickets) + 1
		t.tickets = append(t.tickets, ticket{from, from.BootCount, e.Request})
	}
	t.transmit(p)
}

// mayDial checks a destination against Output.Peers: a node can reach no other nodes.
func (t *network) mayDial(from, to *Node) bool {
	return from == to || slices.ContainsFunc(from.peers, func(m wire.Member) bool {
		return m.ID == to.ID && m.Address == to.Address()
	})
}

// dialled returns the process that a message to an id goes to: the one at the address that
// the sender may dial.
func (t *network) dialled(from *Node, id ids.Node) *Node {
	if from.ID == id {
		return from
	}
	present, old := t.w.Nodes[id], t.w.TwinOf(id)
	if old != nil && !t.mayDial(from, present) && t.mayDial(from, old) {
		return old
	}
	return present
}

// packet is a message under way.
type packet struct {
	from, to *Node
	payload  []byte
	ticket   int     // for a request: 1 + its index in tickets
	answer   *ticket // the request that it answers
	isBatch  bool    // the message carries writes
}

func (t *network) transmit(p packet) {
	w := t.w
	if p.from == p.to {
		chain := p.from.chain + 1
		w.After(w.UpTo(20_000), func() {
			p.to.chain = chain
			t.arrive(p)
			p.to.chain = 0
		})
		return
	}
	conditions := t.now()
	if p.isBatch && conditions.RedeliverOld {
		t.oldWrites[p.to.ID].add(p)
	}
	if t.IsCut(p.from, p.to) || w.chance(conditions.Loss) {
		w.Disturb()
		w.Counts.Add("network", "lost")
		if p.ticket > 0 && w.chance(0.3) {
			t.refuse(p)
		}
		return
	}
	t.recent[p.from.ID].add(p)
	t.recent[p.to.ID].add(p)
	t.mutator.Observe(p.payload)
	at := t.arrival(p, conditions)
	for _, hook := range w.On.Travels {
		hook(p.from, p.to, at-w.Now)
	}
	w.At(at, func() { t.arrive(p) })
	if w.chance(conditions.Duplicate) {
		w.Counts.Add("network", "delivered twice")
		w.At(t.arrival(p, conditions)+w.UpTo(conditions.DuplicateBy), func() { t.arrive(p) })
	}
}

// redeliverToRestarted delivers again what the last boot of a node received and sent. The
// network may do so at any time; right after a restart it does the most harm.
func (t *network) redeliverToRestarted(n *Node) {
	if t.w.Calm || t.conditions.Duplicate == 0 {
		return
	}
	for _, p := range t.recent[n.ID].ring {
		if p.from != nil && t.w.chance(0.4) {
			t.w.Counts.Add("network", "message of the last boot again")
			t.w.After(t.w.UpTo(400*wire.Millisecond), func() { t.arrive(p) })
		}
	}
	t.recent[n.ID] = recent{}
}

// RedeliverOldWrites delivers again the writes that a node was sent earlier. Right after a
// change of view, before the first exchange with a peer, they do the most harm.
func (t *network) RedeliverOldWrites(n *Node) {
	if t.w.Calm || !t.conditions.RedeliverOld {
		return
	}
	for _, p := range t.oldWrites[n.ID].ring {
		if p.from != nil && t.w.chance(0.7) {
			t.w.Counts.Add("network", "a write of an earlier view")
			t.w.After(t.w.UpTo(t.w.UpTo(300*wire.Millisecond)), func() { t.arrive(p) })
		}
	}
}

// arrival draws the time at which a message arrives.
func (t *network) arrival(p packet, conditions schedule.NetworkConditions) wire.Instant {
	w := t.w
	if w.chance(conditions.Late) {
		w.Disturb()
		w.Counts.Add("network", "kept back")
		at := w.Now + 200*wire.Millisecond + w.UpTo(w.UpTo(conditions.LateBy))
		t.Latest = max(t.Latest, at)
		return at
	}
	at := w.Now + conditions.Delay + wire.Instant(w.Rng.ExpFloat64()*float64(conditions.Delay))
	last := &t.last[p.from.ID][p.to.ID]
	if at < *last {
		if !conditions.Reorder {
			at = *last
		} else {
			w.Counts.Add("network", "overtaken")
		}
	}
	*last = max(*last, at)
	return at
}

// arrive hands a message over. Every copy is decoded anew.
func (t *network) arrive(p packet) {
	if p.answer != nil && p.answer.bootCount != p.to.BootCount {
		return
	}
	if !p.to.Up {
		t.w.Disturb()
		t.w.Counts.Add("network", "nobody there")
		if p.ticket > 0 && t.w.chance(0.7) {
			t.refuse(p)
		}
		return
	}
	h, m, err := wire.DecodeMessage(p.payload)
	if err != nil {
		t.w.Fail("codec", "node %d to node %d: %v", p.from.ID, p.to.ID, err)
		return
	}
	if t.isGarbled(p) {
		t.deliverGarbled(p)
		if w := t.w; w.Failure != nil || !p.to.Up || p.answer != nil && p.answer.bootCount != p.to.BootCount {
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
	p.to.Deliver(in)
}

// refuse tells the sender of a request that no process listens at the address.
func (t *network) refuse(p packet) {
	k := t.tickets[p.ticket-1]
	t.w.Counts.Add("network", "request refused")
	if k.node.BootCount == k.bootCount {
		k.node.alive(t.conditions.Delay, func() { k.node.Deliver(&core.RequestFailed{Request: k.request}) })
	}
}
