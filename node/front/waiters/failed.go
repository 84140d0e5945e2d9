package waiters

import (
	"strconv"

	"github.com/valyala/fasthttp"

	"github.com/cohortkv/cohort/api"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/front/answer"
	"github.com/cohortkv/cohort/node/wire"
)

// Refuse answers data requests while the server shuts down.
func (t *Table) Refuse(ctx *fasthttp.RequestCtx) bool {
	if !t.drains.Load() {
		return false
	}
	ctx.SetConnectionClose()
	t.answers.Fail(ctx, api.CodeShuttingDown, "the node shuts down")
	return true
}

// Kind is the kind of a request, as far as its failure depends on it.
type Kind uint8

const (
	StrongWrite Kind = iota
	StrongRead
	CausalWrite
	CausalRead
	ViewPut
)

func (k Kind) write() bool { return k == StrongWrite || k == CausalWrite || k == ViewPut }

// Failed answers a request that did not end with a result. It returns false if
// there is a result.
func (t *Table) Failed(ctx *fasthttp.RequestCtx, how Ending, reply *core.Reply, what Kind) bool {
	if how == Answered {
		return t.refused(ctx, reply)
	}
	reason := [...]string{
		ClientGone: "the client closed its side of the connection while the request waited",
		TimedOut:   "the request's timeout ran out",
		Stopping:   "the node shuts down",
	}[how]
	if how != TimedOut {
		ctx.SetConnectionClose()
	}
	code := api.CodeReadUnanswered
	switch {
	case what.write():
		code, reason = api.CodeOutcomeUnknown, reason+"; it may have taken effect, or may yet"
	case how == Stopping:
		code = api.CodeShuttingDown
	}
	t.FailWaiting(ctx, code, reason, what)
	return true
}

// refused answers the request if the reply is not a result, and reports whether it
// did so.
func (t *Table) refused(ctx *fasthttp.RequestCtx, reply *core.Reply) bool {
	switch {
	case reply.Outcome == core.NotInView:
		status := t.node.Status()
		t.answers.Fail(ctx, api.CodeNotInView, answer.NotInView(&status))
	case reply.Outcome == core.InDoubt:
		t.answers.Fail(ctx, api.CodeOutcomeUnknown, "no owner of the key has answered, and an owner that took the write may have forgotten its request id by now; the write may have taken effect")
	case reply.Outcome == core.Implausible:
		t.answers.Fail(ctx, api.CodeBadSession, "the session was not made by a node: it has a version, or a write of a node, that cannot exist")
	case reply.Outcome != core.Done:
		panic("front: outcome " + strconv.Itoa(int(reply.Outcome)) + " for an operation on a key")
	case reply.Result.Status == wire.Unknown:
		t.answers.Fail(ctx, api.CodeOutcomeUnknown, "the write was recognised, and its result was lost when groups merged")
	default:
		return false
	}
	return true
}

// FailWaiting answers a request whose wait has ended without a result. The answer
// lists the members that such requests wait for.
func (t *Table) FailWaiting(ctx *fasthttp.RequestCtx, code api.Code, detail string, what Kind) {
	outage := t.node.Outage()
	waits := outage.StrongText()
	if what == CausalWrite || what == CausalRead {
		outage.Strong, waits = nil, outage.CausalText()
	}
	if waits != "" {
		detail += "; " + waits
	}
	t.answers.FailWaiting(ctx, code, detail, outage.Strong)
}
