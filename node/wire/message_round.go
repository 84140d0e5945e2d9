package wire

import "github.com/cohortkv/cohort/node/ids"

// JoinRequest opens a round: promise this ballot and report.
type JoinRequest struct {
	Ballot ids.Ballot
	View   View
}

// Kind implements Message.
func (*JoinRequest) Kind() Kind { return KindJoinRequest }

func (m *JoinRequest) fields(c *codec) {
	c.ballot(&m.Ballot)
	m.View.fields(c)
}

// Join is a promise with the history it was made on (I22).
type Join struct {
	Ballot  ids.Ballot
	History HistorySummary
	Staged  []StagedSummary // newest first, each built on the next
	Owed    []KnownBallot
}

// Kind implements Message.
func (*Join) Kind() Kind { return KindJoin }

func (m *Join) fields(c *codec) {
	c.ballot(&m.Ballot)
	m.History.fields(c)
	for i := range list(c, &m.Staged, &stagedList) {
		m.Staged[i].fields(c)
	}
	c.knownBallots(&m.Owed)
}

// BallotTooLow says that the receiver has promised a higher ballot.
type BallotTooLow struct {
	Ballot   ids.Ballot // of the message that it answers
	Promised ids.Ballot
}

// Kind implements Message.
func (*BallotTooLow) Kind() Kind { return KindBallotTooLow }

func (m *BallotTooLow) fields(c *codec) {
	c.ballot(&m.Ballot)
	c.ballot(&m.Promised)
}

// Pull asks a node outside the view for a history that a member of the view owes
// (I24): promise this ballot, leave the view held for the one that comes along, and
// report. Sent as a bus request; answered by a Join to the primary, or by
// PullReply.
type Pull struct {
	Ballot ids.Ballot
	View   View
	Owed   KnownBallot
}

// Kind implements Message.
func (*Pull) Kind() Kind { return KindPull }

func (m *Pull) fields(c *codec) {
	c.ballot(&m.Ballot)
	m.View.fields(c)
	m.Owed.fields(c)
}

// PullReply says why nothing can be pulled from a node.
type PullReply struct {
	Ballot ids.Ballot // of the round
	Owed   ids.Ballot
	Fate   Fate
	Held   ids.View // FateBelow: of the view held
}

// Kind implements Message.
func (*PullReply) Kind() Kind { return KindPullReply }

func (m *PullReply) fields(c *codec) {
	c.ballot(&m.Ballot)
	c.ballot(&m.Owed)
	c.enum((*byte)(&m.Fate), &fates)
	c.viewID(&m.Held)
}

// Fate says what became of an owed ballot at one of its members.
type Fate uint8

// The fates.
const (
	FateLost      Fate = iota + 1 // this node has not got it (any more)
	FateElsewhere                 // it lives on here, in a view that an operator gave this node since
	FateBelow                     // this node would come, but for the number of the view
)

var fates = enumeration{"fate", byte(FateLost), byte(FateBelow)}

// Start tells a member which base the ballot has and whom it counts on. The
// member fetches what it lacks from the primary.
type Start struct {
	Ballot  ids.Ballot
	Base    Base
	Bound   []Sighting
	Members []Member
	Whole   bool // what the member has of Source differs: it takes everything
}

// Kind implements Message.
func (*Start) Kind() Kind { return KindStart }

func (m *Start) fields(c *codec) {
	c.ballot(&m.Ballot)
	m.Base.fields(c)
	c.sightings(&m.Bound)
	c.members(&m.Members)
	c.bool(&m.Whole)
}

// Started says that the whole base is staged, durably.
type Started struct {
	Ballot ids.Ballot
}

// Kind implements Message.
func (*Started) Kind() Kind { return KindStarted }

func (m *Started) fields(c *codec) { c.ballot(&m.Ballot) }

// Active says that every member has the base: swap it in.
type Active struct {
	Ballot ids.Ballot
	Commit uint64
}

// Kind implements Message.
func (*Active) Kind() Kind { return KindActive }

func (m *Active) fields(c *codec) {
	c.ballot(&m.Ballot)
	c.uvarint(&m.Commit)
}

// Fetch asks for a piece of the base of a round. The sender asks for one piece
// at a time, so that nothing piles up; asking twice is harmless.
type Fetch struct {
	Ballot ids.Ballot // the round; the receiver must have promised it
	Source ids.Ballot // the base
	Part   FetchPart
	After  string // FetchRecords: keys greater than this; with First: all
	First  bool
	From   uint64
}

// Kind implements Message.
func (*Fetch) Kind() Kind { return KindFetch }

func (m *Fetch) fields(c *codec) {
	c.ballot(&m.Ballot)
	c.ballot(&m.Source)
	c.enum((*byte)(&m.Part), &fetchParts)
	c.string(&m.After)
	c.bool(&m.First)
	c.uvarint(&m.From)
}

// FetchPart says which part of a base is asked for.
type FetchPart uint8

// The parts.
const (
	FetchHead    FetchPart = iota + 1 // the ledger, origins from ordinal From
	FetchRecords                      // keys after After
	FetchTail                         // entries to be applied on the state, from ordinal From
	FetchEntries                      // entries of Source after position From
)

var fetchParts = enumeration{"part", byte(FetchHead), byte(FetchEntries)}

// Chunk answers a Fetch and repeats what was asked for. Missing: the receiver
// cannot serve that part, ask for the whole.
type Chunk struct {
	Ballot  ids.Ballot
	Source  ids.Ballot
	Part    FetchPart
	After   string
	First   bool
	From    uint64
	Missing bool
	Last    bool
	Ledger  Ledger   // FetchHead: as of the state, before the tail
	Records []Record // FetchRecords, ascending by key
	Entries []Entry  // FetchTail, FetchEntries
}

// Kind implements Message.
func (*Chunk) Kind() Kind { return KindChunk }

func (m *Chunk) fields(c *codec) {
	c.ballot(&m.Ballot)
	c.ballot(&m.Source)
	c.enum((*byte)(&m.Part), &fetchParts)
	c.string(&m.After)
	c.bool(&m.First)
	c.uvarint(&m.From)
	c.bool(&m.Missing)
	c.bool(&m.Last)
	m.Ledger.fields(c)
	for i := range list(c, &m.Records, &recordList) {
		m.Records[i].fields(c)
	}
	c.entries(&m.Entries)
}
