package core

import (
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// AskLag is somebody who wants to know how far members are behind each other. It is
// answered at once, also outside a view.
type AskLag struct{ Token ids.Token }

func (*AskLag) input() {}

// Lag is how far a node and the other members of its view are behind each other, as
// far as the node knows.
type Lag struct {
	Length  uint64 // of the log of the node's ballot; strong buckets
	Commit  uint64 // up to where it is committed
	Members []MemberLag
}

// MemberLag is the same of one other member.
type MemberLag struct {
	Node    ids.Node
	Greeted bool         // in this view
	Silent  wire.Instant // how long ago it greeted last; with Greeted

	Logged bool   // how far its log is known to be: by the primary only
	Log    uint64 // up to here

	Replica bool   // it is of the node's own shard of causal buckets; with it:
	Missing uint64 // writes of its stream in this view that are known of and not here
	Unacked uint64 // writes of the node's stream in this view that it has not acknowledged
}
