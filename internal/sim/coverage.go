package sim

import "slices"

// transitions are what a run of many schedules must have seen, or the schedules
// do not reach what they are for.
var transitions = []string{
	// Views.
	"event: view_minted", "event: view_reminted", "event: view_adopted", "event: view_same",
	"event: view_refused", "event: left_behind",
	"world: view made here", "world: view followed", "world: view followed by a node without one",
	"operator: PUT: served", "operator: PUT: not ready in time", "operator: PUT: overtaken",
	"operator: PUT given up", "operator: told []", "operator: told a node outside", "operator: list mended",

	// Rounds and bases.
	"event: round_begun", "event: round_decided", "event: ballot_active", "event: base_swapped_in",
	"event: base_empty", "event: base_by_entries", "event: base_whole", "event: staged_base_dropped",
	"event: member_stranger", "message: Low", "message: Covered", "message: Fetch", "message: Chunk",

	// Writes and reads.
	"event: gate_closed", "event: prepare_resent", "event: prepare_gap", "event: prepare_duplicate",
	"event: retry_answered", "event: retry_pending", "event: forward_refused", "event: forward_late", "event: forward_expired",
	"result: created", "result: replaced", "result: deleted", "result: absent", "result: precondition failed",
	"client: read", "client: answered", "client: turned away", "client: left", "client: lost",

	// The world.
	"fault: cut", "fault: one-way cut", "fault: bridge", "fault: crash", "fault: pause", "fault: storm", "fault: slow disk", "fault: sleep",
	"network: lost", "network: delivered twice", "network: kept back", "network: overtaken", "network: request refused",
}

// Missing are the transitions that were never seen.
func (c Counts) Missing() []string {
	return slices.DeleteFunc(slices.Clone(transitions), func(t string) bool { return c[t] > 0 })
}
