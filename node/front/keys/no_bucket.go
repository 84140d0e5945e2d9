package keys

import (
	"github.com/valyala/fasthttp"

	"github.com/cohortkv/cohort/api"
	"github.com/cohortkv/cohort/node/front/answer"
)

// NoBucket answers requests for a bucket that does not exist.
type NoBucket struct{ answers *answer.Writer }

// Refuse serves every method of /v1/kv/{bucket} and /v1/kv/{bucket}/{key}.
func (h *NoBucket) Refuse(ctx *fasthttp.RequestCtx, _ []byte) {
	h.answers.Stamp(ctx)
	h.answers.Fail(ctx, api.CodeNoSuchBucket, "the buckets are strong and causal")
}
