// Package checkpoint sums up the durable writes of a node: what a restart needs besides the records
// and items of the state (docs/durability.md §3).
//
// A State is told each write, in the order of the log, and how far the committed entries are in the
// state (Apply). So it always fits a state to which the same has been done. What it has can be
// written as bytes (Append) and read again (Decode): then only the log behind need be replayed. It
// gives what the machine starts with (Recovered).
//
// A State has no records and no items, and no I/O. It keeps what it is told, and does not change
// it. One goroutine at a time may use it.
package checkpoint

import (
	"fmt"

	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// Config has what the machine of the node is made with, because the sums must be those that it had.
type Config struct {
	Space      hashing.Space // of slots
	Origins    int           // forwarders in the ledger; zero: the default
	Results    int           // results of forwarded writes to causal buckets; zero: the default
	Forwarders int           // forwarders with such results; zero: the default
}

// State is the sum of all writes so far.
type State struct {
	meta    wire.NodeMeta
	areas   wire.Areas
	history history
	causal  causal
}

// New returns the sum of no writes.
func New(cfg Config) *State {
	return load(cfg, &wire.Checkpoint{})
}

// load returns the state that a checkpoint describes, which is kept.
func load(cfg Config, p *wire.Checkpoint) *State {
	s := &State{meta: p.Meta, areas: p.Areas, history: loadHistory(cfg.Origins, p.History)}
	s.causal = loadCausal(cfg, &p.Causal, p.Meta.View.ID)
	return s
}

// Write takes in one write. area is the number that an area gets which the write begins: above
// zero, and another one for each such write. It returns the entries that the write itself brings
// into the state, in their order: the tail of a base that is swapped in. They belong into the area
// that is the current one after the write.
//
// An error says that the write does not fit the writes before it. The log is damaged then.
func (s *State) Write(w *wire.Write, area uint64) (tail []wire.Entry, err error) {
	switch w.Kind {
	case wire.WriteMeta:
		s.meta = *w.Meta
		s.causal.hold(s.meta.View.ID)
	case wire.WriteAppend:
		err = s.history.append(w)
	case wire.WriteStageHead:
		s.areas.Building, s.areas.Receiving = area, w.Ballot
	case wire.WriteStageDrop:
		s.areas.Building, s.areas.Receiving = 0, ids.Ballot{}
	case wire.WriteStaged:
		s.history.stage(w)
		s.stageArea(w)
	case wire.WriteSwap:
		if tail, err = s.history.swap(w); err == nil {
			s.swapArea(w)
		}
	case wire.WriteCausal:
		err = s.causal.write(w.Causal)
	}
	if err != nil {
		return nil, fmt.Errorf("take in a write of kind %d: %w", w.Kind, err)
	}
	return tail, nil
}

// stageArea makes the area that was built the staged one, if the base stands on it. An area on
// which no staged base stands any more is none.
func (s *State) stageArea(w *wire.Write) {
	switch {
	case w.Fresh && s.areas.Building != 0 && s.areas.Receiving == w.Ballot:
		s.areas.Staged = s.areas.Building
		s.areas.Building, s.areas.Receiving = 0, ids.Ballot{}
	case !s.history.standsAside():
		s.areas.Staged = 0
	}
}

// swapArea makes the staged area the current one, if the base stands on it.
func (s *State) swapArea(w *wire.Write) {
	if w.Fresh {
		s.areas.Current = s.areas.Staged
	}
	s.areas.Staged = 0
}

// Areas are the numbers of the areas. An area that was listed before a write, and is not after it,
// can be deleted.
func (s *State) Areas() wire.Areas { return s.areas }

// Ballot is the ballot of the history.
func (s *State) Ballot() ids.Ballot { return s.history.Ballot }

// Commit is the position in the log of the ballot up to which the state has all entries.
func (s *State) Commit() uint64 { return s.history.Commit }

// Apply says that entries of a ballot up to a position are committed, and returns those that the
// state does not have yet: the caller applies them, in their order. Positions of other ballots than
// that of the history say nothing, because each swap brings what it needs. Entries that are not in
// the log yet do not count.
func (s *State) Apply(b ids.Ballot, to uint64) []wire.Entry {
	if b != s.history.Ballot {
		return nil
	}
	return s.history.apply(to)
}

// Recovered is what a machine starts with. The caller adds the items. The machine and the State
// share slices that neither of them changes.
func (s *State) Recovered() *core.Recovered {
	return &core.Recovered{
		Meta: s.meta, StoredHistory: s.history.recovered(), Causal: core.RecoveredCausal{StoredCausal: s.causal.stored()},
	}
}

// Append appends the checkpoint to dst. position is that of the last log record that was taken in.
func (s *State) Append(dst []byte, position uint64) []byte {
	return wire.AppendCheckpoint(dst, &wire.Checkpoint{
		Position: position, Meta: s.meta, Areas: s.areas, History: s.history.stored(), Causal: s.causal.stored(),
	})
}

// Decode is the inverse of Append.
func Decode(cfg Config, data []byte) (s *State, position uint64, err error) {
	p, err := wire.DecodeCheckpoint(data)
	if err != nil {
		return nil, 0, err
	}
	if err := checkHoldings(cfg.Space, &p.Causal.Known); err != nil {
		return nil, 0, fmt.Errorf("decode checkpoint: %w", err)
	}
	return load(cfg, p), p.Position, nil
}
