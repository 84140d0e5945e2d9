package wire

import (
	"fmt"

	"github.com/cohortkv/cohort/node/ids"
)

// Checkpoint is what a restart needs besides records and items: the sum of all writes up to a
// position of the log (docs/durability.md §3).
type Checkpoint struct {
	Position uint64 // of the last log record that was taken in
	Meta     NodeMeta
	Areas    Areas
	History  StoredHistory
	Causal   StoredCausal
}

// Areas are the numbers of the areas of the state (docs/durability.md §4). Numbers of areas that
// were begun by a write are above zero.
type Areas struct {
	Current   uint64     // of the history; zero: the area that is there from the beginning
	Staged    uint64     // of the staged bases; zero: none of them has an area of its own
	Building  uint64     // of the base that is being built; zero: none is
	Receiving ids.Ballot // the ballot of that base
}

func (a *Areas) fields(c *codec) {
	c.uvarint(&a.Current)
	c.uvarint(&a.Staged)
	c.uvarint(&a.Building)
	c.ballot(&a.Receiving)
}

// StoredHistory is what a node has stored of strong buckets, without records. Its state stands at
// position Commit of the log of Ballot.
type StoredHistory struct {
	Ballot   ids.Ballot    // of the history; zero: the history is blank
	Members  []Member      // of Ballot, the primary first
	Bound    []Sighting    // the incarnations that Ballot counts on
	Past     []PastBallot  // the ballots that the history was built from; ascending
	Attested []Attestation // see Attestation
	Commit   uint64        // entries of Ballot that are in the state; more may be committed
	Sum      uint64        // running sum of the log at Commit (kv.Sum)
	Ledger   Ledger        // at Commit
	Log      []Entry       // the entries of Ballot behind Commit; none of them is in the state
	Staged   []StagedBase  // staged bases, the newest first, each built on the next
}

func (h *StoredHistory) fields(c *codec) {
	c.ballot(&h.Ballot)
	c.members(&h.Members)
	c.sightings(&h.Bound)
	c.pastBallots(&h.Past)
	c.attested(&h.Attested)
	c.uvarint(&h.Commit)
	c.fixed64(&h.Sum)
	h.Ledger.fields(c)
	c.entries(&h.Log)
	for i := range list(c, &h.Staged, &stagedBaseList) {
		h.Staged[i].fields(c)
	}
}

// StagedBase is a base that is complete and put aside (I10).
type StagedBase struct {
	Ballot  ids.Ballot
	Base    Base
	Bound   []Sighting // incarnations that Ballot counts on
	Members []Member   // of Ballot, the primary first
	Fresh   bool       // the state is the staged area, not that of the history
	Ledger  Ledger     // with Fresh: of the staged area
	Tail    []Entry    // entries to be applied to the state at the swap
}

func (s *StagedBase) fields(c *codec) {
	c.ballot(&s.Ballot)
	s.Base.fields(c)
	c.sightings(&s.Bound)
	c.members(&s.Members)
	c.bool(&s.Fresh)
	if s.Fresh {
		s.Ledger.fields(c)
	}
	c.entries(&s.Tail)
}

var stagedBaseList = elements("staged bases", func(c *causalCodec) { new(StagedBase).fields(c.codec) })

// StoredCausal is what a node has stored of causal buckets, without items: the sum of its
// CausalWrites.
type StoredCausal struct {
	Known     Holdings         // all slots that are held
	Live      Vector           // positions that the streams of the last boot have reached
	Former    []Member         // former members, and others that may have data
	Views     []KnownView      // in the order in which they became known
	GCCounter uint64           // of the node
	Applied   []AppliedWrite   // results of forwarded writes
	Finished  []FinishedWrites // by forwarder; the least recently used one first
}

func (s *StoredCausal) fields(c *causalCodec) {
	s.Known.fields(c)
	s.Live.fields(c)
	c.members(&s.Former)
	c.knownViews(&s.Views)
	c.uvarint(&s.GCCounter)
	c.appliedWrites(&s.Applied)
	c.finishedWrites(&s.Finished)
}

// checkpointVersion is the first byte of a checkpoint. Values are encoded as in messages. There is
// no checksum: the database that keeps the checkpoint has its own.
const checkpointVersion = 1

// AppendCheckpoint appends the encoding of a checkpoint to dst.
func AppendCheckpoint(dst []byte, p *Checkpoint) []byte {
	var c codec
	c.buf = append(dst, checkpointVersion)
	p.fields(&causalCodec{codec: &c})
	return c.buf
}

// DecodeCheckpoint is the inverse of AppendCheckpoint, except that empty slices come back nil. It
// refuses what AppendCheckpoint cannot have made. The data may be reused afterwards.
func DecodeCheckpoint(data []byte) (*Checkpoint, error) {
	switch {
	case len(data) == 0:
		return nil, fmt.Errorf("decode checkpoint: empty")
	case data[0] != checkpointVersion:
		return nil, fmt.Errorf("decode checkpoint: version %d, this build reads %d", data[0], checkpointVersion)
	}
	c := codec{way: reading, buf: data, at: 1}
	p := new(Checkpoint)
	p.fields(&causalCodec{codec: &c})
	if err := c.end("checkpoint"); err != nil {
		return nil, fmt.Errorf("decode checkpoint: %w", err)
	}
	return p, nil
}

func (p *Checkpoint) fields(c *causalCodec) {
	c.uvarint(&p.Position)
	p.Meta.fields(c.codec)
	p.Areas.fields(c.codec)
	p.History.fields(c.codec)
	p.Causal.fields(c)
}
