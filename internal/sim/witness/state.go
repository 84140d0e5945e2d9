package witness

import (
	"math/bits"

	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/kv"
	"github.com/cohortkv/cohort/node/wire"
)

// maxKeys bounds the keys of strong buckets in a run: "k0" and so on.
const maxKeys = 8

// state is what a history holds at one position. A state is never changed.
type state struct {
	next uint64          // the number that the next write gets
	keys [maxKeys]*value // nil: the key has no value
	ops  opSet           // by op.bit: the operations that took effect
}

// value is what a key holds, and the stamp of the entry that wrote it.
type value struct {
	stamp   ids.Stamp
	data    []byte
	tag     string
	version wire.Version
}

func (v *value) written() ids.Stamp {
	if v == nil {
		return ids.Stamp{}
	}
	return v.stamp
}

func (v *value) wireVersion() wire.Version {
	if v == nil {
		return wire.Version{}
	}
	return v.version
}

// after returns the state after an entry of an operation, and the result that the entry
// must have. It repeats the rules of kv.Decide, so that kv.Decide is under test.
func (s *state) after(o *Op, e *wire.Entry) (*state, wire.Result) {
	n := &state{next: s.next, keys: s.keys, ops: s.ops.with(o.bit)}
	held := s.keys[o.Plan.Key]
	if !holds(&o.Write, held) {
		return n, wire.Result{Status: wire.PreconditionFailed, MsgNum: s.next, Version: held.wireVersion()}
	}
	r := wire.Result{MsgNum: s.next, Version: wire.Version{MsgNum: s.next, Fingerprint: kv.Fingerprint(e.Stamp)}}
	n.next++
	if o.Write.Kind == wire.OpPut {
		n.keys[o.Plan.Key] = &value{e.Stamp, e.Op.Value, e.Op.ContentType, r.Version}
		r.Status = wire.Created
		if held != nil {
			r.Status = wire.Replaced
		}
		return n, r
	}
	n.keys[o.Plan.Key] = nil
	r.Status = wire.Absent
	if held != nil {
		r.Status = wire.Deleted
	}
	return n, r
}

func holds(op *wire.Op, held *value) bool {
	switch op.Condition {
	case wire.IfAbsent:
		return held == nil
	case wire.IfPresent:
		return held != nil
	case wire.IfVersion:
		return held != nil && held.version == op.Match
	default:
		return true
	}
}

// side is a history up to a position, as one side of a merge.
type side struct {
	h     *History
	index int
}

func (s side) state() *state { return s.h.states[s.index] }

// merged returns the state that a merge of several histories must give. A value survives
// unless another side knows the entry that wrote it and holds something else. Of two values
// that survive, the larger stamp wins. The cores decide the same from what they remember,
// the witness from what happened.
func (t *Witness) merged(sides []side) *state {
	m := &state{}
	for _, s := range sides {
		m.next = max(m.next, s.state().next)
		m.ops = m.ops.union(s.state().ops)
		for key, v := range s.state().keys {
			best := m.keys[key]
			if v != nil && t.alive(v, key, sides) && (best == nil || best.stamp.Compare(v.stamp) < 0) {
				m.keys[key] = v
			}
		}
	}
	return m
}

// alive reports whether no side has replaced a value.
func (t *Witness) alive(v *value, key int, sides []side) bool {
	for _, s := range sides {
		if t.covers(s, v.stamp) && s.state().keys[key].written() != v.stamp {
			return false
		}
	}
	return true
}

// covers reports whether a side contains an entry.
func (t *Witness) covers(s side, stamp ids.Stamp) bool {
	x := t.Histories[stamp.Ballot]
	if x == s.h {
		return stamp.Index <= uint64(s.index)
	}
	n, known := s.h.knows(x)
	return known && stamp.Index <= uint64(n)
}

// opSet is a set of operations.
type opSet []uint64

func (s opSet) has(bit int) bool { return bit/64 < len(s) && s[bit/64]&(1<<(bit%64)) != 0 }

func (s opSet) with(bit int) opSet {
	n := make(opSet, max(len(s), bit/64+1))
	copy(n, s)
	n[bit/64] |= 1 << (bit % 64)
	return n
}

func (s opSet) union(o opSet) opSet {
	n := make(opSet, max(len(s), len(o)))
	copy(n, s)
	for i, x := range o {
		n[i] |= x
	}
	return n
}

// lacks returns an operation of o that is not in s; -1: none.
func (s opSet) lacks(o opSet) int {
	for i, x := range o {
		if i < len(s) {
			x &^= s[i]
		}
		if x != 0 {
			return i*64 + bits.TrailingZeros64(x)
		}
	}
	return -1
}
