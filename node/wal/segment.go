package wal

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// segment is a file of the log. Its number is one above that of the segment before.
type segment struct {
	number uint64
	name   string   // full path
	file   vfs.File // nil: not open
	size   int64    // bytes written
	last   Position // of the last record written or found; 0: none
	done   bool     // nothing will be added
}

const suffix = ".wal"

// category is the label of the log in the disk statistics of Pebble's file system.
const category = vfs.DiskWriteCategory("cohort-wal")

// ahead is the number of segments that are made ahead. A segment is written to only if its
// successor exists. So the loss of a segment file shows as a gap in the numbers (replay.go).
const ahead = 2

// fewest is the number of segments that a log has at least, once its first Open has ended.
const fewest = ahead + 1

// spares is the number of released segments that are kept to be recycled.
const spares = 2

// list finds the segments in a directory, by number.
func list(fs vfs.FS, dir string) ([]*segment, error) {
	names, err := fs.List(dir)
	if err != nil {
		return nil, err
	}
	var all []*segment
	for _, name := range names {
		digits, ours := strings.CutSuffix(name, suffix)
		number, err := strconv.ParseUint(digits, 10, 64)
		if ours && err == nil {
			all = append(all, &segment{number: number, name: fs.PathJoin(dir, name), done: true})
		}
	}
	slices.SortFunc(all, func(a, b *segment) int { return cmp.Compare(a.number, b.number) })
	return all, nil
}

// makeSegments makes and removes segments until the log is closed.
func (l *Log) makeSegments() {
	for {
		select {
		case <-l.full:
			if err := l.prepare(); err != nil {
				l.fail(err)
			}
		case <-l.releases:
			if err := l.remove(); err != nil {
				l.fail(err)
			}
		case <-l.closing:
			return
		}
	}
}

// prepare makes the segment after the last one.
func (l *Log) prepare() error {
	s := &segment{number: 1}
	l.mu.Lock()
	if n := len(l.mu.segments); n > 0 {
		s.number = l.mu.segments[n-1].number + 1
	}
	l.mu.Unlock()
	s.name = l.cfg.FS.PathJoin(l.cfg.Dir, fmt.Sprintf("%012d%s", s.number, suffix))
	if err := l.create(s); err != nil {
		return fmt.Errorf("create %s: %w", s.name, err)
	}
	l.mu.Lock()
	l.mu.segments = append(l.mu.segments, s)
	l.mu.Unlock()
	l.prepared <- s
	return nil
}

// create makes a file, of the oldest spare one if there is one: a sync is faster on a file whose
// blocks are allocated and whose length does not change. The directory is synced, so that a crash
// does not undo the creation.
func (l *Log) create(s *segment) (err error) {
	fs := l.cfg.FS
	if len(l.spare) > 0 {
		old := l.spare[0].name
		l.spare = l.spare[1:]
		s.file, err = fs.ReuseForWrite(old, s.name, category)
	} else if s.file, err = fs.Create(s.name, category); err == nil {
		err = s.file.Preallocate(0, l.cfg.SegmentBytes)
	}
	if err != nil {
		return err
	}
	return syncDir(fs, l.cfg.Dir)
}

func syncDir(fs vfs.FS, dir string) error {
	d, err := fs.OpenDir(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// syncAll syncs the contents of segments.
func syncAll(fs vfs.FS, all []*segment) error {
	for _, s := range all {
		file, err := fs.OpenReadWrite(s.name, category)
		if err != nil {
			return fmt.Errorf("open %s: %w", s.name, err)
		}
		if err := errors.Join(file.Sync(), file.Close()); err != nil {
			return fmt.Errorf("sync %s: %w", s.name, err)
		}
	}
	return nil
}

// remove takes segments of released records out of the log, the oldest first. A few are kept
// under their names, to be recycled. Files leave the directory in the order of their numbers, and
// the directory is synced after each one. So after a crash, the numbers of the files that are
// left have no gap.
func (l *Log) remove() error {
	for s := l.oldest(); s != nil; s = l.oldest() {
		l.spare = append(l.spare, s)
		if len(l.spare) <= spares {
			continue
		}
		if err := errors.Join(l.cfg.FS.Remove(l.spare[0].name), syncDir(l.cfg.FS, l.cfg.Dir)); err != nil {
			return fmt.Errorf("remove a segment: %w", err)
		}
		l.spare = l.spare[1:]
	}
	return nil
}

// oldest takes the oldest segment out of the log, if all its records are released. As many
// segments stay as a log has at least.
func (l *Log) oldest() *segment {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := l.mu.segments
	if len(all) <= fewest || !all[0].done || all[0].last > l.mu.released {
		return nil
	}
	l.mu.segments = all[1:]
	return all[0]
}

// closePrepared closes the files of segments that were made ahead.
func (l *Log) closePrepared() error {
	var errs []error
	for len(l.prepared) > 0 {
		errs = append(errs, (<-l.prepared).file.Close())
	}
	return errors.Join(errs...)
}
