// Package tally counts the events of simulated runs, and lists the transitions that many
// runs must have seen. A transition that no schedule took is a hole in the schedules.
//
// Counts of different runs are added with Merge. Missing returns the transitions that were
// never seen.
package tally

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cohortkv/cohort/internal/sim/schedule"
)

// CountKey names an event that runs count.
type CountKey struct{ Group, What string }

func (t CountKey) String() string { return t.Group + ": " + t.What }

// Counts holds how often each event happened.
type Counts map[CountKey]int

// Add counts one event.
func (c Counts) Add(group, what string) { c[CountKey{group, what}]++ }

// Of returns how often an event happened.
func (c Counts) Of(group, what string) int { return c[CountKey{group, what}] }

// Merge adds other counts to c.
func (c Counts) Merge(o Counts) {
	for k, n := range o {
		c[k] += n
	}
}

// String renders the counts as a table.
func (c Counts) String() string {
	var lines []string
	for k, n := range c {
		lines = append(lines, fmt.Sprintf("  %-50s %9d\n", k, n))
	}
	slices.Sort(lines)
	return strings.Join(lines, "")
}

// transitions are the events that a run of many schedules must have seen, whatever its
// operator. The other lists have the events that only some operators cause.
var transitions = []string{
	// Views.
	"event: view_created", "event: view_renumbered", "event: view_adopted", "event: view_same",
	"event: view_refused", "event: left_behind",
	"world: view made here", "world: view followed", "world: view followed by a node without one",
	"operator: PUT: served", "operator: PUT: not ready in time", "operator: PUT: overtaken",
	"operator: PUT given up", "operator: told []", "operator: told a node outside",

	// Rounds and bases.
	"event: round_begun", "event: round_decided", "event: ballot_active", "event: base_swapped_in",
	"event: base_empty", "event: base_by_entries", "event: base_whole", "event: staged_base_dropped",
	"event: member_stranger", "message: BallotTooLow", "message: BaseCheck", "message: Fetch", "message: Chunk",

	// Abandoned writes.
	"message: Cancel", "event: write_abandoned", "event: log_truncated",

	// Writes and reads.
	"event: gate_closed", "event: prepare_resent", "event: prepare_gap", "event: prepare_duplicate",
	"event: retry_answered", "event: retry_pending", "event: forward_refused", "event: forward_late", "event: forward_expired",
	"result: created", "result: replaced", "result: deleted", "result: absent", "result: precondition failed",
	"client: read", "client: answered", "client: turned away", "client: left", "client: lost",

	// Requests that were checked against the bounds of a steady view.
	"promptness: strong read", "promptness: strong write",

	// The world.
	"fault: cut", "fault: one-way cut", "fault: bridge", "fault: crash", "fault: move", "fault: pause", "fault: storm", "fault: slow disk", "fault: pause of all",
	"network: lost", "network: delivered twice", "network: kept back", "network: overtaken", "network: message of the last boot again", "network: request refused",
}

var transitionsOf = [schedule.Operators][]string{
	schedule.Sane: {"operator: list made sane", "event: history_forgotten"},
	schedule.Splitting: {
		"operator: list made sane", "operator: group split", "operator: groups joined", "client: answered unknown",
		"event: histories_merged", "event: base_merged", "world: merge active",
	},
	schedule.Adversarial: {
		"event: histories_merged", "event: base_merged", "world: merge active", "event: round_stuck",
		"message: Pull", "message: PullReply", "event: history_pulled", "event: owed_lost", "event: owed_elsewhere",
	},
}

// wanted returns the transitions that schedules must see.
func wanted(kind schedule.Operator, model schedule.Model) []string {
	var all []string
	if model.Causal() {
		all = append(all, causalTransitions...)
		all = append(all, causalTransitionsOf[kind]...)
	}
	if model.Strong() {
		all = append(all, transitions...)
		all = append(all, transitionsOf[kind]...)
	}
	return append(all, "fault: restart")
}

// Missing returns the transitions of a model that were never seen under an operator.
func (c Counts) Missing(kind schedule.Operator, model schedule.Model) []string {
	var missing []string
	for _, t := range wanted(kind, model) {
		group, what, _ := strings.Cut(t, ": ")
		if c[CountKey{group, what}] == 0 {
			missing = append(missing, t)
		}
	}
	return missing
}
