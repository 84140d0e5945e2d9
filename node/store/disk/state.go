package disk

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"github.com/cohortkv/cohort/node/checkpoint"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/kv"
	"github.com/cohortkv/cohort/node/wal"
	"github.com/cohortkv/cohort/node/wire"
)

// state is the state in Pebble, with the checkpoint that belongs to it. One goroutine uses it.
//
// Changes collect in a batch. Each is a blind put or delete. So a change that Pebble has already
// may be made again, provided that all later ones are made again too.
type state struct {
	db         *pebble.DB
	batch      *pebble.Batch
	key, value []byte // of the change that is being made
	sum        *checkpoint.State
	last       wal.Position // of the last record that is in sum
	kept       wal.Position // of the last record in the checkpoint that was read
	// applied is the last entry that was applied, of the ballot that the history had then. It may
	// be beyond what the checkpoint in Pebble says.
	applied ids.Stamp
}

// record makes the changes of one record of the log.
func (s *state) record(at wal.Position, record []byte) error {
	writes, err := wire.DecodeLogRecord(record)
	if err != nil {
		return err
	}
	for i := range writes {
		if err := s.write(&writes[i], areaOf(at, i)); err != nil {
			return err
		}
	}
	s.last = at
	return nil
}

// areaOf is the number of the area that a write of a record begins. A replay makes the same one.
func areaOf(at wal.Position, write int) uint64 { return uint64(at)<<16 | uint64(write) }

// write makes the changes of one write. area is the number of the area that it begins, if it
// begins one.
func (s *state) write(w *wire.Write, area uint64) error {
	before := s.sum.Areas()
	tail, err := s.sum.Write(w, area)
	if err != nil {
		return err
	}
	after := s.sum.Areas()
	for _, a := range []uint64{before.Current, before.Staged, before.Building} {
		if a != after.Current && a != after.Staged && a != after.Building {
			err = errors.Join(err, s.deleteSpan(areaSpan(a)))
		}
	}
	switch w.Kind {
	case wire.WriteStageRecords:
		err = s.putRecords(after.Building, w.Records)
	case wire.WriteSwap:
		err = errors.Join(err, s.putEntries(tail))
	case wire.WriteCausal:
		err = s.causal(w.Causal)
	}
	return err
}

func (s *state) putRecords(area uint64, records []wire.Record) error {
	for i := range records {
		if err := s.putRecord(area, &records[i]); err != nil {
			return err
		}
	}
	return nil
}

// commit applies entries up to one. The tail of a base has stamps of other ballots, and is in the
// state since the swap.
func (s *state) commit(to ids.Stamp) error {
	if to.Ballot == s.sum.Ballot() {
		s.applied = to
	}
	return s.putEntries(s.sum.Apply(to.Ballot, to.Index))
}

// putEntries applies entries to the state. It follows store.Memory.
func (s *state) putEntries(entries []wire.Entry) error {
	area := s.sum.Areas().Current
	for i := range entries {
		e := &entries[i]
		if !kv.Changes(e.Result.Status) {
			continue
		}
		rec, err := kv.RecordOf(e), error(nil)
		if rec != nil {
			err = s.putRecord(area, rec)
		} else {
			s.key = recordKey(s.key[:0], area, e.Op.Key)
			err = s.batch.Delete(s.key, nil)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *state) putRecord(area uint64, rec *wire.Record) error {
	s.key = recordKey(s.key[:0], area, rec.Key)
	s.value = wire.AppendRecord(s.value[:0], rec)
	return s.batch.Set(s.key, s.value, nil)
}

// causal makes the changes of a write of causal buckets.
func (s *state) causal(w *wire.CausalWrite) error {
	var errs error
	for _, r := range w.Free {
		errs = errors.Join(errs, s.deleteSpan(hashSpan(r)))
	}
	for i := range w.Put {
		s.key = itemKey(s.key[:0], w.Put[i].Key)
		s.value = wire.AppendItem(s.value[:0], &w.Put[i])
		errs = errors.Join(errs, s.batch.Set(s.key, s.value, nil))
	}
	for _, key := range w.Drop {
		s.key = itemKey(s.key[:0], key)
		errs = errors.Join(errs, s.batch.Delete(s.key, nil))
	}
	return errs
}

func (s *state) deleteSpan(r span) error { return s.batch.DeleteRange(r.from, r.to, nil) }

// flushBatch gives the changes so far to Pebble, as one. Pebble loses them in a crash, unless it
// flushes meanwhile. With checkpoint, Pebble gets the checkpoint in the same batch.
func (s *state) flushBatch(checkpoint bool) error {
	if s.applied != (ids.Stamp{}) {
		s.value = appendStamp(s.value[:0], &s.applied)
		if err := s.batch.Set(keyApplied, s.value, nil); err != nil {
			return err
		}
	}
	if checkpoint {
		s.value = s.sum.Append(s.value[:0], uint64(s.last))
		if err := s.batch.Set(keyCheckpoint, s.value, nil); err != nil {
			return err
		}
	}
	if err := s.batch.Commit(pebble.NoSync); err != nil {
		return err
	}
	s.batch.Reset()
	return nil
}

// appendStamp appends the numbers of a stamp to dst: 8 bytes each, little-endian.
func appendStamp(dst []byte, s *ids.Stamp) []byte {
	dst, err := binary.Append(dst, binary.LittleEndian, s)
	if err != nil {
		panic(fmt.Sprintf("disk: a stamp: %v", err)) // has a field without a fixed size
	}
	return dst
}

// decodeStamp is the inverse of appendStamp.
func decodeStamp(b []byte, s *ids.Stamp) error {
	_, err := binary.Decode(b, binary.LittleEndian, s)
	return err
}
