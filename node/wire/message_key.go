package wire

import "github.com/cohortkv/cohort/node/ids"

// KeyRequest asks a holder of a slot for one key.
type KeyRequest struct {
	Session uint64 // comes back in the answer
	Key     string
	Births  []ids.View // of the sender's view: a node of another cluster does not answer
}

// Kind implements Message.
func (*KeyRequest) Kind() Kind { return KindKeyRequest }

func (m *KeyRequest) fields(c *codec) {
	c.uvarint(&m.Session)
	c.key(&m.Key)
	c.viewIDs(&m.Births)
}

// KeyReply answers KeyRequest.
type KeyReply struct {
	Session   uint64 // as in the request
	Key       string // as in the request
	Held      bool   // the sender holds the slot; false: Ready and Present are false, too
	Ready     bool   // the sender would serve the slot
	GCCounter uint64 // no counter of a collected tombstone in the slot is larger
	Present   bool   // the sender has a version of the key
	Item      Item   // if Present: that version
}

// Kind implements Message.
func (*KeyReply) Kind() Kind { return KindKeyReply }

func (m *KeyReply) fields(c *causalCodec) {
	c.uvarint(&m.Session)
	c.key(&m.Key)
	c.bool(&m.Held)
	c.bool(&m.Ready)
	c.ordinal(&m.GCCounter)
	c.bool(&m.Present)
	if m.Present {
		m.Item.fields(c)
	}
}

// CausalForward brings a client's request to an owner of its key's slot, as a bus
// request. It is repeated until it is answered; the request id is (sender, its
// boot, Counter).
type CausalForward struct {
	Counter    uint64
	Read       bool
	Op         Op // its Key; for a write, the whole
	Context    Context
	LowestOpen uint64   // the sender's writes below this number are finished
	To         ids.Boot // of the receiver, as the sender heard it last; 0: not yet
}

// Kind implements Message.
func (*CausalForward) Kind() Kind { return KindCausalForward }

func (m *CausalForward) fields(c *causalCodec) {
	c.uvarint(&m.Counter)
	c.bool(&m.Read)
	if m.Read {
		c.key(&m.Op.Key)
	} else {
		m.Op.fields(c.codec)
	}
	m.Context.fields(c)
	c.uvarint(&m.LowestOpen)
	c.boot(&m.To)
}

// CausalForwardReply answers CausalForward.
type CausalForwardReply struct {
	Counter uint64
	Fate    ForwardFate
	Present bool
	Item    Item // read: what the key holds; written: without its value
	Existed bool // as in CausalResult
	Context Context
}

// Kind implements Message.
func (*CausalForwardReply) Kind() Kind { return KindCausalForwardReply }

func (m *CausalForwardReply) fields(c *causalCodec) {
	c.uvarint(&m.Counter)
	c.enum((*byte)(&m.Fate), &forwardFates)
	c.bool(&m.Present)
	if m.Present {
		m.Item.fields(c)
	}
	c.bool(&m.Existed)
	m.Context.fields(c)
}

// ForwardFate says what became of a forwarded request.
type ForwardFate uint8

// The fates of forwarded requests.
const (
	ForwardDone        ForwardFate = iota + 1 // Item and Context are the answer
	ForwardElsewhere                          // the receiver does not own the slot, or takes no requests
	ForwardOtherBoot                          // a write for another boot of the receiver: Header has the present one
	ForwardWaiting                            // it waits at the receiver
	ForwardImplausible                        // its context names what no node can have given out: not applied
	ForwardFinished                           // a write that its sender was heard to have finished with: not applied now
)

var forwardFates = enumeration{"fate of a request", byte(ForwardDone), byte(ForwardFinished)}

// CausalForwardCancel says that the client of a forwarded request has left.
type CausalForwardCancel struct {
	Counters []uint64
}

// Kind implements Message.
func (*CausalForwardCancel) Kind() Kind { return KindCausalForwardCancel }

func (m *CausalForwardCancel) fields(c *codec) { c.requestCounters(&m.Counters) }
