package causal

import (
	"bytes"
	"cmp"
	"fmt"
	"strings"

	"github.com/cohortkv/cohort/benchmark/history"
)

// History holds the requests of clients, their answers, and what the replicas held at the
// end. The judge only reads it.
type History struct {
	// Ops are the operations. An operation comes after its parents; otherwise the order has
	// no meaning.
	Ops []Op
	// Final has what every replica of every key held after all faults, once the cluster was
	// idle. nil: it was not recorded, and the end is not judged. Otherwise every key that
	// was written must be in it.
	Final []Held
	// Lost reports that a write is lost: no node holds its version or a higher one of its
	// key. The write may then be missing at any replica at any time. nil: nothing was lost.
	Lost func(OpID) bool

	arena []OpID // memory from which Add takes the parents
}

// OpID is the index of an operation in History.Ops.
type OpID int32

// Kind is the kind of an operation.
type Kind uint8

// The four kinds. A listing is a Get for each of its items, each with the parents of the
// listing, and a Join of these Gets.
const (
	Put Kind = iota + 1
	Get
	Delete
	Join // joins contexts and does nothing else
)

// Op is one operation. A write that was retried under its request id is one operation, from
// its first attempt on.
//
// Every answer carries a context. An operation names the operations whose contexts it was
// sent with as its parents. A fresh client has no parent; as a rule there is one, the
// client's last operation. The parent is an older operation if a client went back, or if
// two clients continue from one context. There are several parents if contexts were joined.
// Causal order is made from parents alone; Client is for people.
type Op struct {
	Client  history.ClientID
	Kind    Kind
	Outcome history.Outcome
	Status  uint16 // HTTP status; 0: no answer arrived
	Key     string
	Value   history.Value // written by a put, or read by a get that found a value
	// Version is the version that a write was given, or that a read found: that of the
	// value, or of the delete that explains a 404. It is zero if the answer had none. For a
	// write with unknown outcome, it is the version that the write has if it took effect,
	// if the recorder could see that.
	Version    Version
	Parents    []OpID // answered operations, earlier in Ops
	Start, End int64  // nanoseconds, as in history.Op
}

// Write reports whether the operation makes a version.
func (o *Op) Write() bool { return o.Kind == Put || o.Kind == Delete }

// Add appends an operation with a copy of its parents and returns its place.
func (h *History) Add(op Op, parents ...OpID) OpID {
	if len(h.arena)+len(parents) > cap(h.arena) {
		h.arena = make([]OpID, 0, max(1<<12, len(parents)))
	}
	from := len(h.arena)
	h.arena = append(h.arena, parents...)
	op.Parents = h.arena[from:len(h.arena):len(h.arena)]
	h.Ops = append(h.Ops, op)
	return OpID(len(h.Ops) - 1)
}

// Held is what one replica held of one key at the end: a value, a tombstone (a version
// without a value), or nothing.
type Held struct {
	Replica uint64
	Key     string
	Value   history.Value
	Version Version
}

// Version is the place of a write in the order of writes to its key. Counters begin at 1,
// so zero means no version.
type Version struct {
	Counter uint64 // at least 1; 0: no version
	Node    uint64 // of two equal counters, the lower node id wins
	// Dot is (stream, n), which makes the version unique. Dots are compared as bytes, so
	// the recorder must encode them in the order of dots.
	Dot string
}

// None reports whether there is no version.
func (v Version) None() bool { return v.Counter == 0 }

// Compare is positive if v wins over w: the larger counter, then the lower node
// id, then the dot.
func (v Version) Compare(w Version) int {
	return cmp.Or(cmp.Compare(v.Counter, w.Counter), cmp.Compare(w.Node, v.Node), strings.Compare(v.Dot, w.Dot))
}

// String renders "counter@node", and the dot if there is one: as text if it is text,
// otherwise in hexadecimal.
func (v Version) String() string {
	switch {
	case v.None():
		return "none"
	case v.Dot == "":
		return fmt.Sprintf("%d@%d", v.Counter, v.Node)
	case bytes.ContainsFunc([]byte(v.Dot), func(r rune) bool { return r < ' ' || r > '~' }):
		return fmt.Sprintf("%d@%d/%x", v.Counter, v.Node, v.Dot)
	}
	return fmt.Sprintf("%d@%d/%s", v.Counter, v.Node, v.Dot)
}

// String returns "put", "get", "delete" or "join".
func (k Kind) String() string {
	switch k {
	case Put:
		return "put"
	case Get:
		return "get"
	case Delete:
		return "delete"
	case Join:
		return "join"
	}
	return fmt.Sprintf("kind(%d)", uint8(k))
}

// maxParents bounds the parents that String prints of an operation.
const maxParents = 8

// String renders the operation as one line:
//
//	c7 put "key-3" 7.12 → 200 version 3@1 after #4 [1.204s +310µs]
func (o Op) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "c%d %v", o.Client, o.Kind)
	if o.Key != "" || o.Kind != Join {
		fmt.Fprintf(&b, " %q", o.Key)
	}
	if o.Kind == Put {
		fmt.Fprintf(&b, " %v", o.Value)
	}
	b.WriteString(" → " + o.answer())
	if !o.Version.None() {
		fmt.Fprintf(&b, " version %v", o.Version)
	}
	for i, p := range o.Parents {
		switch {
		case i == 0:
			fmt.Fprintf(&b, " after #%d", p)
		case i < maxParents:
			fmt.Fprintf(&b, " #%d", p)
		case i == maxParents:
			fmt.Fprintf(&b, " and %d more", len(o.Parents)-maxParents)
		}
	}
	fmt.Fprintf(&b, " [%s]", history.Times(o.Start, o.End))
	return b.String()
}

func (o *Op) answer() string {
	switch {
	case o.Kind == Join && o.Outcome == history.OK:
		return "ok"
	case o.Outcome == history.OK && o.Kind == Get && o.Value != 0:
		return fmt.Sprintf("%d %v", o.Status, o.Value)
	case o.Outcome == history.OK:
		return fmt.Sprint(o.Status)
	case o.Status != 0:
		return fmt.Sprintf("%v (%d)", o.Outcome, o.Status)
	}
	return o.Outcome.String()
}

// String renders what a replica held as one line.
func (h Held) String() string {
	what := "nothing"
	switch {
	case h.Value != 0:
		what = h.Value.String()
	case !h.Version.None():
		what = "a tombstone"
	}
	if h.Version.None() {
		return fmt.Sprintf("replica %d %q: %s", h.Replica, h.Key, what)
	}
	return fmt.Sprintf("replica %d %q: %s version %v", h.Replica, h.Key, what, h.Version)
}
