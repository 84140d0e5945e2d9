package causal

import (
	"slices"

	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/node/causal/version"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// wait lists a request as one that waits. It is looked at again when its key is
// merged, when K or readiness of its slot grows, and when the view changes.
func (r *Replica) wait(q *request) {
	if !q.waits {
		q.waits = true
		r.waiting = append(r.waiting, q)
		r.box.Event(core.Event{Kind: EventWaits})
	}
	r.requestMissingInfo()
}

// wakeKey notes that a key was merged: who waits for it is looked at when that is
// durable.
func (r *Replica) wakeKey(key string) {
	if len(r.waiting) > 0 {
		r.woken = append(r.woken, key)
	}
}

// wakeKeys looks at who waits for the keys that were merged.
func (r *Replica) wakeKeys() {
	if len(r.woken) == 0 {
		return
	}
	keys := r.woken
	r.woken = nil
	for _, q := range slices.Clone(r.waiting) {
		if q.waits && slices.Contains(keys, q.op.Key) {
			q.looked = false // what was found then is not what the key holds
			r.again(q)
		}
	}
}

// wakeAll looks at everybody who waits, but for who waits for a merge of its key.
func (r *Replica) wakeAll() {
	for _, q := range slices.Clone(r.waiting) {
		if q.waits && !(q.looked && r.owns(q.at) && r.slots.At(q.at).Ready() && r.behind(q)) {
			r.again(q)
		}
	}
}

// behind reports that a context names a version of the key itself that K does not
// cover. Only a merge of the key, or K, helps.
func (r *Replica) behind(q *request) bool {
	want := version.Named(&q.context, q.hash)
	behind := !want.IsZero() && !r.slots.Satisfied(r.slots.At(q.at), want.Dot.Stream, want.Dot.N)
	if behind {
		r.suspect(want.Dot.Stream)
	}
	return behind
}

// again looks at a request once more. What it lacks is looked at first, because to
// read its key costs more.
func (r *Replica) again(q *request) {
	switch {
	case q.kind == listing || r.closed() || !r.owns(q.at):
		r.start(q, nil)
	case q.reading || !r.slots.At(q.at).Ready() && !r.unreadyAllowed(q):
	case q.kind == reading && !r.foldedSatisfied(&q.context, q.at):
	default:
		q.reading = true
		r.read(q.op.Key, func(current *wire.Item) {
			q.reading = false
			if q.waits {
				r.start(q, current) // else it went another way meanwhile
			}
		})
	}
}

// reroute looks at all requests after the view has changed: some slots are others'
// now.
func (r *Replica) reroute() {
	for _, a := range r.asks {
		for _, q := range a.requests {
			q.asking = nil
			r.wait(q)
		}
	}
	r.asks = nil
	for _, q := range slices.Clone(r.waiting) {
		if !q.waits {
			continue
		}
		q.asked, q.vouched, q.found, q.looked = false, false, false, false
		if q.kind == listing || r.closed() || !r.owns(q.at) || !r.slots.At(q.at).Ready() {
			r.drop(q)
			r.start(q, nil)
			continue
		}
		r.again(q)
	}
	r.rerouteForwards()
}

// OnLeftBehind answers everybody: this node takes no requests any more.
func (r *Replica) OnLeftBehind() {
	if !r.closed() {
		return
	}
	r.reroute()
	r.beginHandoffs()
}

// ask is a question to others for one key, while its slot is not ready here.
type ask struct {
	session  uint64
	key      string
	until    wire.Instant
	silent   []ids.Node // who has not answered
	requests []*request
}

// askKey asks all who may hold a slot for a key.
func (r *Replica) askKey(q *request) {
	for _, a := range r.asks {
		if a.key == q.op.Key {
			q.asking = a
			a.requests = append(a.requests, q)
			return
		}
	}
	a := &ask{session: r.session(), key: q.op.Key, until: r.now + askPatience, requests: []*request{q}}
	q.asking = a
	for _, p := range r.peers {
		if r.reachable(p) {
			a.silent = append(a.silent, p.id)
			r.request(p.id, &wire.KeyRequest{Session: a.session, Key: a.key, Births: r.births()})
		}
	}
	r.asks = append(r.asks, a)
	r.alarm(a.until)
	if len(a.silent) == 0 {
		r.askDone(a, false, false)
	}
}

// OnKeyRequest says what is held of a key.
func (r *Replica) OnKeyRequest(h wire.Header, replyTo ids.ReplyTo, m *wire.KeyRequest, stored []*wire.Item) {
	r.sign(h)
	if len(stored) != 1 {
		return
	}
	s := r.slots.Of(hashing.Hash(m.Key))
	reply := &wire.KeyReply{Session: m.Session, Key: m.Key, Held: s.Held(), Ready: s.Held() && s.Ready(), GCCounter: s.GCCounter()}
	if item := r.overlay.current(m.Key, stored[0]); item != nil && s.Held() {
		reply.Present, reply.Item = true, *item
	}
	r.box.PostAfter(s.Written(), core.Envelope{To: h.From, Answer: replyTo, Message: reply})
}

// OnKeyReply takes in what another node holds of a key.
func (r *Replica) OnKeyReply(h wire.Header, m *wire.KeyReply, stored []*wire.Item) {
	r.sign(h)
	if !r.credible(h.From, m) {
		return
	}
	i := slices.IndexFunc(r.asks, func(a *ask) bool { return a.session == m.Session && a.key == m.Key })
	if i < 0 || len(stored) != 1 {
		return
	}
	a := r.asks[i]
	at := r.slots.Space().Slot(hashing.Hash(m.Key))
	if !slices.Contains(a.silent, h.From) {
		return // it was not asked, or has answered
	}
	if r.slots.At(at).Owned() && m.Present && m.Item.Key == m.Key && r.merge(&m.Item, stored[0]) {
		r.wakeKey(m.Key)
	}
	if m.Ready {
		r.slots.RaiseGCCounter(at, m.GCCounter)
	}
	r.after(r.commit(), r.wakeKeys)
	a.silent = slices.DeleteFunc(a.silent, func(id ids.Node) bool { return id == h.From })
	if m.Ready || len(a.silent) == 0 {
		r.askDone(a, m.Ready, m.Ready && m.Present)
	}
}

// askDone goes on with the requests that a question was asked for.
func (r *Replica) askDone(a *ask, vouched, found bool) {
	r.asks = slices.DeleteFunc(r.asks, func(o *ask) bool { return o == a })
	for _, q := range a.requests {
		q.asking, q.asked = nil, true
		q.vouched, q.found = q.vouched || vouched, q.found || found
		if q.gone {
			continue
		}
		r.wait(q)
		r.again(q)
	}
}

func (r *Replica) tickAsks() {
	for _, a := range slices.Clone(r.asks) {
		if r.now >= a.until {
			r.askDone(a, false, false)
		} else {
			r.alarm(a.until)
		}
	}
}
