package recovery

import (
	"maps"
	"slices"

	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/kv"
	"github.com/cohortkv/cohort/node/wire"
)

// sideReader fetches one side from its holder: the ledger, the tail, then the records. It gives
// out the keys in ascending order, each as it is after the tail.
type sideReader struct {
	holder   ids.Node      // of the holder, as in the first piece; zero: none has come
	boot     ids.Boot      // number of entries of the side's ballot that count
	length   uint64        // ledger of the state, without the tail
	head     wire.Ledger   // entries up to length
	tail     []wire.Entry  // what the tail makes of keys, ascending by key, without those that were popped
	overlaid []change      // the last piece of records, without those that were popped
	page     []wire.Record // the request for the next piece; Part is zero when everything has come
	ask      wire.Fetch    // ask was returned by Asks and has no answer
	asked    bool          // ask is on its way
}

// change is what a key holds after a tail; a nil record: nothing.
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

// overlay computes what the tail makes of each key that it changes.
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

// complete reports whether all of the side has come.
func (s *sideReader) complete() bool { return s.ask.Part == 0 }

// isReady reports whether the next key of the side is known, or there is none.
func (s *sideReader) isReady() bool { return s.complete() || len(s.page) > 0 }

// next returns the lowest key that was not popped.
func (s *sideReader) next() (key string, more bool) {
	switch {
	case len(s.page) == 0 && len(s.overlaid) == 0:
		return "", false
	case len(s.page) == 0 || len(s.overlaid) > 0 && s.overlaid[0].key < s.page[0].Key:
		return s.overlaid[0].key, true
	}
	return s.page[0].Key, true
}

// pop removes a key, and returns what the side holds for it; nil: nothing. No key below it may be
// left.
func (s *sideReader) pop(key string) (rec *wire.Record) {
	if len(s.page) > 0 && s.page[0].Key == key {
		rec, s.page = &s.page[0], s.page[1:]
	}
	if len(s.overlaid) > 0 && s.overlaid[0].key == key {
		rec, s.overlaid = s.overlaid[0].rec, s.overlaid[1:]
	}
	return rec
}

// Answers reports whether a piece is the one that a request asked for.
func Answers(c *wire.Chunk, f *wire.Fetch) bool {
	return c.Ballot == f.Ballot && c.Source == f.Source && c.Part == f.Part && c.From == f.From &&
		c.After == f.After && c.First == f.First
}

// UpTo returns a tail without the entries of ballot b beyond a position. A holder may have more
// entries than the base: abandoned ones, or ones that were never committed.
func UpTo(tail []wire.Entry, b ids.Ballot, length uint64) []wire.Entry {
	i := slices.IndexFunc(tail, func(e wire.Entry) bool { return e.Stamp.Ballot == b && e.Stamp.Index > length })
	if i < 0 {
		return tail
	}
	return tail[:i:i]
}
