package core

import (
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// Wait is a member of the view that strong requests wait for.
type Wait struct {
	Node  ids.Node
	Since wire.Instant // last heard, or asked in vain; it stays as long as the wait lasts
	Cause WaitCause
}

// WaitCause says what a member that is waited for lacks.
type WaitCause uint8

// The causes.
const (
	WaitSilent  WaitCause = iota + 1 // nothing is heard of it
	WaitJoin                         // it is heard, and has not joined the round
	WaitData                         // it is receiving what the round starts from
	WaitPrimary                      // it is the primary, and its round has not come to this node
	WaitApart                        // it and the primary do not hear each other
	WaitDeaf                         // it hears nothing of this node
)

// ShardWait is a shard of causal buckets none of whose members is heard: requests for
// its keys wait.
type ShardWait struct {
	Shard   string
	Members []ids.Node
	Since   wire.Instant // when the last of them was heard
}

// StrongReady reports that strong requests are answered without delay: the ballot is
// active here, and nobody is waited for.
func (s *NodeStatus) StrongReady() bool { return s.Serving && len(s.Waiting) == 0 }
