package machine

import (
	"testing"

	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/kv"
	"github.com/cohortkv/cohort/node/wire"
)

// write lets the primary of a rig order one write.
func write(r *rig, token ids.Token, value string) wire.Entry {
	r.t.Helper()
	r.step(&core.Submit{Token: token, Op: wire.Op{Kind: wire.OpPut, Key: "k", Value: []byte(value)}})
	p := last[*wire.Prepare](r)
	if p == nil || len(p.Entries) == 0 {
		r.t.Fatal("nothing was ordered")
	}
	return p.Entries[len(p.Entries)-1]
}

// A node that is not the primary may send a member other content for a position, before the
// primary does. In an earlier version the member acknowledged it, and the replicas differed for
// good.
func TestAnAcknowledgementOfAnotherContentDoesNotCountAndTheMemberIsGivenEverything(t *testing.T) {
	r, b := primary(t)
	e := write(r, 5, "true")
	forged := e
	forged.Op.Value = []byte("false")
	r.hear(1, &wire.Ack{Ballot: b, Index: 1, Sum: kv.Sum(0, &forged)})
	if len(r.replies) > 0 || len(r.applied) > 0 {
		t.Fatalf("the write counts as committed: %+v", r.replies)
	}
	if r.events["content_differs"] != 1 {
		t.Errorf("reported %d times", r.events["content_differs"])
	}
	c := last[*wire.JoinRequest](r).Ballot
	history := wire.HistorySummary{Ballot: b, Members: listOf(0, 1).Members(), Length: 1, Sum: kv.Sum(0, &forged)}
	r.hear(1, &wire.Join{Ballot: c, History: history})
	start := last[*wire.Start](r)
	if start == nil || start.Ballot != c || !start.Whole || start.Base.Length != 1 || start.Base.Sum != kv.Sum(0, &e) {
		t.Fatalf("the member is given %+v", start)
	}
	r.hear(1, &wire.Started{Ballot: c})
	if len(r.applied) != 1 || string(r.applied[0].Op.Value) != "true" {
		t.Errorf("applied: %+v", r.applied)
	}
}

func TestAnAcknowledgementOfTheSameContentCounts(t *testing.T) {
	r, b := primary(t)
	sum := uint64(0)
	for i := range uint64(3) {
		e := write(r, ids.Token(5+i), "v")
		sum = kv.Sum(sum, &e)
		r.hear(1, &wire.Ack{Ballot: b, Index: i + 1, Sum: sum})
	}
	if len(r.replies) != 3 || r.events["content_differs"] != 0 {
		t.Errorf("%d answers, %d differences", len(r.replies), r.events["content_differs"])
	}
}

// While nothing is written, only hellos show the difference.
func TestADifferenceIsFoundInAnIdleViewWithinAHello(t *testing.T) {
	for name, say := range map[string]func(b ids.Ballot, sum uint64) wire.Message{
		"another content": func(b ids.Ballot, sum uint64) wire.Message {
			return &wire.Hello{Ballot: b, Promised: b, Serving: true, Commit: 1, Sum: sum + 1}
		},
		"more than was written": func(b ids.Ballot, sum uint64) wire.Message {
			return &wire.Hello{Ballot: b, Promised: b, Serving: true, Commit: 2, Sum: sum}
		},
		"an entry that was never sent": func(b ids.Ballot, sum uint64) wire.Message {
			return &wire.Ack{Ballot: b, Index: 2, Sum: sum}
		},
	} {
		r, b := primary(t)
		e := write(r, 5, "v")
		sum := kv.Sum(0, &e)
		r.hear(1, &wire.Ack{Ballot: b, Index: 1, Sum: sum})
		r.hear(1, &wire.Hello{Ballot: b, Promised: b, Serving: true, Commit: 1, Sum: sum})
		if r.events["content_differs"] != 0 {
			t.Fatal("what is the same differs")
		}
		r.hear(1, say(b, sum))
		if r.events["content_differs"] != 1 || last[*wire.JoinRequest](r).Ballot.Round != b.Round+1 {
			t.Errorf("%s: not found, or no round began", name)
		}
	}
}

// The primary of the next round may be another node, or another incarnation. Then it does not
// know of the difference, and the member must find it.
func TestAMemberWithADifferentLogTakesTheWholeBase(t *testing.T) {
	r, b := backup(t)
	e := wire.Entry{Stamp: ids.Stamp{Ballot: b, Index: 1}, Op: wire.Op{Kind: wire.OpPut, Key: "k", Value: []byte("false")}, Result: wire.Result{Status: wire.Created, MsgNum: 1}}
	r.hear(0, &wire.Prepare{Ballot: b, First: 1, Entries: []wire.Entry{e}})
	if a := last[*wire.Ack](r); a.Index != 1 || a.Sum != kv.Sum(0, &e) {
		t.Fatalf("it acknowledges %+v", a)
	}
	for _, sum := range []uint64{kv.Sum(0, &e), 77} {
		next := b
		next.Round = r.m.strong.Promised().Round + 1
		r.hear(0, &wire.JoinRequest{Ballot: next, View: viewBy(0, 1, 0, 1)})
		r.hear(0, &wire.Start{
			Ballot: next, Members: listOf(0, 1).Members(), Bound: []wire.Sighting{{Node: 1, Inc: lifeOf(1).Inc}},
			Base: wire.Base{Source: b, Length: 1, Sum: sum, Past: []wire.PastBallot{{Ballot: b, Count: 1}}},
		})
		f := last[*wire.Fetch](r)
		if asks := f != nil && f.Ballot == next && f.Part == wire.FetchHead; asks != (sum == 77) {
			t.Errorf("told that the sum of the base is %x, its log has %x: it asks for %+v", sum, kv.Sum(0, &e), f)
		}
	}
}
