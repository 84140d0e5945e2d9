package transfer

import (
	"slices"

	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/strong/batch"
	"github.com/cohortkv/cohort/node/strong/history"
	"github.com/cohortkv/cohort/node/wire"
)

// Server gives pieces of what this node holds to other nodes. It keeps nothing of an asker
// but requests that wait for the store: each request says where it goes on. So an asker may
// repeat a request, and any number of nodes may ask at the same time.
type Server struct {
	limits  Limits
	box     *core.Outbox
	history *history.History
	session uint64 // of the last read; a late answer of the store finds no other request
	reads   []read // at most maxReads
}

// read is a request for records that waits for the store.
type read struct {
	session uint64
	to      ids.Node
	fetch   *wire.Fetch
}

// maxReads bounds the requests for records that wait. Each asker has one open, so requests
// beyond it are not from askers that wait.
const maxReads = 256

// maxEntries bounds the entries of one piece. Their bytes are the bound in practice.
const maxEntries = 1 << 20

// NewServer returns a server of the history of a node.
func NewServer(limits Limits, box *core.Outbox, h *history.History) *Server {
	return &Server{limits: limits, box: box, history: h}
}

// Drop forgets the requests that wait: the state may change from here on.
func (s *Server) Drop() { s.reads = s.reads[:0] }

// OnFetch serves a piece of a base, or says that it is not here.
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

// answer is an empty piece in answer to a request.
func answer(f *wire.Fetch) *wire.Chunk {
	return &wire.Chunk{Ballot: f.Ballot, Source: f.Source, Part: f.Part, After: f.After, First: f.First, From: f.From}
}

// head fills a piece with as many forwarders of the ledger as fit.
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

// readRecords asks the store. The answer comes back with OnChunkRead.
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

// OnChunkRead sends records that the store has read.
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

// sourceEntries serves the entries of the source after a position, if the first of them is
// still here.
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
