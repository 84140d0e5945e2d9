package wire

import "github.com/cohortkv/cohort/node/ids"

// JoinRequest opens a round: the primary asks a member, or a source of its view, to promise
// the ballot and to report.
type JoinRequest struct {
	Ballot ids.Ballot
	View   View // of Ballot; a receiver may follow it
}

// Kind implements Message.
func (*JoinRequest) Kind() Kind { return KindJoinRequest }

func (m *JoinRequest) fields(c *codec) {
	c.ballot(&m.Ballot)
	m.View.fields(c)
}

// Join is the promise of a ballot, with what the node had when it promised (I22). All that it
// names is of ballots below Ballot.
type Join struct {
	Ballot  ids.Ballot
	History HistorySummary
	Staged  []StagedSummary // newest first, each built on the next; at most 64
	Owed    []KnownBallot   // ballots that the history must contain and lacks; at most 4,096
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

// BallotTooLow says that the sender has promised a higher ballot than that of the message
// that it answers.
type BallotTooLow struct {
	Ballot   ids.Ballot // of that message
	Promised ids.Ballot
}

// Kind implements Message.
func (*BallotTooLow) Kind() Kind { return KindBallotTooLow }

func (m *BallotTooLow) fields(c *codec) {
	c.ballot(&m.Ballot)
	c.ballot(&m.Promised)
}

// Pull asks a node outside the view for a history that a member of the view owes (I24). The
// node promises the ballot, leaves its own view for the one that comes along, and reports.
// Pull is a bus request. The answer is a Join to the primary, or PullReply.
type Pull struct {
	Ballot ids.Ballot // of the round
	View   View       // of Ballot
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
	Ballot ids.Ballot // as in the Pull
	Owed   ids.Ballot // as in the Pull
	Fate   Fate
	Held   ids.View // FateBelow: the view that the node holds
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

// Start tells a member which base the ballot has and on which incarnations it counts. The
// member fetches from the primary what it lacks.
type Start struct {
	Ballot  ids.Ballot
	Base    Base
	Bound   []Sighting // the incarnations that the ballot counts on; the receiver's must be among them
	Members []Member   // of the view
	Whole   bool       // what the member has of Source differs: it takes everything
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

// Started says that a member has the whole base of the ballot, staged and durable.
type Started struct {
	Ballot ids.Ballot
}

// Kind implements Message.
func (*Started) Kind() Kind { return KindStarted }

func (m *Started) fields(c *codec) { c.ballot(&m.Ballot) }

// Active says that every member has the base, so that the receiver may swap it in.
type Active struct {
	Ballot ids.Ballot
	Commit uint64 // position in Ballot up to which it is committed
}

// Kind implements Message.
func (*Active) Kind() Kind { return KindActive }

func (m *Active) fields(c *codec) {
	c.ballot(&m.Ballot)
	c.uvarint(&m.Commit)
}

// Fetch asks for a piece of the base of a round. The sender asks for one piece at a time, so
// that nothing piles up. To ask twice is harmless.
type Fetch struct {
	Ballot ids.Ballot // of the round; the receiver must have promised it
	Source ids.Ballot // of the history that the piece is of
	Part   FetchPart
	After  string // FetchRecords: keys greater than this
	First  bool   // FetchRecords: from the first key, whatever After is
	From   uint64 // the other parts: how many of their elements come before the piece
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

// Chunk answers a Fetch: about 256 KiB of what it asked for.
type Chunk struct {
	// As in the Fetch.
	Ballot ids.Ballot
	Source ids.Ballot
	Part   FetchPart
	After  string
	First  bool
	From   uint64

	Missing bool     // the sender cannot serve that part: the receiver has to ask for the whole
	Last    bool     // nothing of the part follows
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
	c.records(&m.Records)
	c.entries(&m.Entries)
}
