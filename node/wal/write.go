package wal

import (
	"fmt"
	"time"
)

// write writes and syncs what was appended, until the log is closed or fails. It writes to s
// first, and then to one prepared segment after the other.
func (l *Log) write(s *segment) {
	var buf []byte
	for range l.wakes {
		frames, last, closed := l.take(buf)
		for len(frames) > 0 {
			s = l.segmentFor(s)
			begin := time.Now()
			if err := l.writeTo(s, frames, last); err != nil {
				l.fail(err)
				break
			}
			if l.cfg.Took != nil {
				l.cfg.Took(time.Since(begin).Seconds())
			}
			l.markDurable(last)
			if buf = frames[:0]; cap(buf) > keptBuffer {
				buf = nil
			}
			frames, last, closed = l.take(buf)
		}
		if closed || l.failure() != nil {
			break
		}
	}
	if err := l.seal(s); err != nil {
		l.fail(err)
	}
}

// keptBuffer is the largest buffer that is kept for the next records.
const keptBuffer = 1 << 20

// take takes the frames that wait, and leaves an empty buffer for more.
func (l *Log) take(empty []byte) (frames []byte, last Position, closed bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.mu.pending) > 0 {
		frames, l.mu.pending = l.mu.pending, empty
	}
	return frames, l.mu.last, l.mu.closed
}

// segmentFor is s, or its successor if s is full and the successor of the successor exists. All
// that s contains is synced.
func (l *Log) segmentFor(s *segment) *segment {
	if s.size < l.cfg.SegmentBytes || len(l.prepared) < ahead {
		return s
	}
	if err := s.file.Close(); err != nil {
		l.fail(fmt.Errorf("close %s: %w", s.name, err))
	}
	l.mu.Lock()
	s.done = true
	l.mu.Unlock()
	next := <-l.prepared
	signal(l.full)
	return next
}

// writeTo writes frames to a segment and syncs them.
func (l *Log) writeTo(s *segment, frames []byte, last Position) error {
	if _, err := s.file.Write(frames); err != nil {
		return fmt.Errorf("write %s: %w", s.name, err)
	}
	s.size += int64(len(frames))
	s.last = last
	if l.cfg.NoSync {
		return nil
	}
	if err := s.file.SyncData(); err != nil {
		return fmt.Errorf("sync %s: %w", s.name, err)
	}
	return nil
}

// markDurable reports records as durable, unless the log has failed meanwhile.
func (l *Log) markDurable(to Position) {
	l.mu.Lock()
	failed := l.mu.err != nil
	if !failed {
		l.mu.durable = to
	}
	l.mu.Unlock()
	if !failed {
		l.cfg.Durable(to)
	}
}

// seal ends the log with a mark, if it has not failed. If one of the last records is damaged
// afterwards, the mark proves that it was whole.
func (l *Log) seal(s *segment) error {
	defer s.file.Close() // everything that counts is synced
	l.mu.Lock()
	durable, err := l.mu.durable, l.mu.err
	l.mu.Unlock()
	if err != nil || durable == 0 {
		return nil
	}
	if _, err := s.file.Write(appendFrame(nil, durable, durable, nil)); err != nil {
		return fmt.Errorf("write %s: %w", s.name, err)
	}
	if err := s.file.Sync(); err != nil {
		return fmt.Errorf("sync %s: %w", s.name, err)
	}
	return nil
}
