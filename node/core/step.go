package core

import (
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// Input is one thing that a core is told; the concrete types below. Inputs are
// read during Step only, unless a field says otherwise.
type Input interface{ input() }

// Tick says that time passed; nothing else happened.
type Tick struct{}

// Received is a message from a peer. Request is not zero when it answers the
// request that the core sent under this number.
type Received struct {
	Header  wire.Header
	Message wire.Message // kept by the core; the driver never touches it again
	ReplyTo ids.ReplyTo
	Request uint64
	// Stored has, for a Forward, what the state at the applied position holds
	// for each of its keys.
	Stored []wire.Meta
	// Items has, for a Batch, Items, CausalForward, KeyRequest or KeyReply, what the causal
	// state holds for each of its keys; nil: nothing.
	Items []*wire.Item
}

// RequestFailed says that nobody listened for a request ("not yet", not "no").
type RequestFailed struct{ Request uint64 }

// Durable says that all writes up to and including Seq survive a crash.
type Durable struct{ Seq uint64 }

// Submit is a client's write. Stored is what the state at the applied position
// holds for its key.
type Submit struct {
	Token  ids.Token
	Op     wire.Op
	Stored wire.Meta
}

// SubmitRead is a client's read of a key or a listing: it wants to know when the
// state may be read.
type SubmitRead struct{ Token ids.Token }

// Abandon says that the client of a token has left. No Reply or Read follows.
type Abandon struct{ Token ids.Token }

// PutView is an operator's PUT /view. An empty layout takes this node, and no
// other, out of its view.
type PutView struct {
	Token  ids.Token
	Layout wire.Layout // canonical, valid
	Force  bool
	Check  bool         // only ask: what would come of it? Answered by ViewChecked
	Limit  wire.Instant // it is answered after that long at the latest; zero: after as long as a PUT may take
}

// ViewReport is what a PUT /view has found out.
type ViewReport struct {
	Members []MemberReport // of the list, but for this node; by id
	Loss    *Loss          // nil: none is known
	Twin    bool           // TwinAt says that this node's id belongs to another process
	TwinAt  ids.Node
}

// MemberReport is what a PUT /view has heard of one member.
type MemberReport struct {
	Node  ids.Node
	Stand MemberStand
	Held  ids.View // what it held when it was asked; zero: none, or it did not answer
}

// MemberStand says how a member takes a view.
type MemberStand uint8

// The stands.
const (
	MemberSilent   MemberStand = iota + 1 // nothing was heard of it
	MemberAnswered                        // it answers, and has not taken the view yet
	MemberFollows                         // it holds the view
	MemberForeign                         // it belongs to another cluster, and stays there until the list is put to it
)

// Loss says that data was held once, and that no member of a list has any of it.
type Loss struct {
	View     ids.View   // the highest view in which data was known to be; zero: none was heard of
	Expected []ids.Node // members that were started as ones that have data (--expect-data), and have none
}

// ChunkRead is the answer to a Read of kind ReadChunk.
type ChunkRead struct {
	Area    Area
	After   string
	First   bool
	Records []wire.Record // ascending; kept by the core
	Last    bool
	Session uint64 // of the Read
}

// CausalSubmit is a client's write to a causal bucket.
type CausalSubmit struct {
	Token   ids.Token
	Op      wire.Op // without a condition
	Context wire.Context
	Stored  *wire.Item // what the causal state holds for its key; nil: nothing
}

// CausalRead is a client's read of a key in a causal bucket.
type CausalRead struct {
	Token   ids.Token
	Key     string
	Context wire.Context
	Stored  *wire.Item
}

// CausalList is a client's listing of this node's shard.
type CausalList struct {
	Token   ids.Token
	Context wire.Context
}

// ForgetNode is an operator's word that a node is gone for good, with what only it
// had of causal buckets.
type ForgetNode struct {
	Token ids.Token
	Node  ids.Node
}

// ForgetFate says what became of that.
type ForgetFate uint8

// The fates.
const (
	ForgetDone    ForgetFate = iota + 1 // nobody waits for the node any more
	ForgetPending                       // the members in Waiting have not said what they have; it goes on by itself
	ForgetMember                        // refused: the node is a member of the view
	ForgetHeard                         // refused: the node is heard
	ForgetUnknown                       // refused: no view that is known has the node
)

// ForgetResult is the answer to ForgetNode.
type ForgetResult struct {
	Fate     ForgetFate
	Versions int // that requests here waited for, and nobody has
	Slots    int // of those
	Requests int // that waited here then
	Waiting  []ids.Node
}

// KeyRead is the answer to a Read of kind ReadKey.
type KeyRead struct {
	Session uint64 // of the Read
	Stored  *wire.Item
}

// StoredRead is the answer to a Read of kind ReadStored. Stored has what the state at the
// applied position holds for each of Keys. As that of a Submit it is read right before the
// step, and not when the Read was carried out: entries may be applied between the two.
type StoredRead struct {
	Session uint64 // of the Read
	Keys    []string
	Stored  []wire.Meta
}

// SlotsRead is the answer to a Read of kind ReadSlots.
type SlotsRead struct {
	Session uint64      // of the Read
	Items   []wire.Item // ascending by hash, then key; kept by the core
	Last    bool
}

func (*CausalSubmit) input()  {}
func (*CausalRead) input()    {}
func (*CausalList) input()    {}
func (*KeyRead) input()       {}
func (*StoredRead) input()    {}
func (*ForgetNode) input()    {}
func (*SlotsRead) input()     {}
func (*Tick) input()          {}
func (*Received) input()      {}
func (*RequestFailed) input() {}
func (*Durable) input()       {}
func (*Submit) input()        {}
func (*SubmitRead) input()    {}
func (*Abandon) input()       {}
func (*PutView) input()       {}
func (*ChunkRead) input()     {}

// Output is all that a Step wants done, carried out in the order of the fields.
// It and everything in it is valid until the next Step, but for Write.Entries,
// Entry and Message values, which may be kept and never be written to.
type Output struct {
	Writes   []Write
	Messages []Envelope
	Applies  []wire.Entry // committed, in order; the state is at the last one's position
	Reads    []Read
	Replies  []Reply
	Events   []Event
	Peers    []wire.Member // when PeersChanged: the only nodes that may be dialled
	Status   *NodeStatus   // when not nil: what the node shows from now on

	PeersChanged bool
}

// Write is one change of what is durable, in order of Seq. After it has been
// made durable the driver gives Durable; one Durable may stand for many.
type Write struct {
	Seq     uint64
	Kind    WriteKind
	Meta    *NodeMeta       // WriteMeta
	Ballot  ids.Ballot      // all but WriteMeta
	Entries []wire.Entry    // WriteAppend: appended to the log of Ballot; WriteStageTail
	Records []wire.Record   // WriteStageRecords
	Ledger  wire.Ledger     // WriteSwap
	Fresh   bool            // WriteStaged, WriteSwap: the base stands on the staged area, not on the current state
	Base    wire.Base       // WriteStaged
	Under   ids.Ballot      // WriteStaged: the staged base that is kept beneath it; zero: none is
	Bound   []wire.Sighting // WriteStaged
	Members []wire.Member   // WriteStaged

	Causal *CausalWrite // WriteCausal; kept, and never written to
}

// WriteKind says what a Write changes.
type WriteKind uint8

// The kinds of writes.
const (
	WriteMeta         WriteKind = iota + 1 // view, promise, owed ballots
	WriteAppend                            // entries to the log
	WriteStageHead                         // begins to build a base of Ballot, on an empty area
	WriteStageRecords                      // adds records to it
	WriteStaged                            // the base of Ballot is whole; Entries are its tail. If it was built, its area is the staged one now
	WriteSwap                              // the staged base becomes the history, with an empty log of Ballot
	WriteStageDrop                         // forgets what is being built
	WriteCausal                            // what is kept of causal buckets
)

// NodeMeta is the small durable state of a node.
type NodeMeta struct {
	Inc      ids.Incarnation
	Present  bool // false: no view
	View     wire.View
	Promised ids.Ballot
	Owed     []wire.KnownBallot
}

// Area says which state a chunk is read from.
type Area uint8

// The areas.
const (
	AreaCurrent Area = iota + 1
	AreaStaged
)

// Envelope is a message to a node, or the answer to a request.
type Envelope struct {
	To      ids.Node
	Answer  ids.ReplyTo // not empty: the answer to this request; To is then only informative
	Request uint64      // not zero: sent as a bus request with this number
	Message wire.Message
}

// ReadKind says what a Read wants.
type ReadKind uint8

// The kinds of reads.
const (
	ReadClient ReadKind = iota + 1 // the client of Token may read the state as it is now
	ReadChunk                      // up to Limit bytes of records, given back as ChunkRead
	ReadKey                        // what the causal state holds for Key, given back as KeyRead
	ReadStored                     // what the state holds for Keys, given back as StoredRead
	ReadSlots                      // up to Limit bytes of items in Ranges after Cursor, given back as SlotsRead
	ReadItems                      // the client of Token may list the causal items in Ranges; Context is what it gets beside them
)

// Read asks the driver to read the state after Applies were carried out.
type Read struct {
	Kind    ReadKind
	Token   ids.Token
	Area    Area
	After   string
	First   bool
	Limit   int
	Session uint64

	Key       string            // ReadKey
	Keys      []string          // ReadStored; kept by the answer
	Ranges    []wire.HashRange  // ReadSlots, ReadItems
	Cursor    wire.SlotCursor   // ReadSlots
	Context   wire.Context      // ReadItems: the client's, to which the items are added
	StableCut *wire.KnownView   // ReadItems: the view whose stable cut may be referred to in it; nil: none
	Subsumed  []ids.View        // ReadItems: views whose stable cuts say no more than that
	Known     []wire.Dependency // ReadItems: what Context names and K has, by hash: an item that is less was not there when its key was deleted
}

// Outcome says how a client's request ended.
type Outcome uint8

// The outcomes.
const (
	Done          Outcome = iota + 1 // Result is the answer
	NotInView                        // 503: this node has no view, is not in it, or was left behind; not applied
	InDoubt                          // 504: a write that may have been applied, and may not be repeated any more
	Implausible                      // 400: its context names what no node can have given out; not applied
	ViewServed                       // PUT /view: ready
	ViewUnready                      // PUT /view: answered by its bound, not ready yet
	ViewOvertaken                    // PUT /view: another list of members took its place
	ViewChecked                      // PutView.Check: nothing was done
)

// Reply ends the client request of a token.
type Reply struct {
	Token   ids.Token
	Outcome Outcome
	Result  wire.Result
	Causal  *CausalResult // Done, of a causal bucket
	Lag     *Lag          // Done, of AskLag; kept, and never written to
	Forget  *ForgetResult // Done, of ForgetNode
	View    *ViewReport   // of a PutView; kept, and never written to
}

// CausalResult is the answer to a request to a causal bucket.
type CausalResult struct {
	Item    *wire.Item // what was read or written; nil: the key is unknown
	Existed bool       // of a write: its key had a value, where and when it was applied
	Context wire.Context
}

// NodeStatus is what a node shows of itself: GET /view, /readyz, /metrics.
type NodeStatus struct {
	Present    bool // holds a view
	View       wire.View
	Member     bool     // is in it
	LeftBehind bool     // its members went on without it
	Serving    bool     // its ballot is active; data requests are answered unless a member is waited for
	Primary    ids.Node // meaningful with Member
	Ballot     ids.Ballot
	Waiting    []Wait // whom the round, or strong requests, wait for
	Reason     string // why it does not serve, for people

	Causal       bool // answers causal requests, for its slots and by way of others
	CausalReady  bool // all its slots are ready
	Owned, Other int  // slots it owns; slots it still holds for others
	Unheard      []ShardWait
}

// Recovered is what a node finds of itself when it starts with its state: the
// durable writes, folded. The log is whole from the base on; how much of it is
// committed is learned again.
type Recovered struct {
	Meta     NodeMeta
	Ballot   ids.Ballot // of the history; zero: blank
	Members  []wire.Member
	Bound    []wire.Sighting
	Past     []wire.PastBallot
	Attested []wire.Attestation
	Ledger   wire.Ledger     // of the state, which is the base of Ballot
	Log      []wire.Entry    // entries 1..k of Ballot
	Staged   []RecoveredBase // newest first, each built on the next
}

// RecoveredBase is a staged base that was whole. The state that is recovered is the
// base of Ballot, and nothing of Log counts as committed: so the Tail of one that is
// not Fresh begins with the entries of Log that were committed when it was staged,
// which its WriteStaged leaves out.
type RecoveredBase struct {
	Ballot  ids.Ballot
	Base    wire.Base
	Bound   []wire.Sighting
	Members []wire.Member
	Fresh   bool
	Ledger  wire.Ledger // when Fresh: of the staged area
	Tail    []wire.Entry
}
