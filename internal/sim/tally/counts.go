// Package tally counts what happens in simulated runs, and lists what many runs must have
// seen. A transition that no schedule ever took is a hole in the schedules.
package tally

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cohortkv/cohort/internal/sim/schedule"
)

// CountKey is something that happens in runs.
type CountKey struct{ Group, What string }

func (t CountKey) String() string { return t.Group + ": " + t.What }

// Counts is how often each thing happened.
type Counts map[CountKey]int

func (c Counts) Add(group, what string) { c[CountKey{group, what}]++ }

func (c Counts) Of(group, what string) int { return c[CountKey{group, what}] }

// Merge adds other counts.
func (c Counts) Merge(o Counts) {
	for k, n := range o {
		c[k] += n
	}
}

// String is a table.
func (c Counts) String() string {
	var lines []string
	for k, n := range c {
		lines = append(lines, fmt.Sprintf("  %-50s %9d\n", k, n))
	}
	slices.Sort(lines)
	return strings.Join(lines, "")
}

// transitions are what a run of many schedules must have seen, or the schedules
// do not reach what they are for. What only some operators bring about is in the
// other lists.
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

	// Requests that were held against the bounds of a steady view.
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

// wanted are the transitions that schedules must see.
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
	if model.Restarts() {
		all = append(all, "fault: restart")
	}
	return all
}

// Missing are the transitions that were never seen under an operator, of those that
// a model has.
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
