package strong

import (
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
)

// mayBegin reports, and counts, that one more round may be begun because of what a peer
// said.
func (r *Replica) mayBegin() bool { return r.roundLimit.Take(r.now, len(r.members)) }

// malformed reports a message that cannot be true.
func (r *Replica) malformed(from ids.Node, note string) {
	r.box.Event(core.Event{Kind: core.EventMalformed, Peer: from, Note: note})
}
