package wire

import "github.com/cohortkv/cohort/node/ids"

// HistorySummary describes a history without its keys.
type HistorySummary struct {
	Ballot   ids.Ballot    // zero: blank
	Members  []Member      // that took part in Ballot
	Past     []PastBallot  // ballots that the history was built from; ascending, at most 10,000
	Attested []Attestation // at most 256
	Length   uint64        // entries of Ballot
	Commit   uint64        // committed entries of Ballot, as far as the node knows; at most Length
	Sum      uint64        // running sum of the log at Length (kv.Sum)
}

func (h *HistorySummary) fields(c *codec) {
	c.ballot(&h.Ballot)
	c.members(&h.Members)
	c.pastBallots(&h.Past)
	c.attested(&h.Attested)
	c.uvarint(&h.Length)
	c.uvarint(&h.Commit)
	c.fixed64(&h.Sum)
}

// PastBallot is a ballot that a history was built from.
type PastBallot struct {
	Ballot ids.Ballot
	Count  uint64 // entries of Ballot that the history contains
}

func (p *PastBallot) fields(c *codec) {
	c.ballot(&p.Ballot)
	c.uvarint(&p.Count)
}

var pastBallotList = elements("past ballots", func(c *causalCodec) { new(PastBallot).fields(c.codec) })

func (c *codec) pastBallots(s *[]PastBallot) {
	for i := range list(c, s, &pastBallotList) {
		(*s)[i].fields(c)
	}
}

// Attestation says that an incarnation of a node promised Ballot when a history was
// built, and reported all that it had. Whatever it lacked then, of ballots below
// that, it will never have (docs/strong.md §7.2a).
type Attestation struct {
	Node   ids.Node
	Inc    ids.Incarnation
	Ballot ids.Ballot
}

func (a *Attestation) fields(c *codec) {
	c.node(&a.Node)
	c.incarnation(&a.Inc)
	c.ballot(&a.Ballot)
}

var attestationList = elements("attestations", func(c *causalCodec) { new(Attestation).fields(c.codec) })

func (c *codec) attested(s *[]Attestation) {
	for i := range list(c, s, &attestationList) {
		(*s)[i].fields(c)
	}
}

// StagedSummary describes a base that a node has whole and has not swapped in.
type StagedSummary struct {
	History HistorySummary // what the history would be after the swap
	Bound   []Sighting     // the incarnations that the ballot counts on
}

func (s *StagedSummary) fields(c *codec) {
	s.History.fields(c)
	c.sightings(&s.Bound)
}

var stagedList = elements("staged bases", func(c *causalCodec) { new(StagedSummary).fields(c.codec) })

// Base describes the history that a round starts from. It is the first Length entries of
// ballot Source, on what Source was built from. Or it is what several histories that went
// apart give when they are merged (docs/strong.md §8).
type Base struct {
	Source   ids.Ballot    // zero: the empty history, or a merged one
	Length   uint64        // entries of Source
	Sum      uint64        // running sum of the log of Source at Length (kv.Sum)
	Sides    []PastBallot  // merged: the histories that went apart, ascending by ballot
	Past     []PastBallot  // of the new history: the past of each source, and the source itself; ascending, at most 10,000
	Attested []Attestation // of the new history; at most 256
	GivenUp  []ids.Ballot  // owed ballots that cannot be had, or were given up by force; at most 4,096
}

func (b *Base) fields(c *codec) {
	c.ballot(&b.Source)
	c.uvarint(&b.Length)
	c.fixed64(&b.Sum)
	c.pastBallots(&b.Sides)
	c.pastBallots(&b.Past)
	c.attested(&b.Attested)
	c.ballotIDs(&b.GivenUp)
}

// Merged reports that the base joins histories that went apart.
func (b *Base) Merged() bool { return len(b.Sides) > 0 }
