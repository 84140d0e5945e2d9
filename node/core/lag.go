package core

import (
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// AskLag asks how far members are behind each other. The answer comes in the same step, also
// at a node that has no view.
type AskLag struct{ Token ids.Token }

func (*AskLag) input() {}

// Lag is how far a node and the other members of its view are behind each other, as far as the
// node knows. Positions are in entries of the log of the node's ballot.
type Lag struct {
	Length  uint64 // end of the node's log of strong buckets
	Commit  uint64 // position up to which the node knows the log to be committed; at most Length
	Members []MemberLag
}

// MemberLag is how far another member is behind, or ahead of, the node.
type MemberLag struct {
	Node    ids.Node
	Greeted bool         // the member was heard in this view
	Silent  wire.Instant // with Greeted: time since its last hello

	Logged bool   // Log is known: only the primary knows it, of members that acknowledge
	Log    uint64 // position up to which the member's log is durable

	Replica bool   // the member is of the node's shard of causal buckets; with it Missing and Unacked
	Missing uint64 // writes of the member's stream in this view that this node knows of and lacks
	Unacked uint64 // writes of the node's stream in this view that the member has not acknowledged
}
