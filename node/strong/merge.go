package strong

import (
	"fmt"
	"maps"
	"slices"

	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/kv"
	"github.com/cohortkv/cohort/node/strong/recovery"
	"github.com/cohortkv/cohort/node/wire"
)

// merging is how a primary makes one base of histories that went apart: it reads
// them side by side, key by key, and stages what survives (docs/strong.md §8). Of
// each side it holds one piece at a time, and the tail of its log.
type merging struct {
	sides     []kv.Side
	readers   []*sideReader // of the side with the same index
	out       []wire.Record // not staged yet
	bytes     int           // of out
	conflicts int
	sample    []string // some of the keys with a conflict
}

// maxSample is how many keys with a conflict the event of a merge names.
const maxSample = 5

// sideReader brings in one side from its holder: head, tail, then the records,
// ascending by key, as they are when the tail has been applied.
type sideReader struct {
	holder   ids.Node
	boot     ids.Boot // of the holder, since the first piece
	length   uint64   // of the side
	head     wire.Ledger
	tail     []wire.Entry
	overlaid []change      // what the tail makes of keys, ascending
	page     []wire.Record // that came and were not taken
	ask      wire.Fetch    // open, or about to be; no Part: everything came
	asked    bool
}

// change is what a key holds after a tail; nil: nothing.
type change struct {
	key string
	rec *wire.Record
}

// merge begins to build a base of several sides.
func (r *Replica) merge(s *wire.Start, sides []recovery.Source) {
	m := &merging{}
	for _, side := range sides {
		m.sides = append(m.sides, side.Side(r.cfg.Limits.Past))
		m.readers = append(m.readers, &sideReader{
			holder: side.Holder, length: side.History.Length,
			ask: wire.Fetch{Ballot: s.Ballot, Source: side.History.Ballot, Part: wire.FetchHead},
		})
	}
	r.staging = &staging{start: s, fresh: true, merging: m, movedAt: r.now}
	r.openArea()
	r.askSides(true)
}

// askSides asks each holder for the piece that is wanted of it; with again also
// for what was asked for before.
func (r *Replica) askSides(again bool) {
	st := r.staging
	st.schedule(r.now)
	for _, s := range st.merging.readers {
		if s.ask.Part != 0 && len(s.page) == 0 && (again || !s.asked) {
			s.asked = true
			ask := s.ask
			r.send(s.holder, &ask)
		}
	}
}

// takeSide takes a piece of a side, if it is the one that was asked for, and
// goes on as far as all sides reach.
func (r *Replica) takeSide(h wire.Header, c *wire.Chunk) {
	st := r.staging
	i := slices.IndexFunc(st.merging.readers, func(s *sideReader) bool {
		return s.asked && s.holder == h.From && answersFetch(c, &s.ask)
	})
	if i < 0 {
		return
	}
	s := st.merging.readers[i]
	if s.boot == 0 {
		s.boot = h.Boot
	}
	if c.Missing || s.boot != h.Boot {
		if r.mayBegin() {
			r.beginRound() // the holder has other orders since, or its state is further back
		}
		return
	}
	r.progress++
	st.moved(r.now)
	s.asked = false
	s.take(c)
	for st.merging.ready() {
		key, more := st.merging.lowestKey()
		if !more {
			r.merged()
			return
		}
		st.merging.resolve(key)
		r.stageMerged(r.cfg.Limits.ChunkBytes)
	}
	r.askSides(false)
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
			s.tail = upTo(s.tail, s.ask.Source, s.length)
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

// ready reports that the next key of the side is known, or that there is none.
func (s *sideReader) ready() bool { return s.ask.Part == 0 || len(s.page) > 0 }

// next is the lowest key that was not taken.
func (s *sideReader) next() (key string, more bool) {
	switch {
	case len(s.page) == 0 && len(s.overlaid) == 0:
		return "", false
	case len(s.page) == 0 || len(s.overlaid) > 0 && s.overlaid[0].key < s.page[0].Key:
		return s.overlaid[0].key, true
	}
	return s.page[0].Key, true
}

// pop takes what the side holds for a key that is no higher than its next.
func (s *sideReader) pop(key string) (rec *wire.Record) {
	if len(s.page) > 0 && s.page[0].Key == key {
		rec, s.page = &s.page[0], s.page[1:]
	}
	if len(s.overlaid) > 0 && s.overlaid[0].key == key {
		rec, s.overlaid = s.overlaid[0].rec, s.overlaid[1:]
	}
	return rec
}

func (m *merging) ready() bool {
	return !slices.ContainsFunc(m.readers, func(s *sideReader) bool { return !s.ready() })
}

// lowestKey is the lowest key of all sides.
func (m *merging) lowestKey() (key string, more bool) {
	for _, s := range m.readers {
		if k, ok := s.next(); ok && (!more || k < key) {
			key, more = k, true
		}
	}
	return key, more
}

// resolve decides which record of one key the base keeps.
func (m *merging) resolve(key string) {
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

// stageMerged writes what was decided, when it is more than a number of bytes.
func (r *Replica) stageMerged(beyond int) {
	m := r.staging.merging
	if m.bytes > beyond {
		r.box.Persist(core.Write{Kind: core.WriteStageRecords, Ballot: r.staging.start.Ballot, Records: m.out})
		m.out, m.bytes = nil, 0
	}
}

// merged ends a merge: the base is here.
func (r *Replica) merged() {
	st := r.staging
	r.stageMerged(0)
	var ledgers []*kv.Ledger
	for _, s := range st.merging.readers {
		l := kv.Import(s.head, r.cfg.Limits.Origins)
		for i := range s.tail {
			l.Apply(&s.tail[i])
		}
		ledgers = append(ledgers, l)
	}
	st.ledger = kv.MergeLedgers(ledgers, r.cfg.Limits.Origins).Export()
	e := core.Event{Kind: EventMerged, Ballot: st.start.Ballot, Count: uint64(st.merging.conflicts)}
	if st.merging.conflicts > 0 {
		e.Note = fmt.Sprintf("keys that two sides had written: %d, among them %q", st.merging.conflicts, st.merging.sample)
	}
	r.box.Event(e)
	r.stagedWhole()
}

// upTo is a tail without the entries of a ballot beyond a position.
func upTo(tail []wire.Entry, b ids.Ballot, length uint64) []wire.Entry {
	i := slices.IndexFunc(tail, func(e wire.Entry) bool { return e.Stamp.Ballot == b && e.Stamp.Index > length })
	if i < 0 {
		return tail
	}
	return tail[:i:i]
}
