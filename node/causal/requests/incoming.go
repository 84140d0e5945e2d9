package requests

import (
	"slices"

	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/node/causal/footprint"
	"github.com/cohortkv/cohort/node/causal/plausible"
	"github.com/cohortkv/cohort/node/causal/results"
	"github.com/cohortkv/cohort/node/causal/step"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/forward"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// forwardPatience is how long an owner works on a forwarded request that is not repeated.
const forwardPatience = 1500 * wire.Millisecond

// Bounds of what this node keeps on behalf of its peers (docs/causal.md §12, rule 6).
const (
	maxIncoming  = 1 << 16  // forwarded requests that wait here; beyond it they are refused
	incomingRoom = 64 << 20 // bytes of memory that these take
)

// worker works on the requests that Incoming takes.
type worker interface {
	settle(q *request) bool
	start(q *request, stored *wire.Item)
	leave(q *request)
}

// Incoming are the requests that other nodes forwarded here (docs/forwarding.md §3). A
// repetition of a write meets the waiting request or the result, so one owner applies no write
// twice (I11).
type Incoming struct {
	step    *step.Step
	space   hashing.Space
	results *results.Results
	guard   *plausible.Guard
	worker  worker

	open  map[ids.Request]*incomingForward // not answered yet; at most maxIncoming
	bytes int                              // memory of open; at most incomingRoom
}

// incomingForward is a forwarded request that waits here, with the address of its answer.
type incomingForward struct {
	id         ids.Request
	req        *request
	to         ids.Node     // the forwarder
	replyTo    ids.ReplyTo  // of the last copy; earlier copies were answered *waiting*
	bytes      int          // memory that counts for the bound
	view       ids.View     // the forwarder's view, as its last copy said
	repeatedAt wire.Instant // when the last copy came; the request is dropped forwardPatience later
}

// requestSize is about the memory of a request in bytes, without its key, value and context.
const requestSize = 512

// add lists a request that waits here.
func (c *Incoming) add(x *incomingForward) {
	c.open[x.id] = x
	c.bytes += x.bytes
}

// remove takes a request off the list, if it is listed.
func (c *Incoming) remove(x *incomingForward) {
	if c.open[x.id] == x {
		delete(c.open, x.id)
		c.bytes -= x.bytes
	}
}

// OnForward takes a request that another node forwarded here. A write that names another boot
// of this node is refused first: what that boot has applied is not known here. A repetition
// is answered whichever node owns the slot by now.
func (c *Incoming) OnForward(h wire.Header, replyTo ids.ReplyTo, m *wire.CausalForward, stored []*wire.Item) {
	if len(stored) != 1 {
		return
	}
	id := ids.Request{Node: h.From, Boot: h.Boot, Counter: m.Counter}
	x := &incomingForward{id: id, to: h.From, replyTo: replyTo, repeatedAt: c.step.Now(), view: h.View}
	if !m.Read && m.To != c.step.Self.Boot {
		c.answer(x, &wire.CausalForwardReply{Fate: wire.ForwardOtherBoot}, 0)
		return
	}
	c.results.HearLowestOpen(h, m.LowestOpen)
	if waits := c.open[id]; waits != nil {
		c.step.Post(core.Envelope{To: h.From, Answer: waits.replyTo, Message: &wire.CausalForwardReply{Counter: m.Counter, Fate: wire.ForwardWaiting}})
		waits.replyTo, waits.repeatedAt, waits.view = replyTo, c.step.Now(), h.View
		return
	}
	k := writing
	if m.Read {
		k = reading
	}
	x.req = newRequest(c.space, k, 0, m.Op, m.Context)
	x.req.incoming, x.req.id = x, id
	if !m.Read && c.worker.settle(x.req) {
		return
	}
	if !c.guard.Context(&m.Context) {
		c.answer(x, &wire.CausalForwardReply{Fate: wire.ForwardImplausible}, 0)
		return
	}
	x.bytes = requestSize + len(m.Op.Key) + len(m.Op.Value) + footprint.Context(len(m.Context.Exact), len(m.Context.Vector), len(m.Context.CutRefs))
	if len(c.open) >= maxIncoming || c.bytes+x.bytes > incomingRoom {
		c.answer(x, &wire.CausalForwardReply{Fate: wire.ForwardElsewhere}, c.step.LastWrite())
		return
	}
	c.add(x)
	c.step.Alarm(c.step.Now() + forwardPatience)
	c.worker.start(x.req, stored[0])
}

// answer answers the forwarder of a request once the write seq is durable.
func (c *Incoming) answer(x *incomingForward, m *wire.CausalForwardReply, seq uint64) {
	c.remove(x)
	m.Counter = x.id.Counter
	c.step.PostAfter(seq, core.Envelope{To: x.to, Answer: x.replyTo, Message: m})
}

// OnCancel drops forwarded requests whose clients have left, or were answered by
// another owner.
func (c *Incoming) OnCancel(h wire.Header, m *wire.CausalForwardCancel) {
	for _, n := range m.Counters {
		c.drop(c.open[ids.Request{Node: h.From, Boot: h.Boot, Counter: n}])
	}
}

// outdated reports that a forwarded request must not go on: the forwarder has not repeated it
// for forwardPatience, or has heard an answer elsewhere (docs/causal.md §8.1, rule 4;
// docs/causal.md §8.2, rule 10).
func (c *Incoming) outdated(x *incomingForward) bool {
	if c.step.Now()-x.repeatedAt >= forwardPatience {
		return true
	}
	_, fate := c.results.Fate(x.id)
	return x.req.kind == writing && fate == forward.Finished
}

// drop ends a forwarded request without an answer; nil is none.
func (c *Incoming) drop(x *incomingForward) {
	if x == nil {
		return
	}
	x.req.gone = true
	c.worker.leave(x.req)
	c.remove(x)
}

// tick drops forwarded requests that are outdated.
func (c *Incoming) tick() {
	var late []*incomingForward
	for _, x := range c.open { //maporder:ok each is looked at by itself; late is put in order
		if c.outdated(x) {
			late = append(late, x)
		} else {
			c.step.Alarm(x.repeatedAt + forwardPatience)
		}
	}
	slices.SortFunc(late, func(a, b *incomingForward) int { return int(a.id.Counter) - int(b.id.Counter) })
	for _, x := range late {
		c.drop(x)
	}
}
