package requests

import (
	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// kind says what a request asks for.
type kind uint8

// The kinds of requests.
const (
	reading kind = iota + 1
	writing
	listing
)

// request is a request of a client of this node, or one that another node forwarded here
// (docs/causal.md §3, §8). Whatever node works on a request, the same rule ends it: a read is
// answered when its slot satisfies its context (I14), and a write gets its version at a ready
// owner (I13). Until then the request waits, is forwarded, or asks other nodes for its key.
type request struct {
	kind     kind
	token    ids.Token        // names a client of this node; meaningful if incoming is nil
	incoming *incomingForward // the forward that brought the request; nil: the client is this node's
	id       ids.Request      // request id of a forwarded request, here or elsewhere; zero: never forwarded
	op       wire.Op          // of a read only the key; of a list nothing
	hash     uint64           // of the key
	at       hashing.Slot     // of the key
	context  wire.Context     // the client's context; each node that takes the request judges it by package plausible
	asking   bool             // other nodes are being asked for the key (docs/causal.md §7.5, rule 6)
	asked    bool             // that question is closed
	vouched  bool             // a ready holder has answered that question: a write may go on
	found    bool             // and its answer had an item: a read may go on
	reading  bool             // a read of the key from the store is under way
	looked   bool             // the key's item was looked at, in this view and since the slot is ready, and was below the context
	existed  bool             // of an applied write: the key had a value before
	gone     bool             // answered, or its client has left: nothing is done for the request any more
}

// newRequest makes a request for one key. Its context need not be plausible yet.
func newRequest(space hashing.Space, k kind, token ids.Token, op wire.Op, c wire.Context) *request {
	q := &request{kind: k, token: token, op: op, context: c, hash: hashing.Hash(op.Key)}
	q.at = space.Slot(q.hash)
	return q
}

// unfit says why an answer does not fit its request (docs/causal.md §12, rule 4); empty:
// the answer fits.
func (q *request) unfit(m *wire.CausalForwardReply) string {
	switch {
	case m.Fate == wire.ForwardFinished && q.kind == reading:
		return "a read that is said to be finished"
	case m.Fate != wire.ForwardDone:
	case m.Present && m.Item.Key != q.op.Key:
		return "an answer about another key"
	case q.kind == writing && !m.Present:
		return "an answer to a write without a version"
	case q.kind == writing && m.Item.Deleted != (q.op.Kind == wire.OpDelete):
		return "an answer to another kind of write"
	}
	return ""
}
