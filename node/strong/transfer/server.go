package transfer

import (
	"slices"

	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/strong/batch"
	"github.com/cohortkv/cohort/node/strong/history"
	"github.com/cohortkv/cohort/node/wire"
)

// Server gives pieces of what this node holds to other nodes. Each request says where its piece
// begins. So the server keeps no state of a receiver, but for requests that wait for the store.
// A receiver may repeat a request, and any number of receivers may ask at the same time.
type Server struct {
	limits  Limits
	box     *core.Outbox
	history *history.History
	session uint64 // number of the last read of the store; the store's answer names its read
	reads   []read // requests that wait for the store, at most maxReads
}

// read is a request for records that waits for the store.
type read struct {
	session uint64
	to      ids.Node
	fetch   *wire.Fetch
}

// maxReads bounds the requests that wait for the store. Each receiver has one request open, so
// more requests than this are repetitions, and may be dropped.
const maxReads = 256

// maxEntries bounds the entries of one piece. ChunkBytes is the lower bound in practice.
const maxEntries = 1 << 20

// NewServer returns a server of the history of a node.
func NewServer(limits Limits, box *core.Outbox, h *history.History) *Server {
	return &Server{limits: limits, box: box, history: h}
}

// Drop forgets the requests that wait for the store, because the node has promised another
// ballot: the state may change from here on.
func (s *Server) Drop() { s.reads = s.reads[:0] }

// OnFetch sends a piece of a base, or says that it is not here. The piece leaves when all writes
// so far are durable.
func (s *Server) OnFetch(from ids.Node, f *wire.Fetch) {
	l, ok := s.history.Source(f.Source)
	if s.history.HasStaged(f.Ballot) && s.history.Staged().Desc.Source == f.Source {
		l, ok = s.history.StagedFrom(), true
	}
	c := answer(f)
	switch {
	case !ok:
		c.Missing = true
		s.box.Send(from, c)
		return
	case f.Part == wire.FetchHead:
		s.head(c, l.Ledger())
	case f.Part == wire.FetchRecords:
		s.readRecords(from, f, l.Area)
		return
	case f.Part == wire.FetchTail:
		s.entries(c, l.Tail[min(f.From, uint64(len(l.Tail))):])
	case f.Part == wire.FetchEntries:
		s.sourceEntries(c, l.Tail)
	default:
		return
	}
	s.box.PostAfter(s.box.LastWrite(), core.Envelope{To: from, Message: c})
}

// answer returns an empty piece that answers a request.
func answer(f *wire.Fetch) *wire.Chunk {
	return &wire.Chunk{Ballot: f.Ballot, Source: f.Source, Part: f.Part, After: f.After, First: f.First, From: f.From}
}

// head fills a piece with as many forwarders of a ledger as fit.
func (s *Server) head(c *wire.Chunk, ledger wire.Ledger) {
	c.Ledger.MsgNum = ledger.MsgNum
	size := 0
	for i := c.From; i < uint64(len(ledger.Origins)); i++ {
		o := ledger.Origins[i]
		size += 64 + 48*len(o.Answers)
		if size > s.limits.ChunkBytes && len(c.Ledger.Origins) > 0 {
			return
		}
		c.Ledger.Origins = append(c.Ledger.Origins, o)
	}
	c.Last = true
}

// readRecords asks the store for records. The store's answer comes with OnChunkRead.
func (s *Server) readRecords(to ids.Node, f *wire.Fetch, area core.Area) {
	if len(s.reads) >= maxReads {
		return
	}
	s.session++
	s.reads = append(s.reads, read{s.session, to, f})
	s.box.Read(core.Read{
		Kind: core.ReadChunk, Area: area, After: f.After, First: f.First, Limit: s.limits.ChunkBytes, Session: s.session,
	})
}

// OnChunkRead sends the records that the store has read, if their request still waits.
func (s *Server) OnChunkRead(in *core.ChunkRead) {
	i := slices.IndexFunc(s.reads, func(r read) bool { return r.session == in.Session })
	if i < 0 {
		return
	}
	r := s.reads[i]
	s.reads = slices.Delete(s.reads, i, i+1)
	c := answer(r.fetch)
	c.Records, c.Last = in.Records, in.Last
	s.box.Send(r.to, c)
}

// entries fills a piece with as many entries as fit.
func (s *Server) entries(c *wire.Chunk, entries []wire.Entry) {
	n := batch.Fit(len(entries), maxEntries, s.limits.ChunkBytes, func(i int) int { return batch.OpBytes(&entries[i].Op) })
	c.Entries = slices.Clone(entries[:n])
	c.Last = n == len(entries)
}

// sourceEntries fills a piece with the entries of the source after a position. If the node does
// not hold the first of them, the piece is missing.
func (s *Server) sourceEntries(c *wire.Chunk, tail []wire.Entry) {
	i := slices.IndexFunc(tail, func(e wire.Entry) bool {
		return e.Stamp.Ballot == c.Source && e.Stamp.Index == c.From+1
	})
	if i < 0 {
		c.Missing = true
		return
	}
	s.entries(c, tail[i:])
}
