package sim

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/cohortkv/cohort/node/wire"
)

// Counts is how often each thing happened: "group: what".
type Counts map[string]int

func (c Counts) add(group, what string) { c[group+": "+what]++ }

// Merge adds other counts.
func (c Counts) Merge(o Counts) {
	for k, n := range o {
		c[k] += n
	}
}

// String is a table.
func (c Counts) String() string {
	var b strings.Builder
	for _, k := range slices.Sorted(maps.Keys(c)) {
		fmt.Fprintf(&b, "  %9d  %s\n", c[k], k)
	}
	return b.String()
}

var writeNames = map[wire.WriteKind]string{
	wire.WriteMeta: "meta", wire.WriteAppend: "append", wire.WriteStageHead: "stage head", wire.WriteStageRecords: "stage records",
	wire.WriteStaged: "staged", wire.WriteSwap: "swap", wire.WriteStageDrop: "stage drop",
}

var kindNames = map[wire.Kind]string{
	wire.KindQuery: "Query", wire.KindQueryReply: "QueryReply", wire.KindNewView: "NewView", wire.KindNewViewReply: "NewViewReply",
	wire.KindHello: "Hello", wire.KindCovered: "Covered", wire.KindCoveredReply: "CoveredReply", wire.KindCollect: "Collect",
	wire.KindJoin: "Join", wire.KindLow: "Low", wire.KindStart: "Start", wire.KindStarted: "Started", wire.KindActive: "Active",
	wire.KindFetch: "Fetch", wire.KindChunk: "Chunk", wire.KindPrepare: "Prepare", wire.KindAck: "Ack", wire.KindForward: "Forward",
	wire.KindForwardReply: "ForwardReply", wire.KindConfirm: "Confirm", wire.KindConfirmed: "Confirmed",
}

var statusNames = map[wire.Status]string{
	wire.Created: "created", wire.Replaced: "replaced", wire.Deleted: "deleted", wire.Absent: "absent",
	wire.PreconditionFailed: "precondition failed", wire.Unknown: "unknown",
}
