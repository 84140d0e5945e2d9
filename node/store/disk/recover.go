package disk

import (
	"errors"
	"fmt"
	"os"
	"syscall"

	"github.com/cockroachdb/pebble/v2"

	"github.com/cohortkv/cohort/node/checkpoint"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/store"
	"github.com/cohortkv/cohort/node/wal"
	"github.com/cohortkv/cohort/node/wire"
)

// Sizes of Pebble. The state is read only at a start, so its cache is small.
const (
	cacheBytes           = 8 << 20
	defaultMemTableBytes = 16 << 20
)

// openState opens the state in a directory, as its last checkpoint has it. failed is told that
// Pebble cannot write.
func openState(cfg *Config, dir string, failed func(error)) (*state, error) {
	cache := pebble.NewCache(cacheBytes)
	defer cache.Unref()
	db, err := pebble.Open(dir, &pebble.Options{
		FS: cfg.FS, DisableWAL: true, FormatMajorVersion: pebble.FormatNewest, Cache: cache, MemTableSize: cfg.memTableBytes,
		Logger:        quiet{},
		EventListener: &pebble.EventListener{BackgroundError: func(err error) { failed(fmt.Errorf("state: %w", err)) }},
	})
	if err != nil {
		err = fmt.Errorf("open %s: %w", dir, err)
		if errno := syscall.Errno(0); errors.As(err, &errno) && errno != syscall.ENOENT {
			return nil, err // permission or space, for instance
		}
		return nil, &Damage{err}
	}
	s := &state{db: db, batch: db.NewBatch(), sum: checkpoint.New(cfg.Checkpoint)}
	if err := s.read(cfg.Checkpoint); err != nil {
		return nil, errors.Join(damage(fmt.Errorf("read %s: %w", dir, err)), db.Close())
	}
	return s, nil
}

// damage makes a Damage of an error that is one.
func damage(err error) error {
	var corrupt *wal.Corruption
	if errors.As(err, &corrupt) || errors.Is(err, errUnreadable) || errors.Is(err, os.ErrNotExist) || pebble.IsCorruptionError(err) {
		return &Damage{err}
	}
	return err
}

// errUnreadable is the error of data that passes its checksum and cannot be decoded.
var errUnreadable = errors.New("unreadable")

// quiet is a logger for Pebble. It drops everything, except what Pebble does not survive.
type quiet struct{}

func (quiet) Infof(string, ...any)          {}
func (quiet) Errorf(string, ...any)         {}
func (quiet) Fatalf(text string, of ...any) { panic("pebble: " + fmt.Sprintf(text, of...)) }

// read reads the checkpoint and the applied position.
func (s *state) read(cfg checkpoint.Config) error {
	return errors.Join(s.get(keyCheckpoint, func(b []byte) error {
		sum, position, err := checkpoint.Decode(cfg, b)
		s.sum, s.last, s.kept = sum, wal.Position(position), wal.Position(position)
		return err
	}), s.get(keyApplied, func(b []byte) error { return decodeStamp(b, &s.applied) }))
}

// get decodes the value of a key, if there is one.
func (s *state) get(key []byte, decode func([]byte) error) error {
	b, closer, err := s.db.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := decode(b); err != nil {
		return errors.Join(fmt.Errorf("%w: %s: %w", errUnreadable, key, err), closer.Close())
	}
	return closer.Close()
}

// replay makes the changes of a record once more.
func (s *state) replay(at wal.Position, record []byte) error {
	if err := s.record(at, record); err != nil {
		return fmt.Errorf("%w: record %d: %w", errUnreadable, at, err)
	}
	if s.batch.Len() < batchBytes {
		return nil
	}
	return s.flushBatch(false)
}

// recovered ends a replay, and returns what the machine starts with, without items. What was
// applied before is applied again, because the replay may have undone some of it.
func (s *state) recovered(cfg checkpoint.Config) (*core.Recovered, error) {
	if err := errors.Join(s.commit(s.applied), s.flushBatch(false)); err != nil {
		return nil, err
	}
	again, _, err := checkpoint.Decode(cfg, s.sum.Append(nil, uint64(s.last)))
	rec := s.sum.Recovered()
	s.sum = again // the machine has the other one
	return rec, err
}

// load copies the state into memory.
func (s *state) load(m *store.Memory, rec *core.Recovered) error {
	areas := s.sum.Areas()
	if err := s.loadArea(m, areas.Current, ids.Ballot{}); err != nil {
		return err
	}
	m.Write([]wire.Write{{Kind: wire.WriteStaged, Fresh: true}, {Kind: wire.WriteSwap, Fresh: true, Ledger: rec.Ledger}})
	if len(rec.Staged) > 0 {
		base := &rec.Staged[0]
		if base.Fresh {
			if err := s.loadArea(m, areas.Staged, base.Ballot); err != nil {
				return err
			}
		}
		m.Write([]wire.Write{{Kind: wire.WriteStaged, Ballot: base.Ballot, Fresh: base.Fresh, Ledger: base.Ledger, Entries: base.Tail}})
	}
	return s.loadItems(m)
}

// loadArea copies an area, as the base of a ballot that is being built.
func (s *state) loadArea(m *store.Memory, area uint64, b ids.Ballot) error {
	m.Write([]wire.Write{{Kind: wire.WriteStageHead, Ballot: b}})
	return s.each(areaSpan(area), func(value []byte) error {
		rec, err := wire.DecodeRecord(value)
		m.Write([]wire.Write{{Kind: wire.WriteStageRecords, Records: []wire.Record{rec}}})
		return err
	})
}

func (s *state) loadItems(m *store.Memory) error {
	return s.each(itemSpan(), func(value []byte) error {
		it, err := wire.DecodeItem(value)
		m.Write([]wire.Write{{Kind: wire.WriteCausal, Causal: &wire.CausalWrite{Put: []wire.Item{it}}}})
		return err
	})
}

// each gives all values of a span to do.
func (s *state) each(r span, do func(value []byte) error) error {
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: r.from, UpperBound: r.to})
	if err != nil {
		return err
	}
	for valid := it.First(); valid && err == nil; valid = it.Next() {
		if err = do(it.Value()); err != nil {
			err = fmt.Errorf("%w: %x: %w", errUnreadable, it.Key(), err)
		}
	}
	return errors.Join(err, it.Error(), it.Close())
}
