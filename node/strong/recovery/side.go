package recovery

import (
	"maps"
	"slices"

	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/kv"
	"github.com/cohortkv/cohort/node/wire"
)

// sideReader brings in one side from its holder: the ledger, the tail, then the records,
// ascending by key, as they are when the tail has been applied.
type sideReader struct {
	holder   ids.Node
	boot     ids.Boot      // of the holder, since the first piece; zero: none came
	length   uint64        // of the side
	head     wire.Ledger   // of the state, without the tail
	tail     []wire.Entry  // not beyond length
	overlaid []change      // what the tail makes of keys, ascending; those that were not popped
	page     []wire.Record // the last piece of records; those that were not popped
	ask      wire.Fetch    // the next piece; no Part: everything came
	asked    bool          // ask is on its way
}

// change is what a key holds after a tail; nil: nothing.
type change struct {
	key string
	rec *wire.Record
}

func (s *sideReader) take(c *wire.Chunk) {
	switch c.Part {
	case wire.FetchHead:
		s.head.MsgNum = c.Ledger.MsgNum
		s.head.Origins = append(s.head.Origins, c.Ledger.Origins...)
		s.ask.From = uint64(len(s.head.Origins))
		if c.Last {
			s.ask.Part, s.ask.From = wire.FetchTail, 0
		}
	case wire.FetchTail:
		s.tail = append(s.tail, c.Entries...)
		s.ask.From = uint64(len(s.tail))
		if c.Last {
			s.ask.Part, s.ask.From, s.ask.First = wire.FetchRecords, 0, true
			s.tail = UpTo(s.tail, s.ask.Source, s.length)
			s.overlay()
		}
	case wire.FetchRecords:
		s.page = c.Records
		if len(c.Records) > 0 {
			s.ask.After, s.ask.First = c.Records[len(c.Records)-1].Key, false
		}
		if c.Last {
			s.ask.Part = 0
		}
	}
}

// overlay works out what the tail makes of the keys that it touches.
func (s *sideReader) overlay() {
	last := map[string]*wire.Record{}
	for i := range s.tail {
		if e := &s.tail[i]; kv.Changes(e.Result.Status) {
			last[e.Op.Key] = kv.RecordOf(e)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(last)) {
		s.overlaid = append(s.overlaid, change{key, last[key]})
	}
}

// complete reports that all of the side came.
func (s *sideReader) complete() bool { return s.ask.Part == 0 }

// isReady reports that the next key of the side is known, or that there is none.
func (s *sideReader) isReady() bool { return s.complete() || len(s.page) > 0 }

// next is the lowest key that was not popped.
func (s *sideReader) next() (key string, more bool) {
	switch {
	case len(s.page) == 0 && len(s.overlaid) == 0:
		return "", false
	case len(s.page) == 0 || len(s.overlaid) > 0 && s.overlaid[0].key < s.page[0].Key:
		return s.overlaid[0].key, true
	}
	return s.page[0].Key, true
}

// pop takes what the side holds for a key that is no higher than its next one.
func (s *sideReader) pop(key string) (rec *wire.Record) {
	if len(s.page) > 0 && s.page[0].Key == key {
		rec, s.page = &s.page[0], s.page[1:]
	}
	if len(s.overlaid) > 0 && s.overlaid[0].key == key {
		rec, s.overlaid = s.overlaid[0].rec, s.overlaid[1:]
	}
	return rec
}

// Answers reports that a piece is the one that was asked for.
func Answers(c *wire.Chunk, f *wire.Fetch) bool {
	return c.Ballot == f.Ballot && c.Source == f.Source && c.Part == f.Part && c.From == f.From &&
		c.After == f.After && c.First == f.First
}

// UpTo is a tail without the entries of a ballot beyond a position. A holder may have more
// than the base: what was abandoned, or never committed.
func UpTo(tail []wire.Entry, b ids.Ballot, length uint64) []wire.Entry {
	i := slices.IndexFunc(tail, func(e wire.Entry) bool { return e.Stamp.Ballot == b && e.Stamp.Index > length })
	if i < 0 {
		return tail
	}
	return tail[:i:i]
}
