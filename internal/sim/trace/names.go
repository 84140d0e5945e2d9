package trace

import (
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/wire"
)

var WriteNames = map[core.WriteKind]string{
	core.WriteMeta: "meta", core.WriteAppend: "append", core.WriteStageHead: "stage head", core.WriteStageRecords: "stage records",
	core.WriteStaged: "staged", core.WriteSwap: "swap", core.WriteStageDrop: "stage drop", core.WriteCausal: "causal",
}

var KindNames = map[wire.Kind]string{
	wire.KindQuery: "Query", wire.KindQueryReply: "QueryReply", wire.KindNewView: "NewView", wire.KindNewViewReply: "NewViewReply",
	wire.KindHello: "Hello", wire.KindBaseCheck: "BaseCheck", wire.KindBaseCheckReply: "BaseCheckReply", wire.KindJoinRequest: "JoinRequest",
	wire.KindJoin: "Join", wire.KindBallotTooLow: "BallotTooLow", wire.KindStart: "Start", wire.KindStarted: "Started", wire.KindActive: "Active",
	wire.KindFetch: "Fetch", wire.KindChunk: "Chunk", wire.KindPrepare: "Prepare", wire.KindAck: "Ack", wire.KindForward: "Forward",
	wire.KindForwardReply: "ForwardReply", wire.KindConfirm: "Confirm", wire.KindConfirmed: "Confirmed",
	wire.KindPull: "Pull", wire.KindPullReply: "PullReply", wire.KindCancel: "Cancel",
	wire.KindBatch: "Batch", wire.KindBatchAck: "BatchAck", wire.KindResendRequest: "ResendRequest", wire.KindTruncated: "Truncated",
	wire.KindDigestRequest: "DigestRequest", wire.KindDigest: "Digest", wire.KindFetchItems: "FetchItems", wire.KindItems: "Items", wire.KindHandoff: "Handoff", wire.KindHandoffAck: "HandoffAck",
	wire.KindKeyRequest: "KeyRequest", wire.KindKeyReply: "KeyReply", wire.KindCausalForward: "CausalForward", wire.KindCausalForwardReply: "CausalForwardReply",
	wire.KindCausalForwardCancel: "CausalForwardCancel", wire.KindViewInfoRequest: "ViewInfoRequest", wire.KindViewInfo: "ViewInfo",
}

var StatusNames = map[wire.Status]string{
	wire.Created: "created", wire.Replaced: "replaced", wire.Deleted: "deleted", wire.Absent: "absent",
	wire.PreconditionFailed: "precondition failed", wire.Unknown: "unknown",
}
