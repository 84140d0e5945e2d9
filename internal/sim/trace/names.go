package trace

import (
	"reflect"

	"github.com/cohortkv/cohort/node/wire"
)

var WriteNames = map[wire.WriteKind]string{
	wire.WriteMeta: "meta", wire.WriteAppend: "append", wire.WriteStageHead: "stage head", wire.WriteStageRecords: "stage records",
	wire.WriteStaged: "staged", wire.WriteSwap: "swap", wire.WriteStageDrop: "stage drop", wire.WriteCausal: "causal",
}

// KindName names a message by its Go type.
func KindName(m wire.Message) string { return reflect.TypeOf(m).Elem().Name() }

var StatusNames = map[wire.Status]string{
	wire.Created: "created", wire.Replaced: "replaced", wire.Deleted: "deleted", wire.Absent: "absent",
	wire.PreconditionFailed: "precondition failed", wire.Unknown: "unknown",
}
