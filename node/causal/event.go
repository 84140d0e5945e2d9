package causal

import (
	"slices"

	"github.com/cohortkv/cohort/node/causal/broadcast"
	"github.com/cohortkv/cohort/node/causal/exchanges"
	"github.com/cohortkv/cohort/node/causal/forgetting"
	"github.com/cohortkv/cohort/node/causal/handoff"
	"github.com/cohortkv/cohort/node/causal/items"
	"github.com/cohortkv/cohort/node/causal/loss"
	"github.com/cohortkv/cohort/node/causal/plausible"
	"github.com/cohortkv/cohort/node/causal/ready"
	"github.com/cohortkv/cohort/node/causal/requests"
	"github.com/cohortkv/cohort/node/causal/results"
	"github.com/cohortkv/cohort/node/causal/surveys"
	"github.com/cohortkv/cohort/node/causal/syncing"
	"github.com/cohortkv/cohort/node/core"
)

var events core.EventKinds

// Events lists the kinds of events of causal buckets.
func Events() core.EventKinds {
	return slices.Concat(events, syncing.Events(), forgetting.Events(), exchanges.Events(), handoff.Events(), ready.Events(),
		surveys.Events(), broadcast.Events(), requests.Events(), plausible.Events(), loss.Events(), results.Events(), items.Events())
}

// EventBack says that a peer is heard for the first time, or again.
var EventBack = events.Debug("causal_peer_back", "`peer` says hello for the first time, or again", core.OfPeer)
