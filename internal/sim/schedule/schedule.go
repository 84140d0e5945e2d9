// Package schedule has what a simulated run does, as data: nodes, a network with its
// faults, steps of an operator, plans of clients. Generate draws a schedule from a seed,
// for a model, an operator and a profile (docs/testing.md §2). The same four values give
// the same schedule. Shrink cuts down a schedule that fails.
package schedule

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/cohortkv/cohort/node/machine"
	"github.com/cohortkv/cohort/node/wire"
)

// Schedule is all that a run does, drawn from a seed before the run begins. It
// is data, so that a failing one can be cut down (Shrink). The chances of the
// network are drawn while it runs, from the same seed.
type Schedule struct {
	Seed     uint64
	Model    Model
	Operator Operator
	Profile  Profile
	Nodes    int // with ids from 0
	Limits   machine.Limits
	Causal   CausalLimits
	Crowd    int // machine.Config.Crowd
	Network  NetworkConditions
	Disk     wire.Instant // how long a write may take to become durable
	Clients  []ClientPlan // of strong buckets
	Sessions []ClientPlan // of causal ones
	Steps    []Step       // by time
	Last     Command
	Garbling Garbling
	Measure  bool // what is sent and stored
}

// Operator is what kind of person puts the views (docs/views.md §5).
type Operator uint8

// The operators.
const (
	Sane        Operator = iota // follows the rules: one line of views
	Splitting                   // parts groups and joins them again, each by the rules
	Adversarial                 // puts any list to any node at any time
	Operators
)

var OperatorNames = [Operators]string{Sane: "sane", Splitting: "splitting", Adversarial: "adversarial"}

func (o Operator) String() string { return OperatorNames[o] }

// OperatorNamed finds an operator by its name.
func OperatorNamed(name string) (Operator, bool) {
	i := slices.Index(OperatorNames[:], name)
	return Operator(max(i, 0)), i >= 0
}

// NetworkConditions say how the network behaves while nothing is cut.
type NetworkConditions struct {
	Delay        wire.Instant // of a message: at least this, and on average twice as much
	Loss         float64
	Duplicate    float64
	DuplicateBy  wire.Instant // how much later the second copy may arrive
	Late         float64      // the share of messages that are delayed for long
	LateBy       wire.Instant // at most; three minutes, or a few seconds
	Reorder      bool         // messages of one link may overtake each other
	RedeliverOld bool         // writes that a node was sent earlier arrive again when it comes to another view
}

// Step is one thing that happens at its time: a fault or a command.
type Step struct {
	At      wire.Instant
	Fault   *Fault
	Command *Command
}

// FaultKind says what goes wrong.
type FaultKind uint8

// The faults.
const (
	Cut      FaultKind = iota + 1 // nothing passes between Side and the rest
	OneWay                        // nothing passes from Side to the rest
	Bridge                        // as Cut, but for Node, which hears and reaches both sides
	Crash                         // Node is gone, and back with nothing after For
	Restart                       // as Crash, but Node finds what it had made durable
	Move                          // Node can be reached at its other address, from now on
	Pause                         // Node does nothing for a while; its messages wait
	Storm                         // messages are lost, doubled and overtake each other
	SlowDisk                      // Node's writes take long to become durable
	PauseAll                      // no node does anything for minutes; delayed messages arrive
	GiveAway                      // Node's id is given to a new process, and the old one goes on
	faultKinds
)

var faultNames = [faultKinds]string{
	Cut: "cut", OneWay: "one-way cut", Bridge: "bridge", Crash: "crash", Restart: "restart", Move: "move", Pause: "pause",
	Storm: "storm", SlowDisk: "slow disk", PauseAll: "pause of all", GiveAway: "giving away the id",
}

func (k FaultKind) String() string { return faultNames[k] }

// Fault is one thing that goes wrong, for a while.
type Fault struct {
	Kind FaultKind
	Node int
	Side Nodes
	For  wire.Instant
}

// CommandKind is what a command does to the groups of an operator that splits.
type CommandKind uint8

// The kinds.
const (
	Change CommandKind = iota // gives one group another list
	Split                     // makes two groups of one
	Join                      // makes one group of two
)

var commandNames = [...]string{Change: "command", Split: "split", Join: "join"}

// Command is one list of members with the PUTs that carry it. What is not sane
// about the list when its time comes is corrected then, unless the operator is adversarial.
type Command struct {
	Kind     CommandKind
	Group    int // which group, of as many as there are then
	List     Nodes
	Avoid    bool    // leave out what is known to be down or cut off
	Shards   int     // 0: a flat list
	Place    []uint8 // the shard of each node, modulo Shards; nil: in turn
	Stale    bool    // members at the addresses that they have not got
	OneByOne bool    // each PUT after the answer to the one before
	Force    bool
	All      bool // every member of the list is told, however the list was corrected
	Tells    []Tell
}

// Tell is one PUT of a command, to any node.
type Tell struct {
	Node  int
	After wire.Instant // since the command began, or since the last answer
	Empty bool         // not in the list: tell it [] instead
	Leave wire.Instant // its client gives up after so long; 0: waits
}

// ClientPlan is a client in a closed loop at one node, or at any.
type ClientPlan struct {
	Node  int
	Roams bool
	Ops   []OpPlan
}

// OpPlan is one operation of a client.
type OpPlan struct {
	Think     wire.Instant
	Kind      OpKind
	Key       int
	Size      int // of the value, beyond its name
	Condition wire.Condition
	Leave     wire.Instant  // the client gives up after so long; 0: waits
	Context   ContextChoice // of a causal bucket: which context goes along
	Back      int
}

// OpKind is what a client asks for.
type OpKind uint8

// The operations.
const (
	Put OpKind = iota + 1
	Delete
	Get
	List
)

var opNames = [...]string{Put: "put", Delete: "delete", Get: "get", List: "list"}

func (k OpKind) String() string { return opNames[k] }

func (k OpKind) Reads() bool { return k == Get || k == List }

// Nodes is a set of node ids.
type Nodes uint32

func One(id int) Nodes                { return 1 << id }
func (s Nodes) Has(id int) bool       { return s&One(id) != 0 }
func (s Nodes) With(id int) Nodes     { return s | One(id) }
func (s Nodes) Without(o Nodes) Nodes { return s &^ o }

// List are the members by id.
func (s Nodes) List() []int {
	var ids []int
	for id := range 32 {
		if s.Has(id) {
			ids = append(ids, id)
		}
	}
	return ids
}

func (s Nodes) String() string { return strings.ReplaceAll(fmt.Sprint(s.List()), " ", ",") }

// Any is a member by lot; false when there is none.
func (s Nodes) Any(rng *rand.Rand) (int, bool) {
	ids := s.List()
	if len(ids) == 0 {
		return 0, false
	}
	return ids[rng.IntN(len(ids))], true
}

// lists is how many commands have another list than the one before.
func (s *Schedule) lists() int {
	n := 0
	var last Nodes
	for _, st := range s.Steps {
		if c := st.Command; c != nil && c.List != last {
			last = c.List
			n++
		}
	}
	return n
}

// operations is how many all clients have planned.
func (s *Schedule) operations() int {
	n := 0
	for _, c := range append(s.Clients[:len(s.Clients):len(s.Clients)], s.Sessions...) {
		n += len(c.Ops)
	}
	return n
}

// String lists a schedule as a person reads it.
func (s *Schedule) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "seed %d, %s model, %s operator, %s profile: %d nodes, %d clients, %d sessions, %d operations, %+v, disk %s, limits %+v, %+v, crowd %d\n",
		s.Seed, s.Model, s.Operator, s.Profile, s.Nodes, len(s.Clients), len(s.Sessions), s.operations(), s.Network, Seconds(s.Disk), s.Limits, s.Causal, s.Crowd)
	for _, st := range s.Steps {
		switch {
		case st.Fault != nil:
			fmt.Fprintf(&b, "  %s %s\n", Seconds(st.At), st.Fault)
		case st.Command != nil:
			fmt.Fprintf(&b, "  %s %s\n", Seconds(st.At), st.Command)
		}
	}
	fmt.Fprintf(&b, "  at last %s\n", &s.Last)
	for i, c := range s.Clients {
		fmt.Fprintf(&b, "  client %d at node %d (roams: %v): %d operations\n", i, c.Node, c.Roams, len(c.Ops))
	}
	for i, c := range s.Sessions {
		fmt.Fprintf(&b, "  session %d at node %d (roams: %v): %d operations\n", i, c.Node, c.Roams, len(c.Ops))
	}
	return b.String()
}

func (f *Fault) String() string {
	switch f.Kind {
	case Cut, OneWay:
		return fmt.Sprintf("%s %s for %s", f.Kind, f.Side, Seconds(f.For))
	case Bridge:
		return fmt.Sprintf("%s %s by node %d for %s", f.Kind, f.Side, f.Node, Seconds(f.For))
	case Storm, PauseAll:
		return fmt.Sprintf("%s for %s", f.Kind, Seconds(f.For))
	case Move, GiveAway:
		return fmt.Sprintf("%s of node %d", f.Kind, f.Node)
	default:
		return fmt.Sprintf("%s of node %d for %s", f.Kind, f.Node, Seconds(f.For))
	}
}

func (c *Command) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s of group %d avoid=%v shards=%d%v stale=%v one by one=%v force=%v all=%v:",
		commandNames[c.Kind], c.List, c.Group, c.Avoid, c.Shards, c.Place, c.Stale, c.OneByOne, c.Force, c.All)
	for _, t := range c.Tells {
		what := ""
		if t.Empty {
			what = " []"
		}
		fmt.Fprintf(&b, " tell %d%s after %s", t.Node, what, Seconds(t.After))
		if t.Leave > 0 {
			fmt.Fprintf(&b, " leave %s", Seconds(t.Leave))
		}
		b.WriteByte(';')
	}
	return b.String()
}

func Seconds(t wire.Instant) string { return fmt.Sprintf("%.3fs", float64(t)/float64(wire.Second)) }

// MaxNodes bounds the nodes of a schedule.
const MaxNodes = 8

// ToldTo is a plan that every node of a list is told, as far as the plan has no
// other orders for one, and for no other node.
func (c *Command) ToldTo(list Nodes) *Command {
	part := *c
	part.List, part.Tells = list, nil
	for _, id := range list.List() {
		t := Tell{Node: id}
		if i := slices.IndexFunc(c.Tells, func(t Tell) bool { return t.Node == id }); i >= 0 {
			t = c.Tells[i]
		}
		t.Empty = false
		part.Tells = append(part.Tells, t)
	}
	return &part
}
