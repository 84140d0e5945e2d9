// Package wal is the write-ahead log of a node: records, numbered from 1, in segment files. A
// record survives a crash once Config.Durable has been called for its position.
//
// Append and Release never wait for the disk. One goroutine writes and syncs: all records that
// were appended during one sync are written and synced together by the next one (group commit).
// Another goroutine makes and removes segments.
//
// All that a log promises about damage rests on its frames (frame.go). Each frame carries its
// position and the position up to which the log was synced when the frame was written. So a
// record that is missing or damaged is told apart from a torn end, if anything was written after
// the record had been synced.
package wal

import (
	"errors"
	"fmt"
	"sync"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// Position is the number of a record: 1 for the first record of a log, and so on without gaps.
type Position uint64

// Config is the configuration of a Log.
type Config struct {
	FS  vfs.FS
	Dir string // exists
	// SegmentBytes is the size at which the next segment begins. 0: 64 MiB. A segment grows
	// beyond this size by one write, and while its successor is being made.
	SegmentBytes int64
	// NoSync leaves it to the operating system when records reach the disk. Durable then means
	// that a record survives a crash of the process.
	NoSync bool
	// Durable is told that all records up to a position survive a crash. The positions ascend.
	// The goroutine that writes makes the call, and writes nothing meanwhile. Durable may call
	// Append and Release.
	Durable func(Position)
	// Took is told how many seconds a write and its sync took, before Durable is; nil: nobody is.
	Took func(seconds float64)
	// Failed is told, once, that records could not be made durable. Nothing becomes durable
	// afterwards: an fsync that failed is never repeated, because the operating system may have
	// dropped the data.
	Failed func(error)
}

const defaultSegmentBytes = 64 << 20

// Log is an open log. Any goroutine may call its methods.
type Log struct {
	cfg      Config
	wakes    chan struct{} // capacity 1: records wait, or the log is to be closed
	releases chan struct{} // capacity 1: mu.released has grown
	full     chan struct{} // capacity 1: a prepared segment was taken
	prepared chan *segment // made ahead
	closing  chan struct{} // closed when segments are no longer made and removed
	writing  sync.WaitGroup
	making   sync.WaitGroup
	spare    []*segment // released, and to be recycled; of the goroutine that makes segments

	mu struct {
		sync.Mutex
		pending  []byte // frames that are not written yet
		last     Position
		durable  Position
		released Position
		segments []*segment // not released, ascending; the one being written, and then the prepared ones, are the last
		closed   bool
		err      error // what made the log fail
	}
}

// Open opens the log in a directory, or begins one. It calls replay for each record beyond
// released, in order; the bytes are valid during the call only. released is the highest position
// that the caller has given to Release, or a lower one.
//
// Records at the end of the log that were never reported as durable may be missing. If any other
// record is missing or damaged, Open returns a *Corruption, with one exception: the records of
// the last sync before a crash cannot be told apart from a torn end.
func Open(cfg Config, released Position, replay func(Position, []byte) error) (*Log, error) {
	if cfg.SegmentBytes <= 0 {
		cfg.SegmentBytes = defaultSegmentBytes
	}
	found, err := list(cfg.FS, cfg.Dir)
	if err != nil {
		return nil, fmt.Errorf("list the segments: %w", err)
	}
	last, err := replayAll(cfg.FS, cfg.Dir, found, released, replay)
	if err != nil {
		return nil, err
	}
	// The process before may have been killed before it synced its last records.
	if err := syncAll(cfg.FS, found); err != nil {
		return nil, err
	}
	l := &Log{
		cfg: cfg, wakes: make(chan struct{}, 1), releases: make(chan struct{}, 1), full: make(chan struct{}, 1),
		prepared: make(chan *segment, ahead+1), closing: make(chan struct{}),
	}
	l.mu.last, l.mu.durable, l.mu.released, l.mu.segments = last, last, released, found
	for range ahead + 1 {
		if err := l.prepare(); err != nil {
			return nil, errors.Join(err, l.closePrepared())
		}
	}
	current := <-l.prepared
	l.writing.Go(func() { l.write(current) })
	l.making.Go(l.makeSegments)
	return l, nil
}

// Last is the position of the last record that was appended or replayed.
func (l *Log) Last() Position {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.mu.last
}

// Backlog is the number of bytes that wait to be written. Append has no bound of its own.
func (l *Log) Backlog() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.mu.pending)
}

// Append adds a record and returns its position. It copies the bytes. After the log has failed
// or was closed, the record is dropped, and never reported as durable.
func (l *Log) Append(rec []byte) Position {
	l.mu.Lock()
	l.mu.last++
	at := l.mu.last
	if l.mu.err == nil && !l.mu.closed {
		l.mu.pending = appendFrame(l.mu.pending, at, l.mu.durable, rec)
	}
	l.mu.Unlock()
	signal(l.wakes)
	return at
}

// Release says that records up to a position are no longer needed. Whole segments of such records
// are recycled or removed later, the oldest first.
func (l *Log) Release(to Position) {
	l.mu.Lock()
	l.mu.released = max(l.mu.released, to)
	l.mu.Unlock()
	signal(l.releases)
}

// Close makes durable what was appended, removes what was released, and closes the log. It returns
// the error that made the log fail, if there was one.
func (l *Log) Close() error {
	l.mu.Lock()
	l.mu.closed = true
	l.mu.Unlock()
	signal(l.wakes)
	l.writing.Wait()
	close(l.closing)
	l.making.Wait()
	err := l.failure()
	if err == nil {
		err = l.remove()
	}
	return errors.Join(err, l.closePrepared())
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// fail ends the log. Nothing is reported as durable afterwards.
func (l *Log) fail(err error) {
	l.mu.Lock()
	first := l.mu.err == nil
	if first {
		l.mu.err = err
		l.mu.pending = nil
	}
	l.mu.Unlock()
	if first {
		l.cfg.Failed(err)
	}
}

func (l *Log) failure() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.mu.err
}
