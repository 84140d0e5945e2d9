package sim

import (
	"bytes"
	"slices"
	"strconv"

	"github.com/cohortkv/cohort/internal/garble"
	"github.com/cohortkv/cohort/node/wire"
)

// maxNodes bounds the nodes of a schedule.
const maxNodes = 8

// network carries messages, encoded as on the real bus: so nodes share nothing,
// and the codec is under test.
type network struct {
	w       *world
	weather Weather
	storms  int
	calm    bool // all faults are over
	cuts    [maxNodes][maxNodes]int
	last    [maxNodes][maxNodes]wire.Instant // latest arrival on a link, for those in order
	latest  wire.Instant                     // arrival of a message that was kept back
	tickets []ticket                         // requests; a ReplyTo is an index
	recent  [maxNodes]recent                 // what each node sent and was sent lately
	spread  [maxNodes]recent                 // the writes that each node was sent, in any of its lives, whether they came or not
	scratch []byte
	liar    garble.Liar
	choices garble.Source // of the liar
	script  *garble.Script
	lies    int // that were told
	silent  int // messages until the next one
}

// recent are the last parcels of one node, in a ring.
type recent struct {
	ring [32]parcel
	next int
}

func (r *recent) add(p parcel) {
	r.ring[r.next%len(r.ring)] = p
	r.next++
}

// ticket is an open request: who asked, in which life, under which number.
type ticket struct {
	node    *node
	life    int
	request uint64
}

func (t *network) init(w *world) {
	t.w, t.weather = w, w.sched.Weather
	t.beginLies(&w.sched.Lies)
}

// now is the weather of this moment.
func (t *network) now() Weather {
	w := t.weather
	switch {
	case t.calm:
		w.Loss, w.Twice, w.Late = 0, 0, 0
	case t.storms > 0:
		w.Loss, w.Twice, w.Late, w.Reorder = max(w.Loss, 0.25), max(w.Twice, 0.25), max(w.Late, 0.05), true
	}
	return w
}

// cut blocks, or with -1 unblocks, a direction.
func (t *network) cut(from, to int, by int) { t.cuts[from][to] += by }

func (t *network) isCut(from, to *node) bool { return from != to && t.cuts[from.id][to.id] > 0 }

// send takes a message to where it is addressed, if the network pleases.
func (t *network) send(from *node, e wire.Envelope) {
	w := t.w
	w.witness.sent(from, &e)
	if !w.sched.lies() {
		w.truth.Sent(from.truth, &e)
	}
	w.counts.add("message", kindNames[e.Message.Kind()])
	w.countMessage(e.Message)
	t.scratch = wire.AppendMessage(t.scratch[:0], from.machine.Header(), e.Message)
	p := parcel{from: from, payload: bytes.Clone(t.scratch), spreads: e.Message.Kind() == wire.KindBatch}
	if w.meter != nil {
		w.meter.sent(e.Message, len(p.payload))
	}
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
		if w.sched.lies() {
			return
		}
		w.fail("bus", "node %d sends to node %d, which does not exist", from.id, e.To)
		return
	default:
		p.to = w.nodes[e.To]
		if !t.mayDial(from, p.to) {
			w.counts.add("network", "not dialled")
			return
		}
	}
	if !w.sched.lies() {
		w.noteCarry(from, p.to, e.Message)
	}
	if e.Request != 0 {
		p.ticket = len(t.tickets) + 1
		t.tickets = append(t.tickets, ticket{from, from.life, e.Request})
	}
	t.carry(p)
}

// mayDial holds Output.Peers against a destination: nobody else can be reached.
func (t *network) mayDial(from, to *node) bool {
	return from == to || slices.ContainsFunc(from.peers, func(m wire.Member) bool {
		return m.ID == to.id && m.Address == to.address()
	})
}

// parcel is a message on its way.
type parcel struct {
	from, to *node
	payload  []byte
	ticket   int     // 1 + its index, for a request
	answer   *ticket // the request that it answers
	spreads  bool    // writes
}

func (t *network) carry(p parcel) {
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
	weather := t.now()
	if p.spreads && weather.Haunted {
		t.spread[p.to.id].add(p)
	}
	if t.isCut(p.from, p.to) || w.chance(weather.Loss) {
		w.counts.add("network", "lost")
		if p.ticket > 0 && w.chance(0.3) {
			t.refuse(p)
		}
		return
	}
	t.recent[p.from.id].add(p)
	t.recent[p.to.id].add(p)
	t.liar.Saw(p.payload)
	w.at(t.arrival(p, weather), func() { t.arrive(p) })
	if w.chance(weather.Twice) {
		w.counts.add("network", "delivered twice")
		w.at(t.arrival(p, weather)+w.upTo(weather.Echo), func() { t.arrive(p) })
	}
}

// ghosts delivers once more what the last life of a node received and sent: the
// network may do that at any time, and it is worst right after a restart.
func (t *network) ghosts(n *node) {
	if t.calm || t.weather.Twice == 0 {
		return
	}
	for _, p := range t.recent[n.id].ring {
		if p.from != nil && t.w.chance(0.4) {
			t.w.counts.add("network", "ghost of the last life")
			t.w.after(t.w.upTo(400*wire.Millisecond), func() { t.arrive(p) })
		}
	}
	t.recent[n.id] = recent{}
}

// haunt delivers once more the writes that a node was sent, when it has come to
// another view: before it has asked anybody what became of them.
func (t *network) haunt(n *node) {
	if t.calm || !t.weather.Haunted {
		return
	}
	for _, p := range t.spread[n.id].ring {
		if p.from != nil && t.w.chance(0.7) {
			t.w.counts.add("network", "a write of an earlier view")
			t.w.after(t.w.upTo(t.w.upTo(300*wire.Millisecond)), func() { t.arrive(p) })
		}
	}
}

// arrival draws when a message arrives.
func (t *network) arrival(p parcel, weather Weather) wire.Instant {
	w := t.w
	if w.chance(weather.Late) {
		w.counts.add("network", "kept back")
		at := w.now + 200*wire.Millisecond + w.upTo(w.upTo(weather.LateBy))
		t.latest = max(t.latest, at)
		return at
	}
	at := w.now + weather.Delay + wire.Instant(w.rng.ExpFloat64()*float64(weather.Delay))
	last := &t.last[p.from.id][p.to.id]
	if at < *last {
		if !weather.Reorder {
			at = *last
		} else {
			w.counts.add("network", "overtaken")
		}
	}
	*last = max(*last, at)
	return at
}

// arrive hands a message over. Every copy is decoded by itself.
func (t *network) arrive(p parcel) {
	if p.answer != nil && p.answer.life != p.to.life {
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
	if t.tellsLies(p) {
		t.lie(p)
		if w := t.w; w.failure != nil || !p.to.up || p.answer != nil && p.answer.life != p.to.life {
			return
		}
	}
	in := &wire.Received{Header: h, Message: m}
	if p.answer != nil {
		in.Request = p.answer.request
	}
	if p.ticket > 0 {
		in.ReplyTo = wire.ReplyTo(strconv.Itoa(p.ticket - 1))
	}
	p.to.deliver(in)
}

// refuse tells the sender of a request that nobody listens.
func (t *network) refuse(p parcel) {
	k := t.tickets[p.ticket-1]
	t.w.counts.add("network", "request refused")
	if k.node.life == k.life {
		k.node.alive(t.weather.Delay, func() { k.node.deliver(&wire.RequestFailed{Request: k.request}) })
	}
}
