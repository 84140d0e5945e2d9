package round

import "github.com/cohortkv/cohort/node/core"

var events core.EventKinds

// Events lists the events of rounds.
func Events() core.EventKinds { return events }

// The events say how a round goes on.
var (
	EventDecided       = events.Debug("round_decided", "the primary chose a base of `count` entries for its round")
	EventStuck         = events.Warn("round_stuck", "a round cannot be decided; `note` names the missing data")
	EventStagedDropped = events.Info("staged_base_dropped", "a round did not become active; `count` staged bases were dropped")
	EventForgotten     = events.Warn("history_forgotten", "`count` members report a history that is older than any known one; it counts as a stranger's")
	EventOwedLost      = events.Warn("owed_lost", "all members of an earlier ballot have lost its data; the view goes on without it")
	EventOwedElsewhere = events.Warn("owed_elsewhere", "the data of an earlier ballot lives on in another view, by its operator's word")
)
