package world

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/cohortkv/cohort/node/checkpoint"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
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

	ballot  ids.Ballot            // of the history, as it was written
	applied map[ids.Ballot]uint64 // by ballot of a history: the position up to which entries were applied
}

// append appends a record, and returns how many writes there are up to its end.
func (d *disk) append(record []wire.Write) int {
	for i := range record {
		if record[i].Kind == wire.WriteSwap {
			d.ballot = record[i].Ballot
		}
	}
	d.writes = append(d.writes, record...)
	d.records = append(d.records, len(d.writes))
	return len(d.writes)
}

// apply notes that entries were applied. Those of other ballots are the tail of a base: whether
// they are in the state depends on the write that swaps the base in.
func (d *disk) apply(entries []wire.Entry) {
	if d.applied == nil {
		d.applied = map[ids.Ballot]uint64{}
	}
	for i := range entries {
		if at := entries[i].Stamp; at.Ballot == d.ballot {
			d.applied[at.Ballot] = max(d.applied[at.Ballot], at.Index)
		}
	}
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
	Rec   *core.Recovered
	store *store.Memory
}

// recovery replays a disk as a start does. How much of what was applied is in the state was not
// written down, except by what the state has: any part of it may be there.
type recovery struct {
	*disk
	rng    *rand.Rand
	cfg    checkpoint.Config
	sum    *checkpoint.State
	store  *store.Memory
	inPart map[ids.Ballot]uint64 // by ballot: the position up to which the state has entries, drawn
}

// recover returns what a node finds.
func (d *disk) recover(rng *rand.Rand, cfg checkpoint.Config) (*RecoveredState, error) {
	f := &recovery{disk: d, rng: rng, cfg: cfg, sum: checkpoint.New(cfg), store: store.NewMemory(), inPart: map[ids.Ballot]uint64{}}
	reopen := rng.IntN(len(d.writes) + 1)
	for i := range d.writes {
		if i == reopen {
			if err := f.reopen(); err != nil {
				return nil, err
			}
		}
		if err := f.write(i); err != nil {
			return nil, fmt.Errorf("write %d of %d: %w", i, len(d.writes), err)
		}
	}
	f.advance(math.MaxUint64)
	rec := f.sum.Recovered()
	d.ballot = rec.Ballot
	rec.Causal.Items = f.store.CausalSnapshot().Items([]wire.HashRange{{Last: math.MaxUint64}})
	return &RecoveredState{rec, f.store}, nil
}

// write replays a write, and then applies something at times.
func (f *recovery) write(i int) error {
	x := &f.writes[i]
	tail, err := f.sum.Write(x, uint64(i+1))
	if err != nil {
		return err
	}
	f.store.Write([]wire.Write{*x})
	f.store.Apply(tail)
	if f.rng.IntN(4) == 0 {
		f.advance(f.rng.Uint64N(f.applied[f.sum.Ballot()] + 1))
	}
	return nil
}

// advance applies entries up to a position, but not beyond the drawn one.
func (f *recovery) advance(to uint64) {
	b := f.sum.Ballot()
	most, drawn := f.inPart[b]
	if !drawn {
		most = f.applied[b]
		if f.rng.IntN(2) == 0 {
			most = f.rng.Uint64N(most + 1)
		}
		f.inPart[b] = most
	}
	f.store.Apply(f.sum.Apply(b, min(to, most)))
}

// reopen writes the checkpoint, and goes on with what is read again.
func (f *recovery) reopen() error {
	sum, _, err := checkpoint.Decode(f.cfg, f.sum.Append(nil, 1))
	f.sum = sum
	return err
}
