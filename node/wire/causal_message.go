package wire

// Batch carries writes of the sender's stream in a view, the first under number
// First, the next ones under the numbers that follow.
type Batch struct {
	View  ViewID
	First uint64
	Items []Item
}

// BatchAck says that of the receiver's stream in a view everything up to N is held,
// durably.
type BatchAck struct {
	View ViewID
	N    uint64
}

// Missing asks for a part of the receiver's own stream again.
type Missing struct {
	View     ViewID
	From, To uint64 // both included
}

// Outrun answers Missing: what is asked for, up to UpTo, is not kept any more. An
// exchange brings it.
type Outrun struct {
	View ViewID
	UpTo uint64
}

// Open begins an exchange, or a survey: what do you hold of these slots? Sums are
// what the sender has, a sum for each group of slots that Slots touch.
type Open struct {
	Session uint64
	Slots   []SlotRange
	Survey  bool   // only Holdings are wanted
	Going   uint64 // no tombstone that is about to go has a larger counter
	Sums    []Sum
	Births  []ViewID // of the sender's view: a node of another cluster does not answer

	Forgotten []Forgotten // nodes that an operator has given up, in this view or one that it replaces
}

// Forgotten is a node that an operator has given up, and the view in which he did so.
type Forgotten struct {
	Node NodeID
	View ViewID
}

// Have answers Open. What the sender knows was noted before any item is read.
type Have struct {
	Session   uint64
	View      ViewID // in which it is said
	Layout    uint64 // fingerprint of its layout: two views of one layout are one group
	Epoch     uint64 // grows whenever the sender gives up a slot, or forgets an item
	Mark      uint64 // of the last change of what the sender holds; comes back in Taken
	Held      Holdings
	Frozen    bool        // the sender takes no writes any more
	Heir      bool        // the sender's view replaces the receiver's
	Unsettled bool        // the sender knows former members that have not been emptied, or is not ready itself
	Floor     uint64      // fingerprint of the view's floor; 0: the sender knows none
	Over      []Life      // lives that are known to have ended
	Gone      uint64      // no tombstone that is gone, or about to go, has a larger counter, as far as the sender was told
	Former    []Member    // members of views that View replaces, which may still have data
	Heard     Vector      // to who asks in another view: what is known of any slot
	Takers    []Life      // nodes of the receiver's view that have said Taken under this mark
	Asking    []Life      // nodes of the receiver's view that have asked for slots lately
	Groups    []GroupSums // whose sums differ, ascending
	Forgotten []Forgotten // as in Open
}

// Life is one life of a node.
type Life struct {
	Node NodeID
	Boot Boot
}

// GroupSums has the sums of the slots of one group, as far as they are asked for.
type GroupSums struct {
	Group uint32
	Sums  []Sum
}

// Want asks for the items of slots after a place; asking twice is harmless.
type Want struct {
	Session uint64
	Slots   []SlotRange
	After   SlotCursor
}

// Items answers Want.
type Items struct {
	Session uint64
	Epoch   uint64      // the sender's when something was last taken away of the slots that are not behind After
	After   SlotCursor  // as in Want
	Floors  []SlotFloor // of the slots up to the last item, or to the end, as they are by now
	Items   []Item      // ascending by hash, then key
	Last    bool
}

// SlotFloor says that no counter of a tombstone collected in a slot is larger.
type SlotFloor struct {
	Slot  uint32
	Floor uint64
}

// Offer asks a member to pull what it owns and the sender holds, as it was under Mark.
type Offer struct {
	Mark uint64
}

// Taken says that an exchange is over: of these slots, which the sender owns, it has
// all that the receiver had under Mark, durably.
type Taken struct {
	Boot  Boot // of the receiver
	Mark  uint64
	Slots []SlotRange
}

// AskKey asks a holder of a slot for one key.
type AskKey struct {
	Session uint64
	Key     string
	Births  []ViewID // as in Open
}

// KeyAnswer answers AskKey.
type KeyAnswer struct {
	Session uint64
	Key     string
	Held    bool // false: the sender does not hold the slot
	Ready   bool
	Floor   uint64 // as in HeldSlots
	Present bool   // Item is what it has
	Item    Item
}

// Carry brings a client's request to an owner of its key's slot, as a bus
// request. It is repeated until it is answered; the request id is (sender, its
// boot, Counter).
type Carry struct {
	Counter uint64
	Read    bool
	Op      Op // its Key; for a write, the whole
	Context Context
	// What the sender heard last of the receiver's clock, and in which life: no
	// older than the request is. It tells how long the request may have been
	// under way.
	Heard     Instant
	HeardBoot Boot
}

// CarryFate says what became of a carried request.
type CarryFate uint8

// The fates of carried requests.
const (
	CarryDone        CarryFate = iota + 1 // Item and Context are the answer
	CarryElse                             // the receiver does not own the slot, or takes no requests
	CarryLate                             // it may have been under way for too long: Clock is what to send along
	CarryHeld                             // it waits at the receiver
	CarryImplausible                      // its context names what no node can have given out: not taken
)

// CarryAnswer answers Carry.
type CarryAnswer struct {
	Counter uint64
	Fate    CarryFate
	Clock   Instant
	Present bool
	Item    Item // read: what the key holds; written: without its value
	Existed bool // as in CausalResult
	Context Context
}

// CarryCancel says that the client of a carried request has left.
type CarryCancel struct {
	Counters []uint64
}

// Explain asks what is known of views that were met in a vector. It is always
// answered: the answer tells in which life its sender is, too.
type Explain struct {
	Session uint64
	Views   []ViewID
}

// Explained answers Explain, or spreads floors: then Session is zero.
type Explained struct {
	Session uint64
	Views   []KnownView
}

// Kind implements Message.
func (*Batch) Kind() Kind       { return KindBatch }
func (*BatchAck) Kind() Kind    { return KindBatchAck }
func (*Missing) Kind() Kind     { return KindMissing }
func (*Outrun) Kind() Kind      { return KindOutrun }
func (*Open) Kind() Kind        { return KindOpen }
func (*Have) Kind() Kind        { return KindHave }
func (*Want) Kind() Kind        { return KindWant }
func (*Items) Kind() Kind       { return KindItems }
func (*Offer) Kind() Kind       { return KindOffer }
func (*Taken) Kind() Kind       { return KindTaken }
func (*AskKey) Kind() Kind      { return KindAskKey }
func (*KeyAnswer) Kind() Kind   { return KindKeyAnswer }
func (*Carry) Kind() Kind       { return KindCarry }
func (*CarryAnswer) Kind() Kind { return KindCarryAnswer }
func (*CarryCancel) Kind() Kind { return KindCarryCancel }
func (*Explain) Kind() Kind     { return KindExplain }
func (*Explained) Kind() Kind   { return KindExplained }
