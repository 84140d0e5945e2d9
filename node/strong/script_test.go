package strong_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/cohortkv/cohort/node/machine"
	"github.com/cohortkv/cohort/node/store"
	"github.com/cohortkv/cohort/node/wire"
)

// world is a few machines joined by a network that a script commands: messages
// arrive in the order in which they were sent, unless their receiver is cut.
// What the machines say becomes the transcript.
type world struct {
	t     *testing.T
	now   wire.Instant
	nodes map[wire.NodeID]*scriptNode
	queue []letter
	cut   map[wire.NodeID]bool
	out   strings.Builder
	token wire.Token
	life  uint64
	lose  string // messages whose description begins so are lost
	quiet bool   // hellos and their like are not shown
}

type scriptNode struct {
	id    wire.NodeID
	m     *machine.Machine
	store *store.Memory
	asked map[wire.Token]string // what the client of a token wants
}

type letter struct {
	from, to wire.NodeID
	header   wire.Header
	in       *wire.Received
}

func newWorld(t *testing.T) *world {
	return &world{t: t, now: wire.Second, nodes: map[wire.NodeID]*scriptNode{}, cut: map[wire.NodeID]bool{}}
}

// start gives a node a new life with nothing.
func (w *world) start(id wire.NodeID) {
	w.life++
	w.nodes[id] = &scriptNode{
		id: id, store: store.NewMemory(), asked: map[wire.Token]string{},
		m: machine.New(machine.Config{
			ID: id, Inc: wire.Incarnation(100*w.life + uint64(id)), Boot: wire.Boot(100*w.life + uint64(id)), Now: w.now,
		}),
	}
}

func (w *world) ids() []wire.NodeID {
	var ids []wire.NodeID
	for id := range w.nodes {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

// step tells a node one thing and carries out what it wants.
func (w *world) step(n *scriptNode, in wire.Input) {
	n.store.Annotate(in)
	out := n.m.Step(w.now, in)
	h := n.m.Header()
	n.store.Write(out.Writes)
	for _, e := range out.Messages {
		w.post(n, h, e)
	}
	n.store.Apply(out.Applies)
	var next []wire.Input
	for _, r := range out.Reads {
		if r.Kind == wire.ReadChunk {
			next = append(next, n.store.Chunk(r))
			continue
		}
		w.answerRead(n, r.Token)
	}
	for _, r := range out.Replies {
		w.say("  %d: %s: %s", n.id, n.asked[r.Token], outcome(r))
		delete(n.asked, r.Token)
	}
	for _, e := range out.Events {
		w.say("  %d: %s%s", n.id, e.Kind, note(e))
	}
	if k := len(out.Writes); k > 0 {
		next = append(next, &wire.Durable{Seq: out.Writes[k-1].Seq})
	}
	for _, in := range next {
		w.step(n, in)
	}
}

func (w *world) post(n *scriptNode, h wire.Header, e wire.Envelope) {
	payload := wire.AppendMessage(nil, h, e.Message)
	h, m, err := wire.DecodeMessage(payload)
	if err != nil {
		w.t.Fatalf("%T does not survive the codec: %v", e.Message, err)
	}
	in := &wire.Received{Header: h, Message: m, Request: 0}
	to := e.To
	if e.Answer != "" {
		var id, req uint64
		fmt.Sscanf(string(e.Answer), "%d/%d", &id, &req)
		to, in.Request = wire.NodeID(id), req
	} else if e.Request != 0 {
		in.ReplyTo = wire.ReplyTo(fmt.Sprintf("%d/%d", n.id, e.Request))
	}
	w.queue = append(w.queue, letter{n.id, to, h, in})
}

func (w *world) answerRead(n *scriptNode, t wire.Token) {
	what := n.asked[t]
	delete(n.asked, t)
	rec, found, next := n.store.Get(strings.TrimPrefix(what, "get "))
	answer := "absent"
	if found {
		answer = string(rec.Value)
	}
	w.say("  %d: %s: %s, next number %d", n.id, what, answer, next)
}

// run delivers messages until there are none.
func (w *world) run() {
	for range 100_000 {
		if len(w.queue) == 0 {
			return
		}
		l := w.queue[0]
		w.queue = w.queue[1:]
		n := w.nodes[l.to]
		s := describe(l.in.Message)
		lost := w.lose != "" && strings.HasPrefix(s, w.lose)
		if n == nil || l.from != l.to && (lost || w.cut[l.from] || w.cut[l.to]) {
			continue
		}
		if s != "" && !w.quiet {
			w.say("  %d → %d %s", l.from, l.to, s)
		}
		w.step(n, l.in)
	}
	w.t.Fatal("the machines never fall silent")
}

// pass lets time go by, in steps of 10 ms.
func (w *world) pass(d wire.Instant) {
	for end := w.now + d; w.now < end; w.now += 10 * wire.Millisecond {
		for _, id := range w.ids() {
			if n := w.nodes[id]; n.m.Deadline() <= w.now {
				w.step(n, &wire.Tick{})
			}
		}
		w.run()
	}
}

func (w *world) say(format string, args ...any) { fmt.Fprintf(&w.out, format+"\n", args...) }

// command carries out one line of a script.
func (w *world) command(line string) {
	f := strings.Fields(line)
	w.say("%s", line)
	switch f[0] {
	case "start":
		for _, a := range f[1:] {
			w.start(w.id(a))
		}
	case "view", "force":
		w.view(w.id(f[1]), f[2:], f[0] == "force")
	case "put", "get", "del":
		w.client(f)
	case "lose":
		w.lose = strings.Join(f[1:], " ")
	case "leave":
		w.leave(w.nodes[w.id(f[1])], strings.Join(f[2:], " "))
	case "cut", "heal":
		for _, a := range f[1:] {
			w.cut[w.id(a)] = f[0] == "cut"
		}
	case "pass", "quietly":
		ms, err := strconv.Atoi(f[1])
		if err != nil {
			w.t.Fatal(line)
		}
		w.quiet = f[0] == "quietly"
		w.pass(wire.Instant(ms) * wire.Millisecond)
		w.quiet = false
	default:
		w.t.Fatalf("unknown command %q", line)
	}
	w.run()
}

func (w *world) id(s string) wire.NodeID {
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		w.t.Fatal(err)
	}
	return wire.NodeID(n)
}

func (w *world) view(at wire.NodeID, members []string, force bool) {
	l := wire.Layout{Flat: true, Shards: []wire.Shard{{}}}
	for _, m := range members {
		l.Shards[0].Members = append(l.Shards[0].Members, wire.Member{ID: w.id(m), Address: "node" + m + ":8081"})
	}
	w.token++
	n := w.nodes[at]
	n.asked[w.token] = "PUT /view"
	w.step(n, &wire.PutView{Token: w.token, Layout: l.Canonical(), Force: force})
}

// client carries out "put NODE KEY VALUE", "del NODE KEY" and "get NODE KEY".
func (w *world) client(f []string) {
	w.token++
	n := w.nodes[w.id(f[1])]
	n.asked[w.token] = strings.Join(append([]string{f[0]}, f[2:]...), " ")
	switch f[0] {
	case "get":
		w.step(n, &wire.SubmitRead{Token: w.token})
	case "put":
		w.step(n, &wire.Submit{Token: w.token, Op: wire.Op{Kind: wire.OpPut, Key: f[2], Value: []byte(f[3])}})
	case "del":
		w.step(n, &wire.Submit{Token: w.token, Op: wire.Op{Kind: wire.OpDelete, Key: f[2]}})
	}
}

// leave lets the client give up that asked a node for something.
func (w *world) leave(n *scriptNode, what string) {
	for t, asked := range n.asked {
		if asked == what {
			delete(n.asked, t)
			w.step(n, &wire.Abandon{Token: t})
			return
		}
	}
	w.t.Fatalf("nobody waits for %q at node %d", what, n.id)
}

func outcome(r wire.Reply) string {
	switch r.Outcome {
	case wire.Done:
		status := map[wire.Status]string{
			wire.Created: "created", wire.Replaced: "replaced", wire.Deleted: "deleted", wire.Absent: "absent",
		}[r.Result.Status]
		return fmt.Sprintf("%s, number %d", status, r.Result.MsgNum)
	case wire.NotInView:
		return "503"
	case wire.ViewServed:
		return "ready"
	case wire.ViewUnready:
		return "not ready yet"
	default:
		return "overtaken"
	}
}

func note(e wire.Event) string {
	s := ""
	if !e.Ballot.IsZero() {
		s += " " + ballot(e.Ballot)
	} else if !e.View.IsZero() {
		s += " " + viewID(e.View)
	}
	if e.Note != "" {
		s += ": " + e.Note
	}
	return s
}

func viewID(v wire.ViewID) string { return fmt.Sprintf("view %d by %d", v.Number, v.Author) }

func ballot(b wire.Ballot) string {
	if b.IsZero() {
		return "blank"
	}
	return fmt.Sprintf("(%d by %d, round %d)", b.View.Number, b.View.Author, b.Round)
}

// describe shows a message as the transcript does; what only keeps things going
// is left out.
func describe(m wire.Message) string {
	switch m := m.(type) {
	case *wire.Hello:
		return ""
	case *wire.Query:
		return "Query, I stand in " + ballot(m.Ballot)
	case *wire.QueryReply:
		held := "no view"
		if m.Present {
			held = viewID(m.View.ID)
		}
		return "QueryReply: " + held + ", " + ballot(m.Ballot)
	case *wire.NewView:
		return "NewView " + viewID(m.View.ID)
	case *wire.NewViewReply:
		if m.Accepted {
			return "NewViewReply: followed"
		}
		return "NewViewReply: refused, I hold " + viewID(m.Held)
	case *wire.Collect:
		return "Collect " + ballot(m.Ballot)
	case *wire.Join:
		s := fmt.Sprintf("Join %s: I have %d entries of %s", ballot(m.Ballot), m.History.Length, ballot(m.History.Ballot))
		for _, b := range m.Staged {
			s += ", staged " + ballot(b.History.Ballot)
		}
		return s
	case *wire.Low:
		return "Low: I promised " + ballot(m.Promised)
	case *wire.Start:
		if m.Base.Merged() {
			return fmt.Sprintf("Start %s from %s", ballot(m.Ballot), sides(m.Base.Sides))
		}
		return fmt.Sprintf("Start %s from %d entries of %s", ballot(m.Ballot), m.Base.Length, ballot(m.Base.Source))
	case *wire.Started:
		return "Started " + ballot(m.Ballot)
	case *wire.Active:
		return "Active " + ballot(m.Ballot)
	case *wire.Fetch:
		return fmt.Sprintf("Fetch %s", parts[m.Part])
	case *wire.Chunk:
		return fmt.Sprintf("Chunk %s: %d records, %d entries", parts[m.Part], len(m.Records), len(m.Entries))
	default:
		return describeData(m)
	}
}

func sides(all []wire.PastBallot) string {
	s := ""
	for i, p := range all {
		if i > 0 {
			s += " and "
		}
		s += fmt.Sprintf("%d entries of %s", p.Count, ballot(p.Ballot))
	}
	return s
}

var parts = map[wire.FetchPart]string{
	wire.FetchHead: "head", wire.FetchRecords: "records", wire.FetchTail: "tail", wire.FetchEntries: "entries",
}

var fates = map[wire.Fate]string{wire.FateLost: "is lost here", wire.FateElsewhere: "lives on here, in another view",
	wire.FateBelow: "would come to a higher view"}

func describeData(m wire.Message) string {
	switch m := m.(type) {
	case *wire.Prepare:
		last := m.First + uint64(len(m.Entries)) - 1
		return fmt.Sprintf("Prepare %s entries %d to %d, committed %d", ballot(m.Ballot), m.First, last, m.Commit)
	case *wire.Ack:
		return fmt.Sprintf("Ack %s up to %d", ballot(m.Ballot), m.Index)
	case *wire.Forward:
		return fmt.Sprintf("Forward %d writes", len(m.Ops))
	case *wire.ForwardReply:
		return fmt.Sprintf("ForwardReply %d answers", len(m.Answers))
	case *wire.Confirm:
		return "Confirm " + ballot(m.Ballot)
	case *wire.Confirmed:
		return fmt.Sprintf("Confirmed %s, committed %d", ballot(m.Ballot), m.Commit)
	case *wire.Cancel:
		return fmt.Sprintf("Cancel %d writes", len(m.Counters))
	case *wire.Pull:
		return "Pull " + ballot(m.Ballot) + ": we owe " + ballot(m.Owed.Ballot)
	case *wire.PullReply:
		return fmt.Sprintf("PullReply: %s %s", ballot(m.Owed), fates[m.Fate])
	case *wire.Covered:
		return "Covered? " + ballot(m.Ballot)
	case *wire.CoveredReply:
		return fmt.Sprintf("CoveredReply: %t", m.Covered)
	default:
		return fmt.Sprintf("%T", m)
	}
}
