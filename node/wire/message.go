package wire

import "github.com/cohortkv/cohort/node/ids"

// Header comes with every message: it names the sender. Incarnation and boot tell
// apart the states and the processes that had one node id. View is the view that the
// sender holds.
type Header struct {
	From ids.Node
	Inc  ids.Incarnation
	Boot ids.Boot
	View ids.View
}

// Message is the body of one message; the concrete types below.
type Message interface{ Kind() Kind }

// Kind tells message types apart on the wire. Numbers are never reused.
type Kind uint8

// The kinds.
const (
	KindQuery Kind = iota + 1
	KindQueryReply
	KindNewView
	KindNewViewReply
	KindHello
	KindBaseCheck
	KindBaseCheckReply
	KindJoinRequest
	KindJoin
	KindBallotTooLow
	KindStart
	KindStarted
	KindActive
	KindFetch
	KindChunk
	KindPrepare
	KindAck
	KindForward
	KindForwardReply
	KindConfirm
	KindConfirmed
	KindPull
	KindPullReply
	KindCancel
	KindBatch
	KindBatchAck
	KindResendRequest
	KindTruncated
	KindDigestRequest
	KindDigest
	KindFetchItems
	KindItems
	KindHandoff
	KindHandoffAck
	KindKeyRequest
	KindKeyReply
	KindCausalForward
	KindCausalForwardReply
	KindCausalForwardCancel
	KindViewInfoRequest
	KindViewInfo
)

// Query asks a node what it holds, on behalf of a PUT /view. Answered by
// QueryReply at any time, in any view and in none.
type Query struct {
	PutID  uint64     // of the asking node's open PUT; comes back in the answer
	Ballot ids.Ballot // of the asking node's history
}

// QueryReply says what a node holds.
type QueryReply struct {
	PutID   uint64
	Present bool // false: the node holds no view, and View is empty
	View    View
	Ballot  ids.Ballot // of its history
	Members []Member   // that took part in Ballot
	Knows   bool       // its history knows the ballot in the Query
	Twin    bool       // another process than the asking one says Hello under its id
	Data    bool       // it has data, of either model
	Heard   ids.View   // without data: the highest view in which it heard of some; zero: it heard of none
	Expects bool       // it was started as a node that has data
}

// NewView carries a view to a member of it. Answered by NewViewReply.
type NewView struct {
	PutID uint64 // 0: passed on by a member; the answer matters to nobody
	View  View
}

// NewViewReply says whether a view was followed.
type NewViewReply struct {
	PutID    uint64
	View     ids.View // the view that was sent
	Accepted bool
	Held     ids.View   // what the node holds instead, when refused
	Renewed  uint64     // how often that was renewed
	Same     bool       // Held lists the same members: it is on its way to you
	Births   []ids.View // of Held
	Layout   Layout     // of Held, when the node is of another cluster than the view
}

// Hello goes to every member of the sender's view each 100 ms. Liveness of a
// peer is judged by hellos alone.
type Hello struct {
	Ballot   ids.Ballot // of the sender's history
	Promised ids.Ballot
	Commit   uint64     // position in Ballot up to which it is committed
	Sum      uint64     // running sum of the log there (kv.Sum)
	Progress uint64     // grows whenever the sender's round got on
	Serving  bool       // primary: active; member: its history is of this view's round
	Silent   []ids.Node // members that the sender does not hear
	Deaf     []ids.Node // primary: members that do not hear it, as they say

	Stream         uint64  // position in the sender's causal stream
	Ready          bool    // its causal slots are ready
	Clock          Instant // of the sender, in its boot
	CausalProgress uint64  // grows whenever it got on with its causal slots
	LowestOpen     uint64  // it forwards no request below this number any more

	Data bool // the sender has data, of either model
}

// BaseCheck asks the primary of a view whether its active base contains a history
// that stood in Ballot.
type BaseCheck struct {
	PutID  uint64
	Ballot ids.Ballot
}

// BaseCheckReply answers BaseCheck.
type BaseCheckReply struct {
	PutID     uint64
	Contained bool
	Serving   bool   // the base is active, so that Contained will not change by itself
	Progress  uint64 // as in Hello
}

// HistorySummary describes a history without its keys.
type HistorySummary struct {
	Ballot   ids.Ballot // zero: blank
	Members  []Member
	Past     []PastBallot // ascending
	Attested []Attestation
	Length   uint64 // entries of Ballot
	Commit   uint64
	Sum      uint64 // running sum of the log at Length (kv.Sum)
}

// Attestation says that an incarnation of a node promised Ballot when a history was
// built, and reported all that it had. Whatever it lacked then, of ballots below
// that, it will never have (docs/strong.md §7.2a).
type Attestation struct {
	Node   ids.Node
	Inc    ids.Incarnation
	Ballot ids.Ballot
}

// StagedSummary describes a base that was received whole and not swapped in.
type StagedSummary struct {
	History HistorySummary // what the history would be after the swap
	Bound   []Sighting     // the incarnations that the ballot counts on
}

// JoinRequest opens a round: promise this ballot and report.
type JoinRequest struct {
	Ballot ids.Ballot
	View   View
}

// Join is a promise with the history it was made on (I22).
type Join struct {
	Ballot  ids.Ballot
	History HistorySummary
	Staged  []StagedSummary // newest first, each built on the next
	Owed    []KnownBallot
}

// BallotTooLow says that the receiver has promised a higher ballot.
type BallotTooLow struct {
	Ballot   ids.Ballot // of the message that it answers
	Promised ids.Ballot
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

// PullReply says why nothing can be pulled from a node.
type PullReply struct {
	Ballot ids.Ballot // of the round
	Owed   ids.Ballot
	Fate   Fate
	Held   ids.View // FateBelow: of the view held
}

// Fate says what became of an owed ballot at one of its members.
type Fate uint8

// The fates.
const (
	FateLost      Fate = iota + 1 // this node has not got it (any more)
	FateElsewhere                 // it lives on here, in a view that an operator gave this node since
	FateBelow                     // this node would come, but for the number of the view
)

// Base describes the history that a round starts from: the first Length entries
// of ballot Source, on what Source was built from; or what several histories that
// went apart give when they are merged (docs/strong.md §8).
type Base struct {
	Source   ids.Ballot // zero: the empty history, or a merged one
	Length   uint64
	Sum      uint64       // running sum of the log of Source at Length (kv.Sum)
	Sides    []PastBallot // merged: the histories that went apart, ascending by ballot
	Past     []PastBallot // of the new history: the past of each source, and the source itself
	Attested []Attestation
	GivenUp  []ids.Ballot // owed ballots that cannot be had, or were given up by force
}

// Merged reports that the base joins histories that went apart.
func (b *Base) Merged() bool { return len(b.Sides) > 0 }

// Start tells a member which base the ballot has and whom it counts on. The
// member fetches what it lacks from the primary.
type Start struct {
	Ballot  ids.Ballot
	Base    Base
	Bound   []Sighting
	Members []Member
	Whole   bool // what the member has of Source differs: it takes everything
}

// Started says that the whole base is staged, durably.
type Started struct {
	Ballot ids.Ballot
}

// Active says that every member has the base: swap it in.
type Active struct {
	Ballot ids.Ballot
	Commit uint64
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

// Prepare carries a batch of entries of the ballot, the first at position First,
// and the committed position. Empty Entries: only the position.
type Prepare struct {
	Ballot  ids.Ballot
	First   uint64
	Commit  uint64
	Entries []Entry
}

// Ack says that the log is durable up to and including Index, and what it is: Sum is
// the running sum of its entries there (kv.Sum).
type Ack struct {
	Ballot ids.Ballot
	Index  uint64
	Sum    uint64
}

// ForwardedOp is one client's write on its way to the primary.
type ForwardedOp struct {
	Counter uint64
	Op      Op
}

// Forward carries writes from a member to the primary, as a bus request. The
// request ids are (sender, its boot, Counter).
type Forward struct {
	Ballot     ids.Ballot
	LowestOpen uint64
	Ops        []ForwardedOp // ascending by Counter
}

// ForwardReply answers a Forward: Answers has those that were decided; Refused
// says that the receiver does not serve the ballot (any more, or yet).
type ForwardReply struct {
	Ballot  ids.Ballot
	Refused bool
	Answers []Answer
}

// Cancel says that the clients of these writes have left: what is not in a log is
// dropped, what is in one is cut off when that is safe (docs/strong.md §3).
type Cancel struct {
	Ballot   ids.Ballot
	Counters []uint64 // ascending
}

// Confirm asks a member whether it is still bound to the ballot, for reads that
// arrived before it was sent.
type Confirm struct {
	Ballot ids.Ballot
	Nonce  uint64
}

// Confirmed says yes. Commit is what the sender knows to be committed.
type Confirmed struct {
	Ballot ids.Ballot
	Nonce  uint64
	Commit uint64
}

// Kind implements Message.
func (*Query) Kind() Kind          { return KindQuery }
func (*QueryReply) Kind() Kind     { return KindQueryReply }
func (*NewView) Kind() Kind        { return KindNewView }
func (*NewViewReply) Kind() Kind   { return KindNewViewReply }
func (*Hello) Kind() Kind          { return KindHello }
func (*BaseCheck) Kind() Kind      { return KindBaseCheck }
func (*BaseCheckReply) Kind() Kind { return KindBaseCheckReply }
func (*JoinRequest) Kind() Kind    { return KindJoinRequest }
func (*Join) Kind() Kind           { return KindJoin }
func (*BallotTooLow) Kind() Kind   { return KindBallotTooLow }
func (*Start) Kind() Kind          { return KindStart }
func (*Started) Kind() Kind        { return KindStarted }
func (*Active) Kind() Kind         { return KindActive }
func (*Fetch) Kind() Kind          { return KindFetch }
func (*Chunk) Kind() Kind          { return KindChunk }
func (*Prepare) Kind() Kind        { return KindPrepare }
func (*Ack) Kind() Kind            { return KindAck }
func (*Forward) Kind() Kind        { return KindForward }
func (*ForwardReply) Kind() Kind   { return KindForwardReply }
func (*Confirm) Kind() Kind        { return KindConfirm }
func (*Confirmed) Kind() Kind      { return KindConfirmed }
func (*Pull) Kind() Kind           { return KindPull }
func (*PullReply) Kind() Kind      { return KindPullReply }
func (*Cancel) Kind() Kind         { return KindCancel }
