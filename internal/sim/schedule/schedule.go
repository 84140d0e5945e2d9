// Package schedule describes a simulated run as data: nodes, a network with its faults, the
// commands of an operator, and the plans of clients. Generate draws a schedule from a seed,
// for a model, an operator and a profile (docs/testing.md §2). The same four values give
// the same schedule. Shrink reduces a schedule that fails (docs/testing.md §3).
//
// The package runs nothing: a Schedule is input of package sim.
package schedule

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/cohortkv/cohort/node/machine"
	"github.com/cohortkv/cohort/node/wire"
)

// Schedule is all that a run does, drawn from a seed before the run begins. The chances of
// the network are drawn while the run goes on, from the same seed.
type Schedule struct {
	Seed     uint64 // of all chance in the run
	Model    Model  // the buckets that have clients
	Operator Operator
	Profile  Profile
	Nodes    int // how many; their ids count from 0
	Limits   machine.Limits
	Causal   CausalLimits
	Crowd    int // machine.Config.Crowd of every node
	Network  NetworkConditions
	Disk     wire.Instant // the longest time until a write is durable
	Clients  []ClientPlan // of strong buckets
	Sessions []ClientPlan // of causal buckets
	Steps    []Step       // in the order of their times
	Last     Command      // put after all faults, to every member
	Garbling Garbling
	Measure  bool // measure the bytes that are sent and stored
}

// Operator is the kind of operator that puts the views (docs/views.md §5).
type Operator uint8

// The operators.
const (
	Sane        Operator = iota // follows the rules, with one line of views
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

// NetworkConditions say how the network behaves while no link is cut.
type NetworkConditions struct {
	Delay        wire.Instant // of a message: the least; on average a message takes twice as long
	Loss         float64      // the share of messages that are lost
	Duplicate    float64      // the share of messages that arrive twice
	DuplicateBy  wire.Instant // the longest time between the two copies
	Late         float64      // the share of messages that are kept back for long
	LateBy       wire.Instant // the longest time that a message is kept back: three minutes, or a few seconds
	Reorder      bool         // messages of one link may overtake each other
	RedeliverOld bool         // a node receives writes of earlier views again when it comes to another view
}

// Step is one event of a schedule: a fault or a command.
type Step struct {
	At      wire.Instant // since the begin of the run
	Fault   *Fault       // nil: a command
	Command *Command     // nil: a fault
}

// FaultKind is the kind of a fault.
type FaultKind uint8

// The faults.
const (
	Cut        FaultKind = iota + 1 // nothing passes between Side and the rest
	OneWay                          // nothing passes from Side to the rest
	Bridge                          // as Cut, except that Node reaches both sides
	Crash                           // Node stops, and starts without state after For
	Restart                         // as Crash, except that Node recovers its durable state
	Move                            // from now on Node is reachable at its other address only
	Pause                           // Node stands still for a while; its messages wait
	Storm                           // messages are lost, duplicated and reordered
	SlowDisk                        // Node's writes take long to become durable
	PauseAll                        // no node does anything for minutes, so delayed messages arrive
	GiveAway                        // Node's id is given to a new process, and the old one goes on
	RestartAll                      // all nodes stop at once, and each recovers its durable state within For
	faultKinds
)

var faultNames = [faultKinds]string{
	Cut: "cut", OneWay: "one-way cut", Bridge: "bridge", Crash: "crash", Restart: "restart", Move: "move", Pause: "pause",
	Storm: "storm", SlowDisk: "slow disk", PauseAll: "pause of all", GiveAway: "giving away the id", RestartAll: "restart of all",
}

func (k FaultKind) String() string { return faultNames[k] }

// Fault is one fault, with its length.
type Fault struct {
	Kind FaultKind
	Node int          // the node that fails; of a Bridge, the node between the sides
	Side Nodes        // one side of a partition
	For  wire.Instant // length of the fault
}

// CommandKind is the effect of a command on the groups of a splitting operator.
type CommandKind uint8

// The kinds.
const (
	Change CommandKind = iota // gives one group another list
	Split                     // makes two groups of one
	Join                      // makes one group of two
)

var commandNames = [...]string{Change: "command", Split: "split", Join: "join"}

// Command is one list of members with the PUTs that carry it. Unless the operator is
// adversarial, the list is corrected to be sane when its time comes.
type Command struct {
	Kind     CommandKind
	Group    int     // index of the group, modulo the number of groups at that time
	List     Nodes   // the members
	Avoid    bool    // leave out the nodes that are known to be down or cut off
	Shards   int     // 0: a flat list
	Place    []uint8 // the shard of each node, modulo Shards; nil: in turn
	Stale    bool    // name the members at the addresses that they do not have
	OneByOne bool    // send each PUT after the answer to the one before
	Force    bool    // the view gives up data that cannot be had
	All      bool    // tell every member of the corrected list
	Tells    []Tell
}

// Tell is one PUT of a command to one node.
type Tell struct {
	Node  int          // index of the node that is told
	After wire.Instant // counts from the begin of the command, or from the last answer
	Empty bool         // put [] instead, if the node is not in the list
	Leave wire.Instant // the client gives up after this time; 0: never
}

// ClientPlan is a client in a closed loop, at one node or at any.
type ClientPlan struct {
	Node  int      // index of the first node that it uses
	Roams bool     // it goes to another node when its node refuses
	Ops   []OpPlan // in their order
}

// OpPlan is one operation of a client.
type OpPlan struct {
	Think     wire.Instant // pause before the operation
	Kind      OpKind
	Key       int // number of the key
	Size      int // of the value in bytes, beyond its name
	Condition wire.Condition
	Leave     wire.Instant  // the client gives up after this time; 0: never
	Context   ContextChoice // of a causal bucket: which context the client sends
	Back      int           // how many answers back the context is from, for OlderContext
}

// OpKind is the kind of an operation.
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

// Reads reports whether an operation changes nothing.
func (k OpKind) Reads() bool { return k == Get || k == List }

// Nodes is a set of node ids.
type Nodes uint32

// One returns the set of one node.
func One(id int) Nodes { return 1 << id }

// Has reports whether a node is in the set.
func (s Nodes) Has(id int) bool { return s&One(id) != 0 }

// With returns the set with a node added.
func (s Nodes) With(id int) Nodes { return s | One(id) }

// Without returns the nodes of s that are not in o.
func (s Nodes) Without(o Nodes) Nodes { return s &^ o }

// List returns the ids in ascending order.
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

// Any draws a member. It returns false if there is none.
func (s Nodes) Any(rng *rand.Rand) (int, bool) {
	ids := s.List()
	if len(ids) == 0 {
		return 0, false
	}
	return ids[rng.IntN(len(ids))], true
}

// lists returns the number of commands whose list differs from the one before.
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

// operations returns the number of operations that all clients have planned.
func (s *Schedule) operations() int {
	n := 0
	for _, c := range append(s.Clients[:len(s.Clients):len(s.Clients)], s.Sessions...) {
		n += len(c.Ops)
	}
	return n
}

// String renders a schedule for people.
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
	case Storm, PauseAll, RestartAll:
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

// Seconds renders a time in seconds.
func Seconds(t wire.Instant) string { return fmt.Sprintf("%.3fs", float64(t)/float64(wire.Second)) }

// MaxNodes bounds the nodes of a schedule.
const MaxNodes = 8

// ToldTo returns a plan that every node of a list is told, and no other node. Where the
// plan has a Tell for a node, it keeps that one.
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
