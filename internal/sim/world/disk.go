package world

import (
	"math"
	"slices"

	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/kv"
	"github.com/cohortkv/cohort/node/store"
	"github.com/cohortkv/cohort/node/wire"
)

// disk holds the writes of a node in all boots of one incarnation. The writes of one step are one
// record. A crash keeps all durable records, and a random part of the others, from the first on.
type disk struct {
	writes  []wire.Write
	records []int // by record that is not durable yet: how many of writes there are up to its end
	durable int   // how many of writes are durable
	before  int   // how many of writes are of earlier boots, whose numbers begin at 1 too
}

// append appends a record, and returns how many writes there are up to its end.
func (d *disk) append(record []wire.Write) int {
	d.writes = append(d.writes, record...)
	d.records = append(d.records, len(d.writes))
	return len(d.writes)
}

// sync makes the records durable that end where end is, or before.
func (d *disk) sync(end int) {
	d.durable = end
	for len(d.records) > 0 && d.records[0] <= end {
		d.records = d.records[1:]
	}
}

// lose drops the writes that a crash loses. It returns the number of the last write of this
// boot that is kept; 0: none.
func (d *disk) lose(w *World) (seq uint64) {
	left := d.durable
	if open := len(d.records); open > 0 {
		if kept := w.Rng.IntN(open + 1); kept > 0 {
			left = d.records[kept-1]
		}
	}
	if left > d.before {
		seq = d.writes[left-1].Seq
	}
	d.writes = d.writes[:left]
	d.durable, d.before, d.records = left, left, nil
	return seq
}

// RecoveredState is what a node finds when it starts with its disk.
type RecoveredState struct {
	Rec    core.Recovered
	store  *store.Memory
	ledger *kv.Ledger // of the state at the base of Rec
	causal *causalFold
}

func (d *disk) recover(space hashing.Space) *RecoveredState {
	f := &RecoveredState{store: store.NewMemory(), ledger: kv.NewLedger(0), causal: newCausalFold(space)}
	for i := range d.writes {
		f.write(&d.writes[i])
	}
	for i := range f.Rec.Staged {
		if s := &f.Rec.Staged[i]; !s.Fresh {
			s.Tail = f.tail(s)
		}
	}
	f.Rec.Ledger = f.ledger.Export()
	f.Rec.Causal = f.causal.recovered()
	f.Rec.Causal.Items = f.store.CausalSnapshot().Items([]wire.HashRange{{Last: math.MaxUint64}})
	return f
}

func (f *RecoveredState) write(x *wire.Write) {
	switch x.Kind {
	case wire.WriteMeta:
		f.Rec.Meta = *x.Meta
	case wire.WriteAppend:
		f.Rec.Log = append(f.Rec.Log, x.Entries...)
	case wire.WriteSwap:
		f.swap(x)
	case wire.WriteCausal:
		f.causal.write(x.Causal)
		f.store.Write([]wire.Write{*x})
	case wire.WriteStaged:
		f.stage(x)
		fallthrough
	default:
		f.store.Write([]wire.Write{*x})
	}
}

// stage stages a base on top of the history that it was built from, if the disk has that.
func (f *RecoveredState) stage(x *wire.Write) {
	under := slices.IndexFunc(f.Rec.Staged, func(s core.RecoveredBase) bool { return s.Ballot == x.Under })
	var kept []core.RecoveredBase
	if under >= 0 {
		kept = f.Rec.Staged[under:]
	}
	f.Rec.Staged = append([]core.RecoveredBase{{
		Ballot: x.Ballot, Base: x.Base, Bound: x.Bound, Members: x.Members, Fresh: x.Fresh, Ledger: x.Ledger, Tail: x.Entries,
	}}, kept...)
}

// tail returns the entries between the base of the history and a base that is staged on top
// of it. The staged base begins where the history was committed at that time.
func (f *RecoveredState) tail(s *core.RecoveredBase) []wire.Entry {
	count := uint64(0)
	if i := slices.IndexFunc(s.Base.Past, func(p wire.PastBallot) bool { return p.Ballot == f.Rec.Ballot }); i >= 0 {
		count = s.Base.Past[i].Count
	}
	tail := slices.Clone(f.Rec.Log[:min(count, uint64(len(f.Rec.Log)))])
	for _, e := range s.Tail {
		if e.Stamp.Ballot != f.Rec.Ballot || e.Stamp.Index > uint64(len(tail)) {
			tail = append(tail, e)
		}
	}
	return tail
}

// swap makes the staged base the history.
func (f *RecoveredState) swap(x *wire.Write) {
	s := f.Rec.Staged[0]
	tail := s.Tail
	if s.Fresh {
		f.ledger = kv.Import(x.Ledger, 0)
	} else {
		tail = f.tail(&s)
		f.store.Apply(tail)
	}
	f.store.Write([]wire.Write{*x})
	for i := range tail {
		f.ledger.Apply(&tail[i])
	}
	f.Rec.Ballot, f.Rec.Members, f.Rec.Bound, f.Rec.Past = s.Ballot, s.Members, s.Bound, s.Base.Past
	f.Rec.Attested = attested(&s)
	f.Rec.Log, f.Rec.Staged = nil, nil
}

// attested returns the incarnations that reported their whole state when a ballot, or one
// of its ancestors, began.
func attested(s *core.RecoveredBase) []wire.Attestation {
	all := slices.DeleteFunc(slices.Clone(s.Base.Attested), func(a wire.Attestation) bool {
		return slices.ContainsFunc(s.Bound, func(b wire.Sighting) bool { return b.Node == a.Node && b.Inc == a.Inc })
	})
	for _, b := range s.Bound {
		all = append(all, wire.Attestation{Node: b.Node, Inc: b.Inc, Ballot: s.Ballot})
	}
	return all
}
