package core

import (
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// Wait is a member of the view that strong requests wait for (docs/strong.md §11). It is shown
// to people; no rule of the protocol depends on it.
type Wait struct {
	Node  ids.Node
	Since wire.Instant // when the member was heard last, or when the wait began; fixed as long as the wait lasts
	Cause WaitCause
}

// WaitCause says why strong requests wait for a member.
type WaitCause uint8

// The causes.
const (
	WaitSilent  WaitCause = iota + 1 // no hello of the member arrives
	WaitJoin                         // the member is heard, and has not joined the round
	WaitData                         // the member has joined, and has not got the base of the round
	WaitPrimary                      // the member is the primary, and its round has not come to this node
	WaitApart                        // the member and the primary do not hear each other
	WaitDeaf                         // the member does not hear this node
)

// ShardWait is a shard of causal buckets of which this node hears no member. Requests for its
// keys wait.
type ShardWait struct {
	Shard   string
	Members []ids.Node
	Since   wire.Instant // when a member of the shard was heard last, or the view was adopted
}

// StrongReady reports that strong requests are answered without delay: the ballot is active
// here, and no member is waited for.
func (s *NodeStatus) StrongReady() bool { return s.Serving && len(s.Waiting) == 0 }
