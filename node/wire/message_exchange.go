package wire

import "github.com/cohortkv/cohort/node/ids"

// DigestRequest begins an exchange, or a survey: it asks what the receiver holds of some slots.
type DigestRequest struct {
	Session    uint64      // of the exchange; comes back in all its messages
	Slots      []SlotRange // that the sender wants to take
	Survey     bool        // only Holdings are wanted
	Collecting uint64      // no tombstone that is about to be collected has a larger counter
	Sums       []Sum       // of the sender, one for each group of slots that Slots touch; at most 65,536
	Births     []ids.View  // of the sender's view: a node of another cluster does not answer

	Forgotten []Forgotten // nodes that an operator has forgotten, in this view or one that it replaces; at most 1,024
}

// Kind implements Message.
func (*DigestRequest) Kind() Kind { return KindDigestRequest }

func (m *DigestRequest) fields(c *causalCodec) {
	c.uvarint(&m.Session)
	c.slotRanges(&m.Slots)
	c.bool(&m.Survey)
	c.uvarint(&m.Collecting)
	c.sums(&m.Sums)
	c.viewIDs(&m.Births)
	c.forgotten(&m.Forgotten)
}

// Digest answers DigestRequest. The sender's K was noted before any item is read.
type Digest struct {
	Session    uint64      // as in the request
	View       ids.View    // that the sender held
	Layout     uint64      // fingerprint of its layout: two views of one layout are one group
	Revision   uint64      // of what the sender holds; comes back in HandoffAck, and RemovedAt of Items is compared with it; at most 2^62
	Held       Holdings    // of the requested slots
	Frozen     bool        // the sender takes no writes any more
	Descends   bool        // the sender's view replaces the receiver's
	Unsynced   bool        // the sender knows former members that are not drained, or is not ready itself
	StableCut  uint64      // fingerprint of the view's stable cut; 0: the sender knows none
	Ended      []NodeBoot  // boots that are known to have ended; at most 1,000
	GCCounter  uint64      // no tombstone that was collected, or is about to be, has a larger counter, as far as the sender was told
	Former     []Member    // members of views that View replaces, which may still have data; at most 1,024
	Heard      Vector      // for a node in another view: K of all slots, joined; at most 16,384 positions
	Acked      []NodeBoot  // nodes of the receiver's view that have acknowledged this revision; at most 1,000
	Requesting []NodeBoot  // nodes of the receiver's view that have requested slots lately; at most 1,000
	Groups     []GroupSums // whose sums differ; ascending
	Forgotten  []Forgotten // as in DigestRequest
}

// Kind implements Message.
func (*Digest) Kind() Kind { return KindDigest }

func (m *Digest) fields(c *causalCodec) {
	c.uvarint(&m.Session)
	c.viewID(&m.View)
	c.fixed64(&m.Layout)
	c.uvarint(&m.Revision)
	m.Held.fields(c)
	c.bool(&m.Frozen)
	c.bool(&m.Descends)
	c.bool(&m.Unsynced)
	c.fixed64(&m.StableCut)
	c.nodeBoots(&m.Ended)
	c.uvarint(&m.GCCounter)
	c.members(&m.Former)
	m.Heard.fields(c)
	c.nodeBoots(&m.Acked)
	c.nodeBoots(&m.Requesting)
	for i := range list(c.codec, &m.Groups, &groupList) {
		m.Groups[i].fields(c.codec)
	}
	c.forgotten(&m.Forgotten)
}

// Forgotten is a node that an operator has forgotten.
type Forgotten struct {
	Node ids.Node
	View ids.View // in which the operator did so
}

func (f *Forgotten) fields(c *codec) {
	c.node(&f.Node)
	c.viewID(&f.View)
}

var forgottenList = elements("forgotten nodes", func(c *causalCodec) { new(Forgotten).fields(c.codec) })

func (c *codec) forgotten(s *[]Forgotten) {
	for i := range list(c, s, &forgottenList) {
		(*s)[i].fields(c)
	}
}

// NodeBoot is one boot of a node.
type NodeBoot struct {
	Node ids.Node
	Boot ids.Boot
}

func (n *NodeBoot) fields(c *codec) {
	c.node(&n.Node)
	c.boot(&n.Boot)
}

var nodeBootList = elements("boots", func(c *causalCodec) { new(NodeBoot).fields(c.codec) })

func (c *codec) nodeBoots(s *[]NodeBoot) {
	for i := range list(c, s, &nodeBootList) {
		(*s)[i].fields(c)
	}
}

// FetchItems asks for the items of slots after a place. To ask twice is harmless.
type FetchItems struct {
	Session uint64 // as in the Digest
	Slots   []SlotRange
	After   SlotCursor
}

// Kind implements Message.
func (*FetchItems) Kind() Kind { return KindFetchItems }

func (m *FetchItems) fields(c *causalCodec) {
	c.uvarint(&m.Session)
	c.slotRanges(&m.Slots)
	m.After.fields(c.codec)
}

// Items answers FetchItems: about 256 KiB of items, but at least one if there is one.
type Items struct {
	Session    uint64          // as in FetchItems
	RemovedAt  uint64          // the sender's revision when something was last removed from the slots that are not behind After
	After      SlotCursor      // as in FetchItems
	GCCounters []SlotGCCounter // of the slots up to the last item, or to the end, as they are by now
	Items      []Item          // ascending by hash, then key
	Last       bool            // no item follows
}

// Kind implements Message.
func (*Items) Kind() Kind { return KindItems }

func (m *Items) fields(c *causalCodec) {
	c.uvarint(&m.Session)
	c.uvarint(&m.RemovedAt)
	m.After.fields(c.codec)
	for i := range list(c.codec, &m.GCCounters, &gcCounterList) {
		m.GCCounters[i].fields(c.codec)
	}
	c.items(&m.Items)
	c.bool(&m.Last)
}

// Handoff offers a member what the sender holds of the slots that the member owns. The member
// requests them in an exchange.
type Handoff struct {
	Revision uint64 // of what the sender holds; comes back in HandoffAck; at most 2^62
}

// Kind implements Message.
func (*Handoff) Kind() Kind { return KindHandoff }

func (m *Handoff) fields(c *codec) { c.uvarint(&m.Revision) }

// HandoffAck says that an exchange is over: of these slots, which the sender owns, it
// has all that the receiver had at Revision, durably.
type HandoffAck struct {
	Boot     ids.Boot // of the receiver
	Revision uint64   // of the receiver, as in its Digest
	Slots    []SlotRange
}

// Kind implements Message.
func (*HandoffAck) Kind() Kind { return KindHandoffAck }

func (m *HandoffAck) fields(c *causalCodec) {
	c.boot(&m.Boot)
	c.uvarint(&m.Revision)
	c.slotRanges(&m.Slots)
}

// ViewInfoRequest asks what is known of views whose ids were met in a vector. It is
// always answered: the answer also tells in which boot its sender is.
type ViewInfoRequest struct {
	Session uint64     // comes back in the answer
	Views   []ids.View // at most 64
}

// Kind implements Message.
func (*ViewInfoRequest) Kind() Kind { return KindViewInfoRequest }

func (m *ViewInfoRequest) fields(c *codec) {
	c.uvarint(&m.Session)
	c.viewIDs(&m.Views)
}

// ViewInfo answers ViewInfoRequest, or publishes stable cuts.
type ViewInfo struct {
	Session uint64      // as in the request; zero if it publishes
	Views   []KnownView // at most 64
}

// Kind implements Message.
func (*ViewInfo) Kind() Kind { return KindViewInfo }

func (m *ViewInfo) fields(c *causalCodec) {
	c.uvarint(&m.Session)
	c.knownViews(&m.Views)
}
