package trace

import (
	"reflect"

	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/wire"
)

var WriteNames = map[core.WriteKind]string{
	core.WriteMeta: "meta", core.WriteAppend: "append", core.WriteStageHead: "stage head", core.WriteStageRecords: "stage records",
	core.WriteStaged: "staged", core.WriteSwap: "swap", core.WriteStageDrop: "stage drop", core.WriteCausal: "causal",
}

// KindName names a message by its Go type.
func KindName(m wire.Message) string { return reflect.TypeOf(m).Elem().Name() }

var StatusNames = map[wire.Status]string{
	wire.Created: "created", wire.Replaced: "replaced", wire.Deleted: "deleted", wire.Absent: "absent",
	wire.PreconditionFailed: "precondition failed", wire.Unknown: "unknown",
}
