// Package disk is the store of a node that keeps its data in a directory (docs/durability.md). It
// keeps the whole state in memory, as package store does, and all reads are from there.
//
// Each step of the node becomes one record of the log (package wal). Steps that are durable are
// then applied to a Pebble database by a goroutine of the store. The database has no log of its
// own. A checkpoint in it says from where the log must be replayed at the next start.
//
// Open gives the state that the directory has. The goroutine inside the driver calls Write and
// Apply. Any goroutine may read the state in memory.
package disk

import (
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/cohortkv/cohort/node/checkpoint"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/store"
	"github.com/cohortkv/cohort/node/wal"
	"github.com/cohortkv/cohort/node/wire"
)

// Mode says when a write counts as durable.
type Mode string

// The modes of a store on disk.
const (
	Fsync Mode = "fsync" // when it is synced
	Async Mode = "async" // when the operating system has it
)

// Config is the configuration of a Store.
type Config struct {
	FS      vfs.FS // nil: that of the machine
	Dir     string // made if it does not exist
	Cluster string
	Node    ids.Node
	Mode    Mode
	Aside   bool   // damaged data is set aside, and the node begins without any
	BootID  string // of the machine (BootID); empty: unknown

	Checkpoint      checkpoint.Config // Space 0: the standard one
	CheckpointBytes int64             // of log between two checkpoints; 0: 64 MiB
	memTableBytes   uint64            // of Pebble; 0: the default, except in tests
	segmentBytes    int64             // of the log; 0: the default, except in tests
	maxWaiting      int               // 0: the default, except in tests
}

// Store is an open store.
type Store struct {
	cfg     Config
	lock    io.Closer
	format  format
	memory  *store.Memory
	log     *wal.Log
	found   Found
	syncs   syncTimes
	closing chan struct{} // closed when the log is: the state goroutine ends
	wake    chan struct{} // capacity 1: there are changes for the state goroutine
	applier sync.WaitGroup
	buf     []byte // for the record that is being written; of the goroutine that writes

	mu struct {
		sync.Mutex
		room     sync.Cond // waiting has fallen, or the store has failed
		written  []written // records that are not durable yet, ascending
		queue    []change  // in order; not taken by the state goroutine yet
		waiting  int       // bytes of durable records that Pebble has not got
		durable  wal.Position
		applied  wal.Position // of the last record that the state has
		kept     wal.Position // of the last record that the last checkpoint has
		err      error        // why the store failed
		reported func(seq uint64)
		failed   func(error)
	}
}

// written is a record that is not durable yet.
type written struct {
	at    wal.Position
	seq   uint64 // of its last write
	bytes int
}

// change is what the state goroutine has to do: the changes of a record, or the commit of entries
// up to one.
type change struct {
	at     wal.Position // 0: a commit
	record []byte
	commit ids.Stamp
}

// defaultMaxWaiting is how many bytes of durable records may wait for Pebble. Beyond it, no write
// is reported as durable.
const defaultMaxWaiting = 128 << 20

// State is the state in memory, with all that Write and Apply have done.
func (s *Store) State() *store.Memory { return s.memory }

// Found is what the directory had when it was opened.
func (s *Store) Found() *Found { return &s.found }

// Incarnation is that of the state.
func (s *Store) Incarnation() ids.Incarnation { return s.format.Incarnation }

// Notify sets who is told what became of writes. It is called once, before the first Write.
func (s *Store) Notify(durable func(seq uint64), failed func(error)) {
	s.mu.Lock()
	s.mu.reported, s.mu.failed = durable, failed
	err := s.mu.err
	s.mu.Unlock()
	if err != nil {
		failed(err)
	}
}

// Write carries out the writes of one step, and appends them to the log as one record. It reports
// false: they are durable later. It never waits for the disk.
func (s *Store) Write(writes []wire.Write) (durable bool) {
	s.memory.Write(writes)
	s.buf = wire.AppendLogRecord(s.buf[:0], writes)
	record := append([]byte(nil), s.buf...)
	s.mu.Lock()
	at := s.log.Append(record)
	s.mu.written = append(s.mu.written, written{at, writes[len(writes)-1].Seq, len(record)})
	s.mu.queue = append(s.mu.queue, change{at: at, record: record})
	s.mu.Unlock()
	if cap(s.buf) > keptBuffer {
		s.buf = nil
	}
	return false
}

// keptBuffer is the largest buffer that is kept for the next record.
const keptBuffer = 1 << 20

// Apply applies committed entries to the state in memory. Pebble gets them from the log.
func (s *Store) Apply(entries []wire.Entry) {
	s.memory.Apply(entries)
	if len(entries) == 0 {
		return
	}
	s.mu.Lock()
	s.mu.queue = append(s.mu.queue, change{commit: entries[len(entries)-1].Stamp})
	s.mu.Unlock()
	signal(s.wake)
}

// onDurable takes a report of the log, on its goroutine. The log writes nothing meanwhile. So the
// node slows down if Pebble is too far behind.
func (s *Store) onDurable(to wal.Position) {
	s.mu.Lock()
	s.mu.durable = to
	n, seq := 0, uint64(0)
	for ; n < len(s.mu.written) && s.mu.written[n].at <= to; n++ {
		seq = s.mu.written[n].seq
		s.mu.waiting += s.mu.written[n].bytes
	}
	s.mu.written = append(s.mu.written[:0], s.mu.written[n:]...)
	signal(s.wake)
	for s.mu.waiting > s.cfg.maxWaiting && s.mu.err == nil {
		s.mu.room.Wait()
	}
	tell := s.mu.reported
	if s.mu.err != nil {
		tell = nil
	}
	s.mu.Unlock()
	if seq > 0 && tell != nil {
		tell(seq)
	}
}

// fail ends the store: nothing is reported as durable afterwards.
func (s *Store) fail(err error) {
	s.mu.Lock()
	first, tell := s.mu.err == nil, s.mu.failed
	if first {
		s.mu.err = err
	}
	s.mu.room.Broadcast()
	s.mu.Unlock()
	if first && tell != nil {
		tell(err)
	}
}

func (s *Store) failure() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.mu.err
}

// Close makes durable what was written, writes a checkpoint, and releases the directory. It returns
// the error that made the store fail, if there was one.
func (s *Store) Close() error {
	s.mu.Lock()
	s.mu.reported, s.mu.failed = nil, nil
	s.mu.Unlock()
	err := s.log.Close()
	close(s.closing)
	s.applier.Wait()
	if err = errors.Join(err, s.failure()); err == nil {
		s.format.Clean = true
		err = s.format.write(s.cfg.FS, s.cfg.Dir)
	}
	if down := s.lock.Close(); err == nil && down != nil {
		err = fmt.Errorf("unlock %s: %w", s.cfg.Dir, down)
	}
	return err
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
