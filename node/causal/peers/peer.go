package peers

import (
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// Peer is another node that this one exchanges with: a member of the view, a former member
// that may still have data, or a guest (docs/causal.md §1.1). A peer is exactly one of the
// three for the length of a view. The next view begins with a new peer, which takes over
// only the boot and the time of the last message.
type Peer struct {
	ID      ids.Node
	At      wire.Member // id and addresses, as the last view or list of former members had them
	Member  bool        // exactly one of Member, Former and Guest is set
	Replica bool        // a member of this node's shard; implies Member
	Former  bool        // of an earlier view, and not drained
	Apart   bool        // a former member in a parted group: not asked again in this view (docs/causal.md §6.7)
	Guest   bool        // a source of the view: hands off what it holds to all owners by itself

	Contact // whether messages reach the peer, and its boot

	Exchanged   bool         // an exchange with the peer is over in this view, or none is needed
	ExchangedAt wire.Instant // when the last exchange in this view was over
	Draining    Draining     // meaningful for a former member
	Inquired    uint64       // the last inquiry that the peer has answered; an answer that does not count leaves it (docs/causal.md §10, rules 10 to 12)
}
