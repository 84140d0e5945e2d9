package results

import (
	"math"
	"testing"

	"github.com/cohortkv/cohort/node/causal/step"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/forward"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// begun are the results at node 9. The boots of a set have ended.
func begun(ended map[ids.Boot]bool, results int) *Results {
	s := step.New(wire.NodeBoot{Node: 9, Boot: 90}, &core.Outbox{})
	return New(s, func(_ ids.Node, boot ids.Boot) bool { return ended[boot] }, results, 8)
}

func item(node ids.Node, boot ids.Boot, counter uint64) *wire.Item {
	return &wire.Item{Key: "x", ID: ids.Request{Node: node, Boot: boot, Counter: counter}}
}

func TestWhetherAForwardedWriteFoundAValueIsKnownToTheNodeThatAppliedItAndGuessedByOthers(t *testing.T) {
	s := begun(nil, 8)
	for n, row := range []struct {
		counter     uint64
		here        bool // the write was applied here
		found, want bool
	}{
		{1, false, false, false},
		{2, false, false, true},
		{2, true, false, false}, // over a tombstone
		{2, true, true, true},
	} {
		x := item(1, 1, uint64(n))
		x.Version.Counter = row.counter
		if row.here {
			s.Remember(x, true, row.found)
		}
		s.Remember(x, false, false)
		if got, fate := s.Fate(x.ID); fate != forward.Done || got.Existed != row.want {
			t.Errorf("%+v: %t", row, got.Existed)
		}
	}
}

func TestWhatIsKnownOfAForwardedWrite(t *testing.T) {
	s := begun(map[ids.Boot]bool{70: true}, 8)
	s.Remember(item(1, 10, 1), true, false)
	s.Remember(item(1, 10, 4), true, false)
	s.Remember(&wire.Item{Key: "of no forwarder"}, true, false)
	s.HearLowestOpen(wire.Header{From: 1, Boot: 10}, 3)
	for _, c := range []struct {
		name string
		id   ids.Request
		want forward.Fate
	}{
		{"applied", ids.Request{Node: 1, Boot: 10, Counter: 4}, forward.Done},
		{"not heard of", ids.Request{Node: 1, Boot: 10, Counter: 5}, forward.New},
		{"below the lowest open counter", ids.Request{Node: 1, Boot: 10, Counter: 1}, forward.Finished},
		{"of another boot", ids.Request{Node: 1, Boot: 11, Counter: 4}, forward.New},
		{"of a boot that has ended", ids.Request{Node: 7, Boot: 70, Counter: 4}, forward.Finished},
	} {
		if _, got := s.Fate(c.id); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

func TestOfABootThatHasEndedNothingIsKept(t *testing.T) {
	ended := map[ids.Boot]bool{}
	s := begun(ended, 8)
	s.Remember(item(7, 70, 3), true, false)
	ended[70] = true
	if s.Prune(1); s.table.Len() != 0 {
		t.Errorf("%d results of it are kept", s.table.Len())
	}
	if s.Remember(item(7, 70, 4), false, false); s.table.Len() != 0 {
		t.Error("what an exchange brings of it is kept")
	}
}

// TestResultsAreKnownAfterARestart: from what was persisted, no write that was applied is new.
func TestResultsAreKnownAfterARestart(t *testing.T) {
	ended := map[ids.Boot]bool{}
	s := begun(ended, 2)
	for n := range uint64(3) { // the third one takes the room of the first two
		s.Remember(item(1, 10, n+1), true, true)
	}
	s.Remember(item(7, 70, 5), true, false)
	s.Remember(item(7, 70, 5), false, false) // comes back by an exchange: nothing new
	ended[70] = true
	s.Prune(1)
	c := s.step.Change
	again := begun(ended, 8)
	again.Recover(c.Applied, c.Finished)
	for _, n := range []uint64{1, 2, 3} {
		want, _ := s.Fate(ids.Request{Node: 1, Boot: 10, Counter: n})
		id := ids.Request{Node: 1, Boot: 10, Counter: n}
		_, before := s.Fate(id)
		if got, fate := again.Fate(id); fate != before || fate == forward.New || fate == forward.Done && got != want {
			t.Errorf("write %d: %v, %+v after the restart, %v, %+v before", n, fate, got, before, want)
		}
	}
	if len(c.Applied) != 4 || c.Finished[len(c.Finished)-1] != (wire.FinishedWrites{Forwarder: wire.NodeBoot{Node: 7, Boot: 70}, Below: math.MaxUint64}) {
		t.Errorf("persisted are %+v and %+v", c.Applied, c.Finished)
	}
}

func TestAResultThatHasToGoIsReported(t *testing.T) {
	s := begun(nil, 2)
	for n := range uint64(3) {
		s.Remember(item(1, 10, n+1), true, false)
	}
	if events := s.step.Output().Events; len(events) != 1 || events[0].Kind != EventForwardForgotten || events[0].Peer != 1 {
		t.Errorf("%+v", events)
	}
}
