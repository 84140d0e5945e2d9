package requests

import (
	"slices"
	"testing"

	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/node/causal/peers"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// TestAnAnswerMustFitItsRequest: an answer that does not fit would be shown to a client, or make
// the code panic that shows it.
func TestAnAnswerMustFitItsRequest(t *testing.T) {
	item := func(key string, deleted bool) wire.Item {
		return wire.Item{Key: key, Deleted: deleted, Version: wire.CausalVersion{Counter: 1, Dot: wire.Dot{N: 1}}}
	}
	write, del := put("k"), wire.Op{Kind: wire.OpDelete, Key: "k"}
	for _, c := range []struct {
		name string
		q    request
		m    wire.CausalForwardReply
		fits bool
	}{
		{"a read of what is not there", request{kind: reading, op: wire.Op{Key: "k"}}, wire.CausalForwardReply{Fate: wire.ForwardDone}, true},
		{"a read", request{kind: reading, op: wire.Op{Key: "k"}}, wire.CausalForwardReply{Fate: wire.ForwardDone, Present: true, Item: item("k", true)}, true},
		{"a read of another key", request{kind: reading, op: wire.Op{Key: "k"}}, wire.CausalForwardReply{Fate: wire.ForwardDone, Present: true, Item: item("l", false)}, false},
		{"a write", request{kind: writing, op: write}, wire.CausalForwardReply{Fate: wire.ForwardDone, Present: true, Item: item("k", false)}, true},
		{"a delete", request{kind: writing, op: del}, wire.CausalForwardReply{Fate: wire.ForwardDone, Present: true, Item: item("k", true)}, true},
		{"a write without a version", request{kind: writing, op: write}, wire.CausalForwardReply{Fate: wire.ForwardDone}, false},
		{"a write that deleted", request{kind: writing, op: write}, wire.CausalForwardReply{Fate: wire.ForwardDone, Present: true, Item: item("k", true)}, false},
		{"a write that is finished", request{kind: writing, op: write}, wire.CausalForwardReply{Fate: wire.ForwardFinished}, true},
		{"a read that is finished", request{kind: reading, op: wire.Op{Key: "k"}}, wire.CausalForwardReply{Fate: wire.ForwardFinished}, false},
		{"a write elsewhere", request{kind: writing, op: write}, wire.CausalForwardReply{Fate: wire.ForwardElsewhere}, true},
	} {
		if why := c.q.unfit(&c.m); (why == "") != c.fits {
			t.Errorf("%s: %q", c.name, why)
		}
	}
}

// TestAnAnswerCountsOnlyFromWhoWasAsked: any node could guess the counter of a request.
func TestAnAnswerCountsOnlyFromWhoWasAsked(t *testing.T) {
	n := alone()
	q := newRequest(3, writing, 7, put("k"), wire.Context{})
	n.Outgoing.list = []*outgoingForward{{req: q, counter: 1, to: &peers.Peer{ID: 1}, others: []ids.Node{2}}}
	done := &wire.CausalForwardReply{
		Counter: 1, Fate: wire.ForwardDone, Present: true,
		Item: wire.Item{Key: "k", Version: wire.CausalVersion{Counter: 1, Dot: wire.Dot{N: 1}}},
	}
	n.Outgoing.OnReply(from(3, 30), done)
	if q.gone {
		t.Fatal("a node that was not asked has answered")
	}
	n.Outgoing.OnReply(from(2, 20), done)
	if !q.gone {
		t.Error("a node that was asked before is not heard")
	}
}

// TestAHelloSaysWhichWritesAreFinished: a write is finished when its client was answered or has
// left. A read that waits does not hold up the lowest open counter.
func TestAHelloSaysWhichWritesAreFinished(t *testing.T) {
	n := begun(true, []ids.Node{0}, []ids.Node{1})
	key := n.keyOf(false)
	says := func(want uint64, when string) {
		t.Helper()
		var h wire.Hello
		if n.Hello(&h); h.LowestOpen != want {
			t.Errorf("%s: the lowest open number is %d, not %d", when, h.LowestOpen, want)
		}
	}
	says(1, "at first")
	n.Submit(&core.CausalSubmit{Token: 1, Op: put(key)})
	n.Submit(&core.CausalSubmit{Token: 2, Op: put(key)})
	n.SubmitRead(&core.CausalRead{Token: 3, Key: key})
	says(1, "two writes wait")
	n.reply(n.clients[2], core.Done, nil)
	says(1, "the first waits")
	if !n.Abandon(1) || n.Abandon(1) {
		t.Error("a client leaves twice, or not at all")
	}
	says(4, "a read waits")
}

// TestToWhichOwnerAWriteGoes: a write stays with one owner for as long as that owner may answer.
func TestToWhichOwnerAWriteGoes(t *testing.T) {
	n := begun(true, []ids.Node{0}, []ids.Node{1, 2})
	n.Submit(&core.CausalSubmit{Token: 1, Op: put(n.keyOf(false))})
	to, m := n.last()
	first := m.(*wire.CausalForward)
	if to != 2 || first.Counter != 1 || first.To != 20 {
		t.Fatalf("sent to %d: %+v", to, first)
	}
	wait := func(d wire.Instant) ids.Node {
		n.step.SetNow(n.step.Now() + d)
		n.Tick()
		to, _ := n.last()
		return to
	}
	if to := wait(forwardResend); to != 2 {
		t.Errorf("after %d it goes to %d", forwardResend, to)
	}
	n.Outgoing.OnReply(from(2, 20), &wire.CausalForwardReply{Counter: 1, Fate: wire.ForwardWaiting})
	if to := wait(peers.Silence); to != 2 {
		t.Errorf("an owner that answers loses it to %d", to)
	}
	if to := wait(2 * peers.Silence); to != 1 {
		t.Errorf("an owner that does not answer keeps it: %d", to)
	}
	n.Outgoing.OnReply(from(1, 11), &wire.CausalForwardReply{Counter: 1, Fate: wire.ForwardOtherBoot})
	if _, m := n.last(); m.(*wire.CausalForward).To != 11 {
		t.Errorf("then it goes to boot %d", m.(*wire.CausalForward).To)
	}
	n.Outgoing.OnReply(from(1, 11), &wire.CausalForwardReply{Counter: 1, Fate: wire.ForwardImplausible})
	if r := n.replies()[1]; r.Outcome != core.InDoubt {
		t.Errorf("another owner may have applied it, and the client is told %v", r.Outcome)
	}
	if to, m := n.last(); to != 2 || !slices.Equal(m.(*wire.CausalForwardCancel).Counters, []uint64{1}) {
		t.Errorf("cancelled at %d: %T", to, m)
	}
}

// TestAWriteThatWasSentIsNeverRefused is I12: an owner may have applied it.
func TestAWriteThatWasSentIsNeverRefused(t *testing.T) {
	n := begun(true, []ids.Node{0}, []ids.Node{1})
	key := n.keyOf(false)
	n.Submit(&core.CausalSubmit{Token: 1, Op: put(key)})
	n.SubmitRead(&core.CausalRead{Token: 2, Key: key})
	n.adopt(true, 6, []ids.Node{1}, []ids.Node{2})
	n.Reroute()
	if r := n.replies(); len(r) != 1 || r[2].Outcome != core.NotInView {
		t.Errorf("%+v", r)
	}
}

func TestWhatIsSaidToAForwarder(t *testing.T) {
	for _, c := range []struct {
		name   string
		header wire.Header
		m      wire.CausalForward
		want   wire.ForwardFate
	}{
		{"a write to another boot", from(2, 20), wire.CausalForward{To: 9}, wire.ForwardOtherBoot},
		{"a forged context", from(2, 20), wire.CausalForward{To: 1, Context: wire.Context{Ceil: 1 << 62}}, wire.ForwardImplausible},
		{"of another group", wire.Header{From: 2, Boot: 20, View: ids.View{Number: 99}}, wire.CausalForward{To: 1}, wire.ForwardElsewhere},
		{"finished", from(2, 20), wire.CausalForward{To: 1, LowestOpen: 6}, wire.ForwardFinished},
	} {
		n := alone()
		c.m.Counter, c.m.Op = 5, put("k")
		n.Incoming.OnForward(c.header, "reply", &c.m, []*wire.Item{nil})
		_, m := n.last()
		if r, ok := m.(*wire.CausalForwardReply); !ok || r.Fate != c.want || r.Counter != 5 || len(n.Incoming.open) > 0 {
			t.Errorf("%s: %+v", c.name, m)
		}
	}
	n := begun(true, []ids.Node{0}, []ids.Node{1})
	n.Incoming.OnForward(from(2, 20), "reply", &wire.CausalForward{Read: true, Op: wire.Op{Key: n.keyOf(false)}}, []*wire.Item{nil})
	if _, m := n.last(); m.(*wire.CausalForwardReply).Fate != wire.ForwardElsewhere {
		t.Errorf("a key of others: %+v", m)
	}
}

// TestAForwardedWriteIsAppliedOnce is I11.
func TestAForwardedWriteIsAppliedOnce(t *testing.T) {
	n := begun(false, []ids.Node{0, 1}, nil)
	forward := func() {
		n.Incoming.OnForward(from(2, 20), "reply", &wire.CausalForward{Counter: 5, To: 1, Op: put("k")}, []*wire.Item{nil})
	}
	forward()
	if forward(); n.Waiting()+len(n.Questions.open.Open()) != 1 {
		t.Error("a repetition waits beside the write")
	}
	if _, m := n.last(); m.(*wire.CausalForwardReply).Fate != wire.ForwardWaiting {
		t.Errorf("the forwarder is told %+v", m)
	}
	n.results.Remember(&wire.Item{Key: "k", ID: ids.Request{Node: 2, Boot: 20, Counter: 6}, Version: wire.CausalVersion{Counter: 3}}, false, false)
	n.Incoming.OnForward(from(2, 20), "reply", &wire.CausalForward{Counter: 6, To: 1, Op: put("k")}, []*wire.Item{nil})
	n.durable()
	_, m := n.last()
	if r := m.(*wire.CausalForwardReply); r.Fate != wire.ForwardDone || r.Item.Version.Counter != 3 || n.streams.Own.Last() != 0 {
		t.Errorf("%+v, own writes %d", r, n.streams.Own.Last())
	}
	n.step.SetNow(n.step.Now() + forwardPatience)
	if n.Tick(); len(n.Incoming.open) > 0 {
		t.Error("a write that is not repeated waits for ever")
	}
}

// TestForwardedRequestsThatWaitHoldABoundedPart lets a peer forward large values that must wait
// here, until the bound on their memory refuses more.
func TestForwardedRequestsThatWaitHoldABoundedPart(t *testing.T) {
	n := begun(false, []ids.Node{0}, nil)
	forward := func(counter uint64) {
		m := &wire.CausalForward{Counter: counter, Op: wire.Op{Kind: wire.OpPut, Key: "k", Value: make([]byte, 1<<20)}, To: 1}
		n.Incoming.OnForward(from(2, 3), "reply", m, []*wire.Item{nil})
	}
	for counter := range uint64(200) {
		forward(counter + 1)
	}
	if got := len(n.Incoming.open); got != incomingRoom>>20-1 {
		t.Errorf("%d requests of 1 MiB wait", got)
	}
	n.Incoming.OnCancel(from(2, 3), &wire.CausalForwardCancel{Counters: []uint64{1, 2, 3}})
	forward(300)
	if n.Incoming.open[ids.Request{Node: 2, Boot: 3, Counter: 300}] == nil {
		t.Error("there is room again, and it is not accepted")
	}
	for counter := range uint64(300) {
		n.Incoming.drop(n.Incoming.open[ids.Request{Node: 2, Boot: 3, Counter: counter + 1}])
	}
	if n.Incoming.bytes != 0 {
		t.Errorf("%d bytes are held by nothing", n.Incoming.bytes)
	}
}

// TestAListingIsNoLessThanItsClientHasSeen: if K has a version that the client names and that is
// above the stored one, the key was deleted and is not listed.
func TestAListingIsNoLessThanItsClientHasSeen(t *testing.T) {
	version := func(n uint64) wire.CausalVersion {
		return wire.CausalVersion{Counter: n, Dot: wire.Dot{Stream: wire.Stream{Node: 2}, N: n}}
	}
	var known []wire.Dependency
	for key, n := range map[string]uint64{"deleted": 4, "newer": 3, "equal": 2} {
		known = append(known, wire.Dependency{Hash: hashing.Hash(key), Version: version(n)})
	}
	slices.SortFunc(known, func(a, b wire.Dependency) int {
		if a.Hash < b.Hash {
			return -1
		}
		return 1
	})
	var keys []string
	all := []*wire.Item{{Key: "deleted", Version: version(3)}, {Key: "newer", Version: version(6)}, {Key: "equal", Version: version(2)}, {Key: "never seen", Version: version(1)}}
	for it := range Listed(&core.Read{Known: known}, slices.Values(all)) {
		keys = append(keys, it.Key)
	}
	if want := []string{"newer", "equal", "never seen"}; !slices.Equal(keys, want) {
		t.Errorf("lists %q, want %q", keys, want)
	}
}
