package requests

import (
	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/node/causal/items"
	"github.com/cohortkv/cohort/node/causal/membership"
	"github.com/cohortkv/cohort/node/causal/peers"
	"github.com/cohortkv/cohort/node/causal/plausible"
	"github.com/cohortkv/cohort/node/causal/slots"
	"github.com/cohortkv/cohort/node/causal/step"
	"github.com/cohortkv/cohort/node/causal/waiting"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// asker has the requests that wait for answers.
type asker interface {
	wait(q *request)
	again(q *request)
	Note(key string)
	WakeKeys()
}

// Questions ask other nodes for keys of slots that are not ready here, and answer such questions
// (docs/causal.md §7.5, rule 6).
type Questions struct {
	step  *step.Step
	view  *membership.View
	peers *peers.List
	slots *slots.Table
	items *items.Items
	guard *plausible.Guard
	asker asker

	open waiting.Questions[*request]
}

// ask asks all reachable peers for the key of a request whose slot is not ready
// (docs/causal.md §7.5, rule 6). Requests for one key share one question.
func (t *Questions) ask(q *request) {
	q.asking = true
	if t.open.Join(q.op.Key, q) {
		return
	}
	session := t.step.Session()
	var nodes []ids.Node
	for _, p := range t.peers.All() {
		if t.peers.Reachable(p) {
			nodes = append(nodes, p.ID)
			t.step.Ask(p.ID, &wire.KeyRequest{Session: session, Key: q.op.Key, Births: t.view.Births()})
		}
	}
	a := t.open.Ask(session, q.op.Key, q, nodes, t.step.Now())
	t.step.Alarm(a.Until)
	if a.Complete() {
		t.end(a, false, false)
	}
}

// OnRequest answers with what this node holds of a key, once that is durable here.
func (t *Questions) OnRequest(h wire.Header, replyTo ids.ReplyTo, m *wire.KeyRequest, stored []*wire.Item) {
	if len(stored) != 1 {
		return
	}
	s := t.slots.Of(hashing.Hash(m.Key))
	reply := &wire.KeyReply{Session: m.Session, Key: m.Key, Held: s.Held(), Ready: s.Held() && s.ReadyFor(h.View == t.view.ID()), GCCounter: s.GCCounter()}
	if item := t.items.Current(m.Key, stored[0]); item != nil && s.Held() {
		reply.Present, reply.Item = true, *item
	}
	t.step.PostAfter(s.Written(), core.Envelope{To: h.From, Answer: replyTo, Message: reply})
}

// OnReply merges another node's item of a key. Only the answer of a ready holder lets
// the request go on: other holders may lack a newer version. The GC counter of a ready
// holder comes along, so that a write is above what was collected there (I13).
func (t *Questions) OnReply(h wire.Header, m *wire.KeyReply, stored []*wire.Item) {
	if !t.guard.Credible(h.From, m) {
		return
	}
	a := t.open.Find(m.Session, m.Key, h.From)
	if a == nil || len(stored) != 1 {
		return
	}
	at := t.slots.Space().Slot(hashing.Hash(m.Key))
	if t.slots.At(at).Owned() && m.Present && m.Item.Key == m.Key && t.items.Merge(&m.Item, stored[0]) {
		t.asker.Note(m.Key)
	}
	if m.Ready {
		t.slots.RaiseGCCounter(at, m.GCCounter)
	}
	t.step.After(t.step.Commit(), t.asker.WakeKeys)
	vouched := m.Ready && t.view.Vouches(h.View)
	if a.Answered(h.From) || vouched {
		t.end(a, vouched, vouched && m.Present)
	}
}

// end closes a question and tries its requests again. vouched says that a ready
// holder has answered, found that its answer had an item.
func (t *Questions) end(a *waiting.Question[*request], vouched, found bool) {
	t.open.Close(a)
	for _, q := range a.Requests {
		q.asking, q.asked = false, true
		q.vouched, q.found = q.vouched || vouched, q.found || found
		if q.gone {
			continue
		}
		t.asker.wait(q)
		t.asker.again(q)
	}
}

// tick closes the questions whose time is over: their requests go on waiting for the slot
// to be ready.
func (t *Questions) tick() {
	for _, a := range t.open.Open() {
		if t.step.Now() >= a.Until {
			t.end(a, false, false)
		} else {
			t.step.Alarm(a.Until)
		}
	}
}

// drop closes all questions, because their answers are void. It returns their requests.
func (t *Questions) drop() (list []*request) {
	for _, a := range t.open.Open() {
		t.open.Close(a)
		list = append(list, a.Requests...)
	}
	return list
}
