package strong

import (
	"slices"

	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/strong/agreement"
	"github.com/cohortkv/cohort/node/strong/history"
	"github.com/cohortkv/cohort/node/strong/primary"
	"github.com/cohortkv/cohort/node/strong/round"
	"github.com/cohortkv/cohort/node/strong/transfer"
	"github.com/cohortkv/cohort/node/strong/waits"
)

var events core.EventKinds

// Events lists the events of strong replication.
func Events() core.EventKinds {
	return slices.Concat(events, agreement.Events(), history.Events(), primary.Events(), round.Events(), transfer.Events(), waits.Events())
}

var (
	EventTruncated      = events.Info("log_truncated", "`count` writes whose clients had left were removed from the log")
	EventGap            = events.Debug("prepare_gap", "a batch of `peer` arrived too early: it begins `count` positions after the log's end", core.OfPeer)
	EventDuplicate      = events.Debug("prepare_duplicate", "a batch of `peer` arrived twice", core.OfPeer)
	EventForwardRefused = events.Debug("forward_refused", "the primary, `peer`, refused a Forward", core.OfPeer)
	EventForwardLate    = events.Debug("forward_late", "the primary, `peer`, did not answer a Forward in time", core.OfPeer)
)

// EventHistoriesMerged says that a base was merged from several histories.
var EventHistoriesMerged = transfer.EventHistoriesMerged
