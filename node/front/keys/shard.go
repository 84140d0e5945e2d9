package keys

import (
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
)

// shards knows the shard of this node.
type shards struct {
	id     ids.Node
	status func() core.NodeStatus
}

// own is the name of this node's shard; nil if the view has no shards or the node
// is in none.
func (s *shards) own() *string {
	status := s.status()
	if status.View.Layout.Flat {
		return nil
	}
	for _, shard := range status.View.Layout.Shards {
		for _, m := range shard.Members {
			if m.ID == s.id {
				return &shard.Name
			}
		}
	}
	return nil
}

// origin says which keys a list of the causal bucket has: the keys of this node's
// shard. It is part of the cursor, so a cursor from another shard
// is refused.
func (s *shards) origin() string {
	if shard := s.own(); shard != nil {
		return "shard " + *shard
	}
	return ""
}
