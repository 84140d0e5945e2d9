package promise

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/strong/history"
	"github.com/cohortkv/cohort/node/wire"
)

func never() bool { return false }

func bal(view, round uint64) ids.Ballot {
	return ids.Ballot{View: ids.View{Number: view}, Round: round, Boot: 7}
}

// view is a view of nodes, whose author knew of ballots.
func view(number uint64, known []ids.Ballot, nodes ...ids.Node) *wire.View {
	v := &wire.View{ID: ids.View{Number: number}, Layout: wire.Layout{Shards: []wire.Shard{{}}}}
	for _, n := range nodes {
		v.Layout.Shards[0].Members = append(v.Layout.Shards[0].Members, wire.Member{ID: n})
	}
	for _, b := range known {
		v.Known = append(v.Known, wire.KnownBallot{Ballot: b})
	}
	return v
}

// standing is a history in a ballot that was built from ballot 1.
func standing(box *core.Outbox, b ids.Ballot) *history.History {
	h := history.New(box, 0)
	h.Stage(&history.Base{Ballot: b, Fresh: true, Desc: wire.Base{Past: []wire.PastBallot{{Ballot: bal(1, 1)}}}}, true)
	h.SwapIn(b)
	return h
}

func owed(p *Promise) (all []ids.Ballot) {
	for _, k := range p.Owed() {
		all = append(all, k.Ballot)
	}
	return all
}

func TestAMemberOwesWhatItsHistoryLacks(t *testing.T) {
	known := []ids.Ballot{bal(1, 1), bal(2, 1), bal(3, 1)}
	for _, c := range []struct {
		name string
		self ids.Node
		want []ids.Ballot
	}{{"a member", 1, []ids.Ballot{bal(3, 1)}}, {"a node outside the view", 5, nil}} {
		box := &core.Outbox{}
		p, h := New(c.self, 9, box, never), standing(box, bal(2, 1))
		for range 2 {
			p.Adopt(view(4, known, 0, 1), 7, h)
		}
		if d := cmp.Diff(c.want, owed(p)); d != "" {
			t.Errorf("%s: %s", c.name, d)
		}
	}
}

func TestAnOwedBallotIsDroppedDurably(t *testing.T) {
	box := &core.Outbox{}
	p := New(1, 9, box, never)
	p.Adopt(view(4, []ids.Ballot{bal(1, 1), bal(2, 1), bal(3, 1), bal(3, 2)}, 0, 1), 7, history.New(box, 0))
	h := standing(box, bal(2, 1))
	p.DropOwed(h, []ids.Ballot{bal(3, 1)})
	if d := cmp.Diff([]ids.Ballot{bal(3, 2)}, owed(p)); d != "" {
		t.Error(d)
	}
	last := box.LastWrite()
	if w := box.Output().Writes; w[len(w)-1].Kind != wire.WriteMeta || len(w[len(w)-1].Meta.Owed) != 1 {
		t.Error("what is dropped is not durable")
	}
	if p.DropOwed(h, nil); box.LastWrite() != last {
		t.Error("nothing is dropped, and it is written")
	}
}

func TestAPromiseIsKeptInTheRoundOfItsView(t *testing.T) {
	for _, c := range []struct {
		name     string
		self     ids.Node
		promised ids.Ballot
		stands   ids.Ballot
		kept     bool
	}{
		{"in the promised ballot", 1, bal(4, 2), bal(4, 2), true},
		{"in an earlier ballot", 1, bal(4, 2), bal(4, 1), false},
		{"in no round yet", 1, bal(4, 0), bal(4, 0), false},
		{"in a ballot of another view", 1, bal(3, 1), bal(3, 1), false},
		{"outside the view", 5, bal(4, 2), bal(4, 2), false},
	} {
		box := &core.Outbox{}
		p, h := New(c.self, 9, box, never), standing(box, c.stands)
		if p.Kept(h) {
			t.Errorf("%s: kept without a view", c.name)
		}
		p.Adopt(view(4, nil, 0, 1), 7, h)
		if p.Bind(c.promised); p.Kept(h) != c.kept {
			t.Errorf("%s: kept: %t", c.name, !c.kept)
		}
	}
}

func TestWhatIsDurableIsRecovered(t *testing.T) {
	box := &core.Outbox{}
	p := New(0, 9, box, never)
	p.Adopt(view(4, []ids.Ballot{bal(3, 1)}, 0, 1), 7, history.New(box, 0))
	p.Bind(bal(4, 2))
	p.Persist()
	w := box.Output().Writes[0]
	if w.Seq != p.Written() || w.Meta.Inc != 9 {
		t.Fatalf("written %+v", w)
	}
	q := New(0, 9, box, never)
	q.Recover(w.Meta, 0)
	q.Restarted(8)
	if q.Ballot() != bal(4, 2) || !q.IsPrimary() || q.ViewAt() != 8 || len(q.Owed()) != 1 || len(q.Members()) != 2 {
		t.Errorf("recovered %+v", q)
	}
	none := New(0, 9, box, never)
	if none.Recover(&wire.NodeMeta{Promised: bal(1, 1)}, 8); none.View() != nil || none.IsMember() || none.IsPrimary() {
		t.Error("a node without a view is in one")
	}
}
