package recovery

import (
	"slices"

	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/kv"
	"github.com/cohortkv/cohort/node/wire"
)

// Merge makes one base from histories that lived apart (docs/strong.md §8). It reads the sides
// next to one another, in the order of their keys, and keeps what survives. Of each side it holds
// one piece and the tail of the log. So a merge of large states takes little memory.
//
// The caller sends what Asks returns, gives each answer to Take, and then calls Advance.
type Merge struct {
	sides   []kv.Side     // which stamps each side knows
	readers []*sideReader // readers[i] reads sides[i]

	out       []wire.Record // survivors that Advance has not written yet
	bytes     int           // of out
	conflicts int           // number of keys that two sides had written
	sample    []string      // the first of these keys, at most maxSample
}

// maxSample bounds the keys with a conflict that a merge names.
const maxSample = 5

// Ask is a request for a piece of a side, to its holder.
type Ask struct {
	To    ids.Node
	Fetch *wire.Fetch
}

// NewMerge begins to merge sides into the base of a ballot.
func NewMerge(b ids.Ballot, sides []Source, pastLimit int) *Merge {
	m := &Merge{}
	for i := range sides {
		s := &sides[i]
		m.sides = append(m.sides, s.Side(pastLimit))
		m.readers = append(m.readers, &sideReader{
			holder: s.Holder, length: s.History.Length,
			ask: wire.Fetch{Ballot: b, Source: s.History.Ballot, Part: wire.FetchHead},
		})
	}
	return m
}

// Asks returns the requests for the pieces that the merge lacks, at most one a side. With again it
// includes requests that it returned before and that have no answer.
func (m *Merge) Asks(again bool) []Ask {
	var all []Ask
	for _, s := range m.readers {
		if !s.complete() && len(s.page) == 0 && (again || !s.asked) {
			s.asked = true
			f := s.ask
			all = append(all, Ask{s.holder, &f})
		}
	}
	return all
}

// Taken says what Take did with a piece.
type Taken uint8

// The outcomes of Take.
const (
	NotAsked Taken = iota + 1 // no side waits for this piece
	Took                      // the piece was taken
	Unserved                  // the holder has restarted, or has promised another ballot: the merge cannot end
)

// Take takes a piece of a side, if the side waits for it.
func (m *Merge) Take(from ids.Node, boot ids.Boot, c *wire.Chunk) Taken {
	i := slices.IndexFunc(m.readers, func(s *sideReader) bool {
		return s.asked && s.holder == from && Answers(c, &s.ask)
	})
	if i < 0 {
		return NotAsked
	}
	s := m.readers[i]
	if s.boot == 0 {
		s.boot = boot
	}
	if c.Missing || s.boot != boot {
		return Unserved
	}
	s.asked = false
	s.take(c)
	return Took
}

// Advance merges key by key, as far as the pieces of all sides reach. It writes the survivors
// when they take more than atMost bytes, and all that are left at the end. It reports whether the
// merge is done.
func (m *Merge) Advance(atMost int, write func([]wire.Record)) (done bool) {
	for !slices.ContainsFunc(m.readers, func(s *sideReader) bool { return !s.isReady() }) {
		key, more := m.lowestKey()
		if !more {
			m.flush(0, write)
			return true
		}
		m.resolve(key)
		m.flush(atMost, write)
	}
	return false
}

// flush writes the survivors, if they take more than beyond bytes.
func (m *Merge) flush(beyond int, write func([]wire.Record)) {
	if m.bytes > beyond {
		write(m.out)
		m.out, m.bytes = nil, 0
	}
}

// lowestKey returns the lowest key that some side has and that is not resolved.
func (m *Merge) lowestKey() (key string, more bool) {
	for _, s := range m.readers {
		if k, ok := s.next(); ok && (!more || k < key) {
			key, more = k, true
		}
	}
	return key, more
}

// resolve decides which record of a key the base keeps, if any.
func (m *Merge) resolve(key string) {
	held := make([]*wire.Record, len(m.readers))
	for i, s := range m.readers {
		held[i] = s.pop(key)
	}
	rec, conflict := kv.Survivor(m.sides, held)
	if conflict {
		m.conflicts++
		if len(m.sample) < maxSample {
			m.sample = append(m.sample, key)
		}
	}
	if rec != nil {
		m.out = append(m.out, *rec)
		m.bytes += len(rec.Key) + len(rec.Value) + len(rec.ContentType) + 64
	}
}

// Conflicts returns the number of keys that two sides had written, and the first few of them.
func (m *Merge) Conflicts() (count int, sample []string) { return m.conflicts, m.sample }

// Ledger returns the ledger of the merged base, after the merge is done.
func (m *Merge) Ledger(origins int) wire.Ledger {
	var ledgers []*kv.Ledger
	for _, s := range m.readers {
		l := kv.Import(s.head, origins)
		for i := range s.tail {
			l.Apply(&s.tail[i])
		}
		ledgers = append(ledgers, l)
	}
	return kv.MergeLedgers(ledgers, origins).Export()
}
