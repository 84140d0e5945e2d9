package wal

import (
	"errors"
	"fmt"
	"io"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// Corruption says that records which were durable are missing or damaged.
type Corruption struct {
	File string
	Next Position // the first record that cannot be read
	Why  string
}

// Error implements error.
func (c *Corruption) Error() string {
	return fmt.Sprintf("%s: %s: record %d and those after it cannot be read", c.File, c.Why, c.Next)
}

// replayer reads segments in the order of their numbers.
//
// A crash leaves a torn end in the segment that was being written. The next process goes on in a
// new segment. So records may end anywhere in a segment. A record that is missing nevertheless
// shows later: by a position that is too high, by a segment number that is missing, or by a frame
// that says that the record was synced.
type replayer struct {
	next Position // the record that must come next
	do   func(Position, []byte) error
}

// replayAll replays all segments, and returns the position of the last record.
func replayAll(fs vfs.FS, dir string, found []*segment, released Position, do func(Position, []byte) error) (Position, error) {
	r := replayer{next: released + 1, do: do}
	if why := incomplete(found, released); why != "" {
		return 0, &Corruption{File: dir, Next: r.next, Why: why}
	}
	for _, s := range found {
		b, err := read(fs, s.name)
		if err != nil {
			return 0, fmt.Errorf("read %s: %w", s.name, err)
		}
		if err := r.segment(s, b); err != nil {
			return 0, err
		}
	}
	return r.next - 1, nil
}

// incomplete says which segment is missing; empty: none, as far as the numbers show. A log that a
// crash interrupted in its first Open may have fewer segments than others: they begin with 1.
func incomplete(found []*segment, released Position) string {
	switch {
	case len(found) == 0 && released > 0:
		return "there are no segments"
	case len(found) == 0:
		return ""
	case len(found) < fewest && found[0].number > 1:
		return fmt.Sprintf("only %d segments are left", len(found))
	}
	for i, s := range found {
		if want := found[0].number + uint64(i); s.number != want {
			return fmt.Sprintf("segment %d is missing", want)
		}
	}
	return ""
}

func read(fs vfs.FS, name string) ([]byte, error) {
	file, err := fs.Open(name, vfs.SequentialReadsOption)
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(file)
	return b, errors.Join(err, file.Close())
}

// segment replays one segment, whose content is b.
func (r *replayer) segment(s *segment, b []byte) error {
	for {
		f, size := readFrame(b)
		switch {
		case size == 0 && synced(b, r.next):
			return &Corruption{File: s.name, Next: r.next, Why: "damaged after it was synced"}
		case size == 0:
			return nil // the end, or a torn end
		case f.position > r.next:
			return &Corruption{File: s.name, Next: r.next, Why: fmt.Sprintf("found record %d", f.position)}
		case f.position == r.next:
			r.next++
			if err := r.do(f.position, f.record); err != nil {
				return err
			}
		}
		s.last = max(s.last, f.position)
		b = b[size:]
	}
}
