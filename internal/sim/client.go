package sim

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/kv"
	"github.com/cohortkv/cohort/node/wire"
)

// client asks one thing after another of a node, and of another one when it is
// turned away there, if it roams.
type client struct {
	w    *world
	id   int
	plan *ClientPlan
	at   int // node
	next int // in the plan
	open *op
	seen [16]wire.Version // by key: what it last read or wrote, for If-Match
}

// op is one operation as its client and the witness know it.
type op struct {
	token     uint64
	client    *client
	plan      *OpPlan
	node      ids.Node
	boot      ids.Boot
	bootCount int
	write     wire.Op
	state     opState
	since     uint64  // the witness's moment when it was asked for
	bit       int     // in an opSet, once it was ordered
	places    []place // where it was ordered: more than once if a round cut it, or groups went apart
	begun     wire.Instant
	gone      bool // its node was told that the client left
}

// opState is how far an operation is.
type opState uint8

const (
	open    opState = iota
	done            // answered
	refused         // 503: has not taken effect and never will
	left            // its client gave up; it may take effect once, or never
	lost            // its node crashed; likewise
)

var stateNames = [...]string{open: "open", done: "done", refused: "refused", left: "left", lost: "lost"}

func (o *op) String() string {
	return fmt.Sprintf("%s %q of client %d at node %d (op %d, %s)", o.plan.Kind, o.key(), o.client.id, o.node, o.token, stateNames[o.state])
}

func (o *op) key() string { return "k" + strconv.Itoa(o.plan.Key) }

const tagPrefix = "op/"

func tagOf(token uint64) string { return tagPrefix + strconv.FormatUint(token, 10) }

// parseTag finds the token in a tag: the content type of every write, so that an
// entry can be traced to its client.
func parseTag(tag string) (uint64, bool) {
	digits, ok := strings.CutPrefix(tag, tagPrefix)
	if !ok {
		return 0, false
	}
	token, err := strconv.ParseUint(digits, 10, 64)
	return token, err == nil && token > 0
}

func newClient(w *world, id int) *client {
	c := &client{w: w, id: id, plan: &w.sched.Clients[id]}
	c.at = c.plan.Node % w.sched.Nodes
	c.think()
	return c
}

// think waits before the next operation, or ends.
func (c *client) think() {
	if c.next >= len(c.plan.Ops) {
		c.w.quiescence.clients++
		return
	}
	c.w.after(c.plan.Ops[c.next].Think+1, c.issue)
}

// retry asks for the same thing once more, in a new operation: the last one was
// turned away, or never got there.
func (c *client) retry() {
	c.roam()
	c.w.after(50*wire.Millisecond+c.w.upTo(300*wire.Millisecond), c.issue)
}

func (c *client) roam() {
	switch {
	case c.w.quiescence.begun:
		c.at, _ = c.w.operator.list.any(c.w.rng)
	case c.plan.Roams:
		c.at = c.w.rng.IntN(c.w.sched.Nodes)
	}
}

func (c *client) issue() {
	n := c.w.nodes[c.at]
	if !n.up {
		c.retry()
		return
	}
	o := &op{
		client: c, plan: &c.plan.Ops[c.next], node: n.id, boot: n.boot,
		bootCount: n.bootCount, begun: c.w.now,
	}
	c.w.witness.asked(o)
	c.open = o
	c.w.counts.add("client", o.plan.Kind.String())
	if c.w.trace != nil {
		c.w.note("client %d asks %s", c.id, o)
	}
	if o.plan.Leave > 0 && !c.w.quiescence.begun {
		c.w.after(o.plan.Leave, func() { c.leave(o) })
	}
	if !c.w.sched.garbled() {
		c.w.watchReadiness(o, c.w.now)
	}
	if o.plan.Kind.reads() {
		n.deliver(&core.SubmitRead{Token: ids.Token(o.token)})
		return
	}
	o.write = c.writeOf(o)
	n.deliver(&core.Submit{Token: ids.Token(o.token), Op: o.write})
}

func (c *client) writeOf(o *op) wire.Op {
	x := wire.Op{Kind: wire.OpDelete, Key: o.key(), ContentType: tagOf(o.token), Condition: o.plan.Condition}
	if o.plan.Kind == Put {
		x.Kind = wire.OpPut
		x.Value = []byte("v" + strconv.FormatUint(o.token, 10) + strings.Repeat(".", o.plan.Size))
	}
	if x.Condition == wire.IfVersion {
		x.Match = c.seen[o.plan.Key]
	}
	return x
}

// leave gives up; the node is told that the client is gone.
func (c *client) leave(o *op) {
	if o.state != open {
		return
	}
	o.state = left
	c.w.counts.add("client", "left")
	if n := c.w.nodes[o.node]; n.bootCount == o.bootCount {
		n.deliver(&core.Abandon{Token: ids.Token(o.token)})
	}
	c.ended()
}

// heard takes what a node is told into account, before it acts on it.
func (t *witness) heard(n *node, in core.Input) {
	switch in := in.(type) {
	case *core.Abandon:
		t.heardOfLeave(in.Token)
	case *core.Received:
		switch m := in.Message.(type) {
		case *wire.Join:
			t.joined(in.Header, m)
		case *wire.Cancel:
			t.cancelled(n, in.Header, m)
		}
	}
}

// heardOfLeave is called when a node is told that a client left.
func (t *witness) heardOfLeave(token ids.Token) {
	if token >= causalTokens {
		r := t.w.requests[token-causalTokens]
		r.gone, r.Over = true, t.w.now
		return
	}
	if token >= putTokens {
		t.w.operator.heardOfLeave(token)
		return
	}
	if uint64(token) < uint64(len(t.ops)) {
		t.ops[token].gone = true
	}
}

func (c *client) ended() {
	c.open = nil
	c.next++
	c.think()
}

// nodeGone ends what was open at a node that crashed.
func (w *world) nodeGone(n *node) {
	for _, c := range w.clients {
		if o := c.open; o != nil && o.node == n.id {
			o.state = lost
			w.counts.add("client", "lost")
			c.roam()
			c.ended()
		}
	}
	for _, s := range w.sessions {
		s.lost(n)
	}
	w.operator.nodeGone(n)
}

// reply takes a node's answer.
func (w *world) reply(n *node, r core.Reply) {
	if n.old || w.answeredForget(n, r) {
		return // an old process has no clients
	}
	switch {
	case r.Token >= forgedTokens:
		w.refusedForgery(n, r)
		return
	case r.Token >= causalTokens:
		w.causalReply(n, r)
		return
	}
	if w.operator.reply(n, r) {
		return
	}
	o := w.witness.opFor(n, r.Token)
	if o == nil {
		return
	}
	if w.trace != nil {
		w.note("node %d answers %s: outcome %d %+v", n.id, o, r.Outcome, r.Result)
	}
	switch r.Outcome {
	case core.Done:
		if !kv.Fits(&o.write, r.Result.Status) {
			w.fail("answer", "%s was answered with the status %d", o, r.Result.Status)
		}
		w.witness.answered(o, r.Result)
		o.state, n.answered = done, w.now
		w.counts.add("client", "answered")
		o.client.seen[o.plan.Key] = r.Result.Version
		o.client.ended()
	case core.NotInView:
		w.witness.turnedAway(o)
		o.state = refused
		w.counts.add("client", "turned away")
		o.client.open = nil
		o.client.retry()
	default:
		w.fail("answer", "%s got the outcome %d", o, r.Outcome)
	}
}

// readable lets the client of a token read the state of its node, now.
func (w *world) readable(n *node, token ids.Token) {
	o := w.witness.opFor(n, token)
	if o == nil {
		return
	}
	var num uint64
	if o.plan.Kind == List {
		num = w.witness.list(n)
	} else {
		rec, found, next := n.store.Get(o.key())
		num = next
		w.witness.compareRecord(n, o.key(), rec, found)
		o.client.seen[o.plan.Key] = rec.Version
	}
	w.witness.read(n, o, num)
	if w.trace != nil {
		w.note("node %d lets %s read before number %d", n.id, o, num)
	}
	o.state, n.answered = done, w.now
	w.counts.add("client", "read")
	o.client.ended()
}
