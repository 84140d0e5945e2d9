package waiters

import (
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/cohortkv/cohort/api"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/front/answer"
	"github.com/cohortkv/cohort/node/front/conns"
)

// node is a node that holds every request.
type node struct {
	gone   chan *Waiter // gets what is taken back
	signal bool         // the request was answered already, so nothing is taken back
	status core.NodeStatus
	outage api.Outage
}

func (n *node) Abandon(w *Waiter) bool {
	if n.signal {
		return false
	}
	if n.gone != nil {
		n.gone <- w
	}
	return true
}
func (n *node) Status() core.NodeStatus { return n.status }
func (n *node) Outage() api.Outage      { return n.outage }

func tableOf(t *testing.T, n *node) *Table {
	table := New(n, answer.New(3, n, conns.NewBudget(1<<20)))
	t.Cleanup(table.Close)
	return table
}

// arrived is a request of v1 as a handler gets it.
func arrived() *fasthttp.RequestCtx {
	ctx := &fasthttp.RequestCtx{}
	request := &fasthttp.Request{}
	request.Header.SetRequestURI("/v1/kv/strong/k")
	ctx.Init(request, nil, nil)
	return ctx
}

func TestAnAnswerEndsTheWait(t *testing.T) {
	table := tableOf(t, &node{})
	w := NewRequest(arrived())
	w.Done <- struct{}{}
	if how := table.Await(w, 0); how != Answered {
		t.Errorf("ended %d", how)
	}
	go func() { w.Done <- struct{}{} }()
	if how := table.Await(w, time.Hour); how != Answered || table.Count() != 0 {
		t.Errorf("ended %d, %d wait", how, table.Count())
	}
	w.Free()
}

func TestATimeoutTakesTheRequestBack(t *testing.T) {
	n := &node{gone: make(chan *Waiter, 1)}
	table := tableOf(t, n)
	w := NewRequest(arrived())
	if how := table.Await(w, time.Microsecond); how != TimedOut {
		t.Errorf("ended %d", how)
	}
	if got := <-n.gone; got != &w.Waiter {
		t.Error("another request was taken back")
	}
}

// An answer that was given cannot be taken back: it ends the wait, and the end that
// came from outside changes nothing.
func TestAnAnswerThatWasGivenWinsOverAnEndFromOutside(t *testing.T) {
	table := tableOf(t, &node{signal: true})
	w := NewRequest(arrived())
	serial := w.serial.Load()
	table.end(w, serial, ClientGone)
	w.Done <- struct{}{}
	if how := table.Await(w, 0); how != Answered {
		t.Errorf("ended %d", how)
	}
}

func TestAnEndThatComesLateDoesNotEndTheNextWait(t *testing.T) {
	n := &node{gone: make(chan *Waiter, 2)}
	table := tableOf(t, n)
	w := NewRequest(arrived())
	before := w.serial.Load()
	go func() { w.Done <- struct{}{} }()
	table.Await(w, 0)
	table.end(w, before, TimedOut)
	if len(n.gone) != 0 || len(w.Done) != 0 {
		t.Error("the end of the first wait reached the second")
	}
}

func TestEndAllEndsWhatWaitsAndWhatWaitsLater(t *testing.T) {
	n := &node{gone: make(chan *Waiter, 4)}
	table := tableOf(t, n)
	ends := make(chan Ending, 2)
	wait := func() { ends <- table.Await(NewRequest(arrived()), 0) }
	go wait()
	for table.Count() == 0 {
		runtime.Gosched()
	}
	table.EndAll()
	go wait()
	for range 2 {
		if how := <-ends; how != Stopping {
			t.Errorf("ended %d", how)
		}
	}
}

func TestATableThatDrainsRefusesRequests(t *testing.T) {
	table := tableOf(t, &node{})
	if ctx := arrived(); table.Refuse(ctx) || table.Drains() {
		t.Error("a request is refused")
	}
	table.Drain()
	ctx := arrived()
	if !table.Refuse(ctx) || !table.Drains() || ctx.Response.StatusCode() != http.StatusServiceUnavailable || !ctx.Response.ConnectionClose() {
		t.Errorf("%d %s", ctx.Response.StatusCode(), ctx.Response.Body())
	}
}

// I12: a write whose result is not known is 504, and a read is never 504.
func TestAnEndWithoutAResultIsUnknownForWritesOnly(t *testing.T) {
	table := tableOf(t, &node{})
	for _, c := range []struct {
		how  Ending
		what Kind
		want api.Code
	}{
		{ClientGone, StrongWrite, api.CodeOutcomeUnknown}, {TimedOut, CausalWrite, api.CodeOutcomeUnknown}, {Stopping, ViewPut, api.CodeOutcomeUnknown},
		{ClientGone, StrongRead, api.CodeReadUnanswered}, {TimedOut, CausalRead, api.CodeReadUnanswered}, {Stopping, StrongRead, api.CodeShuttingDown},
	} {
		ctx := arrived()
		if !table.Failed(ctx, c.how, &core.Reply{}, c.what) || !strings.Contains(string(ctx.Response.Body()), `"`+string(c.want)+`"`) {
			t.Errorf("%d of %d: %s", c.how, c.what, ctx.Response.Body())
		}
		if closes := ctx.Response.ConnectionClose(); closes != (c.how != TimedOut) {
			t.Errorf("%d: the connection is closed: %t", c.how, closes)
		}
	}
	if ctx := arrived(); table.Failed(ctx, Answered, &core.Reply{Outcome: core.Done}, StrongWrite) {
		t.Errorf("a result is a failure: %s", ctx.Response.Body())
	}
}

func TestARequestThatWaitedInVainNamesTheMembersOfItsModel(t *testing.T) {
	n := &node{outage: api.Outage{Strong: []api.Wait{{Node: 5}}}}
	table := tableOf(t, n)
	for what, named := range map[Kind]bool{StrongRead: true, CausalRead: false} {
		ctx := arrived()
		table.FailWaiting(ctx, api.CodeReadUnanswered, "in vain", what)
		if strings.Contains(string(ctx.Response.Body()), `"waiting_for"`) != named {
			t.Errorf("kind %d: %s", what, ctx.Response.Body())
		}
	}
}
