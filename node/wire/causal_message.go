package wire

import "github.com/cohortkv/cohort/node/ids"

// Batch carries writes of the sender's stream in a view, the first under number
// First, the next ones under the numbers that follow.
type Batch struct {
	View  ids.View
	First uint64
	Items []Item
}

// BatchAck says that of the receiver's stream in a view everything up to N is held,
// durably.
type BatchAck struct {
	View ids.View
	N    uint64
}

// ResendRequest asks for a part of the receiver's own stream again.
type ResendRequest struct {
	View     ids.View
	From, To uint64 // both included
}

// Truncated answers ResendRequest: the writes that are asked for, up to UpTo, are not
// kept any more. An exchange brings them.
type Truncated struct {
	View ids.View
	UpTo uint64
}

// DigestRequest begins an exchange, or a survey: which of these slots do you hold? Sums
// are the sender's, one for each group of slots that Slots touch.
type DigestRequest struct {
	Session    uint64
	Slots      []SlotRange
	Survey     bool   // only Holdings are wanted
	Collecting uint64 // no tombstone that is about to be collected has a larger counter
	Sums       []Sum
	Births     []ids.View // of the sender's view: a node of another cluster does not answer

	Forgotten []Forgotten // nodes that an operator has forgotten, in this view or one that it replaces
}

// Forgotten is a node that an operator has forgotten, and the view in which that was.
type Forgotten struct {
	Node ids.Node
	View ids.View
}

// Digest answers DigestRequest. K of the sender was noted before any item is read.
type Digest struct {
	Session    uint64
	View       ids.View // in which it is said
	Layout     uint64   // fingerprint of its layout: two views of one layout are one group
	Removals   uint64   // grows whenever the sender releases a slot, or drops an item
	Revision   uint64   // of what the sender holds; comes back in HandoffAck
	Held       Holdings
	Frozen     bool        // the sender takes no writes any more
	Descends   bool        // the sender's view replaces the receiver's
	Unsynced   bool        // the sender knows former members that are not drained, or is not ready itself
	StableCut  uint64      // fingerprint of the view's stable cut; 0: the sender knows none
	Ended      []NodeBoot  // boots that are known to have ended
	GCCounter  uint64      // no tombstone that was collected, or is about to be, has a larger counter, as far as the sender was told
	Former     []Member    // members of views that View replaces, which may still have data
	Heard      Vector      // for a node in another view: K of all slots, joined
	Acked      []NodeBoot  // nodes of the receiver's view that have acknowledged this revision
	Requesting []NodeBoot  // nodes of the receiver's view that have requested slots lately
	Groups     []GroupSums // whose sums differ, ascending
	Forgotten  []Forgotten // as in DigestRequest
}

// NodeBoot is one boot of a node.
type NodeBoot struct {
	Node ids.Node
	Boot ids.Boot
}

// GroupSums has the sums of the slots of one group, as far as they are asked for.
type GroupSums struct {
	Group uint32
	Sums  []Sum
}

// FetchItems asks for the items of slots after a place. Asking twice is harmless.
type FetchItems struct {
	Session uint64
	Slots   []SlotRange
	After   SlotCursor
}

// Items answers FetchItems.
type Items struct {
	Session    uint64
	RemovedAt  uint64          // Removals when something was last removed from the slots that are not behind After
	After      SlotCursor      // as in FetchItems
	GCCounters []SlotGCCounter // of the slots up to the last item, or to the end, as they are by now
	Items      []Item          // ascending by hash, then key
	Last       bool
}

// SlotGCCounter says that no counter of a tombstone collected in a slot is larger.
type SlotGCCounter struct {
	Slot      uint32
	GCCounter uint64
}

// Handoff asks a member to request what it owns and the sender holds, as it was at
// Revision.
type Handoff struct {
	Revision uint64
}

// HandoffAck says that an exchange is over: of these slots, which the sender owns, it
// has all that the receiver had at Revision, durably.
type HandoffAck struct {
	Boot     ids.Boot // of the receiver
	Revision uint64
	Slots    []SlotRange
}

// KeyRequest asks a holder of a slot for one key.
type KeyRequest struct {
	Session uint64
	Key     string
	Births  []ids.View // as in DigestRequest
}

// KeyReply answers KeyRequest.
type KeyReply struct {
	Session   uint64
	Key       string
	Held      bool // false: the sender does not hold the slot
	Ready     bool
	GCCounter uint64 // as in HeldSlots
	Present   bool   // Item is what it has
	Item      Item
}

// CausalForward brings a client's request to an owner of its key's slot, as a bus
// request. It is repeated until it is answered; the request id is (sender, its
// boot, Counter).
type CausalForward struct {
	Counter uint64
	Read    bool
	Op      Op // its Key; for a write, the whole
	Context Context
	// The receiver's clock as the sender heard it last, no older than the request,
	// and the boot of the receiver then. They bound how long the request may have
	// been under way.
	Heard     Instant
	HeardBoot ids.Boot
}

// ForwardFate says what became of a forwarded request.
type ForwardFate uint8

// The fates of forwarded requests.
const (
	ForwardDone        ForwardFate = iota + 1 // Item and Context are the answer
	ForwardElsewhere                          // the receiver does not own the slot, or takes no requests
	ForwardLate                               // it may have been under way for too long: Clock is what to send along
	ForwardWaiting                            // it waits at the receiver
	ForwardImplausible                        // its context names what no node can have given out: not applied
)

// CausalForwardReply answers CausalForward.
type CausalForwardReply struct {
	Counter uint64
	Fate    ForwardFate
	Clock   Instant
	Present bool
	Item    Item // read: what the key holds; written: without its value
	Existed bool // as in CausalResult
	Context Context
}

// CausalForwardCancel says that the client of a forwarded request has left.
type CausalForwardCancel struct {
	Counters []uint64
}

// ViewInfoRequest asks what is known of views whose ids were met in a vector. It is
// always answered: the answer also tells in which boot its sender is.
type ViewInfoRequest struct {
	Session uint64
	Views   []ids.View
}

// ViewInfo answers ViewInfoRequest, or publishes stable cuts: then Session is zero.
type ViewInfo struct {
	Session uint64
	Views   []KnownView
}

// Kind implements Message.
func (*Batch) Kind() Kind               { return KindBatch }
func (*BatchAck) Kind() Kind            { return KindBatchAck }
func (*ResendRequest) Kind() Kind       { return KindResendRequest }
func (*Truncated) Kind() Kind           { return KindTruncated }
func (*DigestRequest) Kind() Kind       { return KindDigestRequest }
func (*Digest) Kind() Kind              { return KindDigest }
func (*FetchItems) Kind() Kind          { return KindFetchItems }
func (*Items) Kind() Kind               { return KindItems }
func (*Handoff) Kind() Kind             { return KindHandoff }
func (*HandoffAck) Kind() Kind          { return KindHandoffAck }
func (*KeyRequest) Kind() Kind          { return KindKeyRequest }
func (*KeyReply) Kind() Kind            { return KindKeyReply }
func (*CausalForward) Kind() Kind       { return KindCausalForward }
func (*CausalForwardReply) Kind() Kind  { return KindCausalForwardReply }
func (*CausalForwardCancel) Kind() Kind { return KindCausalForwardCancel }
func (*ViewInfoRequest) Kind() Kind     { return KindViewInfoRequest }
func (*ViewInfo) Kind() Kind            { return KindViewInfo }
