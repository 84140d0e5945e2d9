package core

import (
	"iter"

	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// Input is one thing that a core is told. Only this package defines inputs. A core reads an
// input during Step only, unless a field says that the core keeps it.
type Input interface{ input() }

// Tick tells the time and nothing else. The driver brings a Tick at the machine's deadline.
type Tick struct{}

// Received is a message from a peer, with what the driver read from the store for it. The
// driver reads right before the step, so no write lies between the reading and the step.
type Received struct {
	Header  wire.Header  // as the sender states it (docs/strong.md §12)
	Message wire.Message // kept by the core; the driver never touches it again
	ReplyTo ids.ReplyTo  // where the answer goes, if the message is a bus request; empty: it is none
	Request uint64       // number of the bus request that this message answers; zero: none
	// Stored[i] is what the applied state holds for the key of operation i, if the message
	// is a Forward.
	Stored []wire.Meta
	// Items[i] is what the causal state holds for key i, if the message is a Batch, Items,
	// CausalForward, KeyRequest or KeyReply; nil: nothing.
	Items []*wire.Item
}

// RequestFailed says that a bus request did not reach its receiver: no process listened, or the
// bus did not take the message. The receiver may still come up, so this is no refusal.
type RequestFailed struct{ Request uint64 }

// Durable says that all writes up to and including Seq survive a crash. Messages that the
// Outbox holds back for these writes leave in the same step (docs/strong.md, Terms).
type Durable struct{ Seq uint64 }

// Submit is a client's write to a strong bucket. It ends with one Reply, unless the client
// leaves first (Abandon).
type Submit struct {
	Token  ids.Token
	Op     wire.Op   // kept by the core
	Stored wire.Meta // what the state at the applied position holds for the key of Op
}

// SubmitRead is a client's read of a key, or of a list, of a strong bucket. It ends with a
// Read of kind ReadClient as soon as the state may be read (I6), or with a Reply of refusal.
type SubmitRead struct{ Token ids.Token }

// Abandon says that the client of a token has left: neither a Reply nor a Read for that token
// follows. A write that is in a log may still take effect (docs/strong.md §3.5).
type Abandon struct{ Token ids.Token }

// PutView is an operator's PUT /view (docs/views.md §2). An empty layout takes this node, and
// no other, out of its view (I23).
type PutView struct {
	Token  ids.Token
	Layout wire.Layout  // canonical and valid: the front has checked both
	Force  bool         // gives up ballots that members owe (I24), and replaces views of other clusters
	Check  bool         // a dry run: the PUT is answered with ViewChecked after the query, and changes nothing
	Limit  wire.Instant // bound on the time to the answer; zero: the bound of every PUT, 8 s
}

// ViewReport is what a PUT /view has found out by its answer (docs/views.md §2.3).
type ViewReport struct {
	Members []MemberReport // members of the list without this node, ascending by id
	Loss    *Loss          // nil: the PUT loses no data, as far as is known
	Twin    bool           // TwinAt says that another process has this node's id
	TwinAt  ids.Node
}

// MemberReport is what a PUT /view has found out about one member.
type MemberReport struct {
	Node  ids.Node
	Stand MemberStand
	Held  ids.View // the view that the member held when it answered the query; zero: none, or no answer
}

// MemberStand says how a member takes the view of a PUT.
type MemberStand uint8

// The stands.
const (
	MemberSilent   MemberStand = iota + 1 // the member has not answered
	MemberAnswered                        // the member has answered, and does not hold the view yet
	MemberFollows                         // the member holds the view
	MemberForeign                         // the member is of another cluster, and stays there until the list is put to it
)

// Loss says that a cluster had data, and that no member of the new list has any of it
// (docs/views.md §2.2). It is a warning: the operator decides.
type Loss struct {
	View     ids.View   // the highest view in which a node is known to have had data; zero: none is known
	Expected []ids.Node // members that were started with --expect-data and have no data
}

// ChunkRead is the answer to a Read of kind ReadChunk. Area, After, First and Session are
// those of the Read.
type ChunkRead struct {
	Area    Area
	After   string
	First   bool
	Records []wire.Record // ascending by key; kept by the core
	Last    bool          // no record follows these
	Session uint64
}

// CausalSubmit is a client's write to a causal bucket (docs/causal.md §2).
type CausalSubmit struct {
	Token   ids.Token
	Op      wire.Op      // without a condition: causal buckets have none
	Context wire.Context // what the client has seen; the write depends on it (I13)
	Stored  *wire.Item   // what the causal state holds for the key; nil: nothing
}

// CausalRead is a client's read of a key in a causal bucket. The answer is no less than what
// Context has seen of the key (I14).
type CausalRead struct {
	Token   ids.Token
	Key     string
	Context wire.Context // what the client has seen
	Stored  *wire.Item   // what the causal state holds for the key; nil: nothing
}

// CausalList is a client's listing of the slots that this node's shard owns. It ends with a
// Read of kind ReadItems.
type CausalList struct {
	Token   ids.Token
	Context wire.Context // what the client has seen
}

// ForgetNode is an operator's statement that a node will not come back. What only that node
// had of causal buckets then counts as lost (docs/causal.md §10.1).
type ForgetNode struct {
	Token ids.Token
	Node  ids.Node
}

// ForgetFate says what became of a ForgetNode.
type ForgetFate uint8

// The fates.
const (
	ForgetDone    ForgetFate = iota + 1 // no request waits for the node any more
	ForgetPending                       // the nodes in Waiting have not said what they have; the work goes on after this answer
	ForgetMember                        // refused: the node is a member of the view
	ForgetHeard                         // refused: hellos of the node arrive
	ForgetUnknown                       // refused: no view that this node knows of names the node
)

// ForgetResult is the answer to ForgetNode. The counts are of requests at this node.
type ForgetResult struct {
	Fate     ForgetFate
	Versions int        // versions that requests waited for and no node has
	Slots    int        // slots of these versions
	Requests int        // requests that waited when the answer was made
	Waiting  []ids.Node // with ForgetPending: nodes that have not said what they have
}

// KeyRead is the answer to a Read of kind ReadKey. Session is that of the Read.
type KeyRead struct {
	Session uint64
	Stored  *wire.Item // nil: the causal state holds nothing for the key
}

// StoredRead is the answer to a Read of kind ReadStored. Session and Keys are those of the
// Read. The driver reads Stored right before the step, as for a Submit, and not when it
// carries out the Read: entries may be applied between the two.
type StoredRead struct {
	Session uint64
	Keys    []string
	Stored  []wire.Meta // Stored[i] is what the state at the applied position holds for Keys[i]
}

// SlotsRead is the answer to a Read of kind ReadSlots. Session is that of the Read.
type SlotsRead struct {
	Session uint64
	Items   []wire.Item // ascending by hash, then by key; kept by the core
	Last    bool        // no item follows these
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

// Output is all that one Step asks of its caller. The caller carries it out in the order of
// the fields. Peers, Status and Events may be published earlier, but after Writes.
//
// An Output, with all that it refers to, is valid until the next Step. Exceptions are
// Write.Entries, Entry and Message values: the caller may keep them, and must not change them.
type Output struct {
	Writes   []wire.Write
	Messages []Envelope   // a message that depends on a write is here only after Durable for that write
	Applies  []wire.Entry // committed entries, in order; after them the state is at the last one's position (I4)
	Reads    []Read
	Replies  []Reply
	Events   []Event
	Peers    []wire.Member // with PeersChanged: the only nodes that the bus may dial (docs/views.md §3.7)
	Status   *NodeStatus   // what the node shows from now on; nil: as before

	PeersChanged bool
}

// Area names the state that a chunk is read from.
type Area uint8

// The areas: the state of the history, and the state of the staged base.
const (
	AreaCurrent Area = iota + 1
	AreaStaged
)

// Envelope is a message to a node: a plain message, a bus request, or the answer to one.
type Envelope struct {
	To      ids.Node    // the receiver; of an answer, only informative
	Answer  ids.ReplyTo // the request that the message answers; empty: none
	Request uint64      // number of the bus request that the message begins; zero: none
	Message wire.Message
}

// ReadKind says what a Read asks for, and how its result returns.
type ReadKind uint8

// The kinds of reads.
const (
	ReadClient ReadKind = iota + 1 // the client of Token may read the state as it is now
	ReadChunk                      // up to Limit bytes of records of Area; returns as ChunkRead
	ReadKey                        // what the causal state holds for Key; returns as KeyRead
	ReadStored                     // what the state holds for Keys; returns as StoredRead
	ReadSlots                      // up to Limit bytes of items in Ranges behind Cursor; returns as SlotsRead
	ReadItems                      // the client of Token may list the causal items in Ranges, as the state is now
)

// Read asks the driver to read the state, after Applies are carried out. A field that names
// kinds is set in reads of these kinds only.
type Read struct {
	Kind    ReadKind
	Token   ids.Token // ReadClient, ReadItems
	Area    Area      // ReadChunk
	After   string    // ReadChunk: the key behind which the records begin; not used with First
	First   bool      // ReadChunk: the records begin with the lowest key
	Limit   int       // ReadChunk, ReadSlots: in bytes; at least one record or item comes, if there is one
	Session uint64    // returns with the result, so that the core recognises a late one

	Key       string           // ReadKey
	Keys      []string         // ReadStored; the result keeps the slice
	Ranges    []wire.HashRange // ReadSlots, ReadItems: ascending, without overlaps
	Cursor    wire.SlotCursor  // ReadSlots: the place behind which the items begin
	Context   wire.Context     // ReadItems: the client's context, to which the listed items are added
	StableCut *wire.KnownView  // ReadItems: the view whose stable cut the new context may refer to; nil: none
	Subsumed  []ids.View       // ReadItems: views whose stable cuts StableCut implies
	// Known is, for ReadItems, what Context names of the listed slots and K has, ascending by
	// hash. A listed item below such a version is left out: its key was deleted (I14).
	Known []wire.Dependency
}

// Outcome says how a client's request ended. It decides which status and which conclusion the
// client is given (I12).
type Outcome uint8

// The outcomes.
const (
	Done          Outcome = iota + 1 // Result, Causal, Lag or Forget is the answer
	NotInView                        // 503: this node has no view, is not in its view, or was left behind; the request has no effect
	InDoubt                          // 504: the write may take effect, and the node does not repeat it any more
	Implausible                      // 400: the context names what no node can have given out; the request has no effect
	ViewServed                       // PUT /view: the node is ready
	ViewUnready                      // PUT /view: the time is up, and the node is not ready
	ViewOvertaken                    // PUT /view: the node has adopted a view with another list
	ViewChecked                      // PutView.Check: the PUT changed nothing
)

// Reply ends the client request of a token. Each token gets one Reply or one client Read, or
// was abandoned.
type Reply struct {
	Token   ids.Token
	Outcome Outcome
	Result  wire.Result   // Done, of a Submit
	Causal  *CausalResult // Done, of a CausalSubmit or CausalRead
	Lag     *Lag          // Done, of AskLag; never written to afterwards
	Forget  *ForgetResult // Done, of ForgetNode
	View    *ViewReport   // of a PutView; never written to afterwards
}

// CausalResult is the answer to a read or write of a causal bucket.
type CausalResult struct {
	Item    *wire.Item   // what was read or written; nil: the node knows nothing of the key
	Existed bool         // of a write: the key had a value at the owner that applied the write
	Context wire.Context // what the client has seen now
}

// NodeStatus is what a node shows of itself in GET /view, /readyz and /metrics.
type NodeStatus struct {
	Present    bool // the node holds a view: View
	View       wire.View
	Member     bool       // the node is a member of View
	LeftBehind bool       // a member went on to a view without this node (docs/views.md §1.1)
	Serving    bool       // the ballot is active here: strong requests are worked on, and wait for the members in Waiting
	Primary    ids.Node   // with Member: the member with the lowest id
	Ballot     ids.Ballot // of the history that the node holds
	Waiting    []Wait     // members that strong requests or the round wait for
	Reason     string     // why strong requests are not answered, for people; empty: they are

	Causal       bool        // causal requests are answered, here or by an owner of the slot
	CausalReady  bool        // all slots that the node owns are ready
	Owned, Other int         // number of slots that the node owns; that it holds for other owners
	Unheard      []ShardWait // shards of which no member is heard
}

// Recovered is what a node finds of itself when it starts with its state: the sum of its durable
// writes (docs/durability.md §6). The log is complete behind Commit; the node learns from its
// primary, or in a round, how much of it is committed.
//
// Tails of staged bases that are not Fresh begin at Commit, or behind: they are what the swap
// applies to the recovered state. WriteStaged lacks entries that were committed when the base was
// staged and that the recovered state lacks.
type Recovered struct {
	Meta wire.NodeMeta
	wire.StoredHistory
	Causal RecoveredCausal
}

// RecoveredCausal is what a node finds of its causal buckets.
type RecoveredCausal struct {
	wire.StoredCausal
	Items iter.Seq[*wire.Item] // all items, in any order; nil: none. An item is kept by nobody
}
