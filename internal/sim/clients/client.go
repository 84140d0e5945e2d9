// Package clients has the clients of a simulated run: Clients use strong buckets, Sessions
// use causal buckets. Each client sends one request after another, as its plan says. Each
// answer goes to the oracle of the client's model: package witness, or package truth. The
// package also checks that no request waits without a reason (waits.go, status.go). At the
// end the history of the sessions goes to the judge of recorded histories (judge.go).
//
// New and NewSessions add hooks to a world that has no nodes yet. Begin starts the clients
// once the world has started its nodes.
package clients

import (
	"strconv"
	"strings"

	"github.com/cohortkv/cohort/internal/sim/promptness"
	"github.com/cohortkv/cohort/internal/sim/schedule"
	"github.com/cohortkv/cohort/internal/sim/witness"
	"github.com/cohortkv/cohort/internal/sim/world"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/kv"
	"github.com/cohortkv/cohort/node/wire"
)

// Client sends one operation after another to a node. If its plan lets it roam, it goes to
// another node when the node refuses.
type Client struct {
	actor
	all  *Clients
	Open *witness.Op         // nil: none
	time *promptness.Request // time of Open, for the oracle of time
	seen [16]wire.Version    // by key: the version that it read or wrote last, for If-Match
}

// Clients are the clients of strong buckets.
type Clients struct {
	w       *world.World
	witness *witness.Witness
	prompt  *promptness.Judge
	All     []*Client
	Ended   int // how many clients have ended
}

// New adds the clients of a schedule to a world that has no nodes yet.
func New(w *world.World, witness *witness.Witness, prompt *promptness.Judge) *Clients {
	cs := &Clients{w: w, witness: witness, prompt: prompt}
	w.On.Gone = append(w.On.Gone, cs.nodeGone)
	return cs
}

// Begin starts all clients. members returns the nodes of the list that was commanded last.
func (cs *Clients) Begin(members func() schedule.Nodes) {
	w := cs.w
	for id := range w.Sched.Clients {
		c := &Client{actor: newActor(w, id, &w.Sched.Clients[id], members, &cs.Ended), all: cs}
		c.send = c.issue
		cs.All = append(cs.All, c)
		c.think()
	}
}

func (c *Client) issue() {
	n := c.w.Nodes[c.at]
	if !n.Up {
		c.retry()
		return
	}
	o := &witness.Op{
		Client: c.id, Plan: &c.plan.Ops[c.next], Node: n.ID, Boot: n.Boot,
		BootCount: n.BootCount, Begun: c.w.Now,
	}
	c.all.witness.Asked(o)
	c.Open, c.time = o, c.all.prompt.Open(o, kindOf(o), n)
	c.w.Counts.Add("client", o.Plan.Kind.String())
	if c.w.Trace != nil {
		c.w.Note("client %d asks %s", c.id, o)
	}
	if o.Plan.Leave > 0 && !c.w.Calm {
		c.w.After(o.Plan.Leave, func() { c.leave(o) })
	}
	if !c.w.Sched.Garbled() {
		c.all.watchReadiness(o, c.w.Now)
	}
	if o.Plan.Kind.Reads() {
		n.Deliver(&core.SubmitRead{Token: ids.Token(o.Token)})
		return
	}
	o.Write = c.writeOf(o)
	n.Deliver(&core.Submit{Token: ids.Token(o.Token), Op: o.Write})
}

func (c *Client) writeOf(o *witness.Op) wire.Op {
	x := wire.Op{Kind: wire.OpDelete, Key: o.Key(), ContentType: witness.TagOf(o.Token), Condition: o.Plan.Condition}
	if o.Plan.Kind == schedule.Put {
		x.Kind = wire.OpPut
		x.Value = []byte("v" + strconv.FormatUint(o.Token, 10) + strings.Repeat(".", o.Plan.Size))
	}
	if x.Condition == wire.IfVersion {
		x.Match = c.seen[o.Plan.Key]
	}
	return x
}

// leave gives an operation up. Its node is told that the client is gone.
func (c *Client) leave(o *witness.Op) {
	if o.State != witness.Open {
		return
	}
	o.State = witness.Left
	c.w.Counts.Add("client", "left")
	if n := c.w.Nodes[o.Node]; n.BootCount == o.BootCount {
		n.Deliver(&core.Abandon{Token: ids.Token(o.Token)})
	}
	c.ended()
}

func (c *Client) ended() {
	c.all.prompt.Drop(c.time)
	c.Open = nil
	c.next++
	c.think()
}

// nodeGone ends the operations that were open at a node when it crashed.
func (cs *Clients) nodeGone(n *world.Node) {
	for _, c := range cs.All {
		if o := c.Open; o != nil && o.Node == n.ID {
			o.State = witness.Lost
			cs.w.Counts.Add("client", "lost")
			c.roam()
			c.ended()
		}
	}
}

// Answered takes the answer of a node to an operation.
func (cs *Clients) Answered(n *world.Node, r core.Reply) {
	w := cs.w
	o := cs.witness.OpFor(n, r.Token)
	if o == nil {
		return
	}
	if w.Trace != nil {
		w.Note("node %d answers %s: outcome %d %+v", n.ID, o, r.Outcome, r.Result)
	}
	switch r.Outcome {
	case core.Done:
		if !kv.Fits(&o.Write, r.Result.Status) {
			w.Fail("answer", "%s was answered with the status %d", o, r.Result.Status)
		}
		cs.witness.Answered(o, r.Result)
		o.State, n.Answered = witness.Done, w.Now
		w.Counts.Add("client", "answered")
		cs.prompt.Answered(cs.All[o.Client].time)
		cs.All[o.Client].seen[o.Plan.Key] = r.Result.Version
		cs.All[o.Client].ended()
	case core.NotInView:
		cs.witness.TurnedAway(o)
		o.State = witness.Refused
		w.Counts.Add("client", "turned away")
		cs.prompt.Drop(cs.All[o.Client].time)
		cs.All[o.Client].Open = nil
		cs.All[o.Client].retry()
	default:
		w.Fail("answer", "%s got the outcome %d", o, r.Outcome)
	}
}

// Readable lets the client of a token read the state of its node at this moment.
func (cs *Clients) Readable(n *world.Node, token ids.Token) {
	w := cs.w
	o := cs.witness.OpFor(n, token)
	if o == nil {
		return
	}
	var num uint64
	if o.Plan.Kind == schedule.List {
		num = cs.witness.List(n)
	} else {
		rec, found, next := n.Store.Get(o.Key())
		num = next
		cs.witness.CompareRecord(n, o.Key(), rec, found)
		cs.All[o.Client].seen[o.Plan.Key] = rec.Version
	}
	cs.witness.Read(n, o, num)
	if w.Trace != nil {
		w.Note("node %d lets %s read before number %d", n.ID, o, num)
	}
	o.State, n.Answered = witness.Done, w.Now
	cs.prompt.Answered(cs.All[o.Client].time)
	w.Counts.Add("client", "read")
	cs.All[o.Client].ended()
}

// LeaveRemovedNode ends the client's request at a node that the last list does not name.
// Such a node may never answer.
func (c *Client) LeaveRemovedNode() {
	if o := c.Open; o != nil && !c.members().Has(int(o.Node)) {
		c.leave(o)
	}
	c.roam()
}

// LastRound lets a client write and read once more.
func (c *Client) LastRound() {
	c.plan = &schedule.ClientPlan{Node: c.plan.Node, Roams: true, Ops: []schedule.OpPlan{{Kind: schedule.Put, Key: 0}, {Kind: schedule.List}, {Kind: schedule.Get, Key: 0}}}
	c.next = 0
	c.roam()
	c.think()
}

func kindOf(o *witness.Op) promptness.Kind {
	if o.Plan.Kind.Reads() {
		return promptness.StrongRead
	}
	return promptness.StrongWrite
}
