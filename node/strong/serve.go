package strong

import (
	"slices"

	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/strong/history"
	"github.com/cohortkv/cohort/node/wire"
)

// chunkReads are the requests for records that wait for the store.
type chunkReads struct {
	next uint64
	open []chunkRead
}

type chunkRead struct {
	session uint64
	to      ids.Node
	fetch   *wire.Fetch
}

// drop forgets them: the state may change from here on.
func (c *chunkReads) drop() { c.open = c.open[:0] }

// maxChunkReads bounds the requests for records that wait; each asker has one
// open, so more than this many are not from askers that wait.
const maxChunkReads = 256

// OnFetch serves a piece of a base. This node has promised the round, so what it
// reports does not move (I22).
func (r *Replica) OnFetch(h wire.Header, f *wire.Fetch) {
	if f.Ballot != r.promised || r.hist.Ballot() == f.Ballot || f.Ballot.Round == 0 {
		return
	}
	r.progress++
	l, ok := r.hist.Source(f.Source)
	if r.hist.HasStaged(f.Ballot) && r.hist.Staged().Desc.Source == f.Source {
		l, ok = r.hist.StagedFrom(), true
	}
	c := &wire.Chunk{
		Ballot: f.Ballot, Source: f.Source, Part: f.Part, After: f.After, First: f.First, From: f.From,
	}
	if !ok {
		c.Missing = true
		r.send(h.From, c)
		return
	}
	switch f.Part {
	case wire.FetchHead:
		r.headChunk(c, l)
	case wire.FetchRecords:
		r.readRecords(h.From, f, l)
		return
	case wire.FetchTail:
		from := min(f.From, uint64(len(l.Tail)))
		r.entriesChunk(c, l.Tail[from:])
	case wire.FetchEntries:
		r.sourceEntries(c, l)
	default:
		return
	}
	r.sendDurable(h.From, c)
}

func (r *Replica) headChunk(c *wire.Chunk, l history.Source) {
	led := l.Ledger()
	c.Ledger.MsgNum = led.MsgNum
	size := 0
	for i := c.From; i < uint64(len(led.Origins)); i++ {
		o := led.Origins[i]
		size += 64 + 48*len(o.Answers)
		if size > r.cfg.Limits.ChunkBytes && len(c.Ledger.Origins) > 0 {
			return
		}
		c.Ledger.Origins = append(c.Ledger.Origins, o)
	}
	c.Last = true
}

// readRecords asks the store; the answer comes back as a ChunkRead.
func (r *Replica) readRecords(to ids.Node, f *wire.Fetch, l history.Source) {
	if len(r.chunks.open) >= maxChunkReads {
		return
	}
	r.chunks.next++
	r.chunks.open = append(r.chunks.open, chunkRead{r.chunks.next, to, f})
	r.box.Read(core.Read{
		Kind: core.ReadChunk, Area: l.Area, After: f.After, First: f.First,
		Limit: r.cfg.Limits.ChunkBytes, Session: r.chunks.next,
	})
}

// OnChunkRead sends records that the store has read.
func (r *Replica) OnChunkRead(in *core.ChunkRead) {
	i := slices.IndexFunc(r.chunks.open, func(c chunkRead) bool { return c.session == in.Session })
	if i < 0 {
		return
	}
	c := r.chunks.open[i]
	r.chunks.open = slices.Delete(r.chunks.open, i, i+1)
	f := c.fetch
	r.send(c.to, &wire.Chunk{
		Ballot: f.Ballot, Source: f.Source, Part: f.Part, After: f.After, First: f.First, From: f.From,
		Records: in.Records, Last: in.Last,
	})
}

// entriesChunk fills a piece with as many entries as fit.
func (r *Replica) entriesChunk(c *wire.Chunk, entries []wire.Entry) {
	n := fit(len(entries), 1<<20, r.cfg.Limits.ChunkBytes, func(i int) int { return opBytes(&entries[i].Op) })
	c.Entries = slices.Clone(entries[:n])
	c.Last = n == len(entries)
}

// sourceEntries serves the entries of the source after a position, if the first
// of them is still here.
func (r *Replica) sourceEntries(c *wire.Chunk, l history.Source) {
	i := slices.IndexFunc(l.Tail, func(e wire.Entry) bool {
		return e.Stamp.Ballot == c.Source && e.Stamp.Index == c.From+1
	})
	if i < 0 {
		c.Missing = true
		return
	}
	r.entriesChunk(c, l.Tail[i:])
}

// fit is how many of n items go into one message: at least one, at most maxN,
// and no more than limit bytes.
func fit(n, maxN, limit int, size func(int) int) int {
	total := 0
	for i := range min(n, maxN) {
		total += size(i)
		if total > limit && i > 0 {
			return i
		}
	}
	return min(n, maxN)
}

// opBytes is about what an operation takes in a message.
func opBytes(op *wire.Op) int { return len(op.Key) + len(op.Value) + len(op.ContentType) + 64 }
