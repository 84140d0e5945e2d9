package loss

import (
	"slices"
	"testing"

	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/node/causal/catalog"
	"github.com/cohortkv/cohort/node/causal/slots"
	"github.com/cohortkv/cohort/node/causal/step"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// noStreams are the streams of a node that has written nothing.
type noStreams struct{}

func (noStreams) Durable(wire.Stream, uint64, bool) bool { return false }
func (noStreams) Got(wire.Stream, uint64) bool           { return false }
func (noStreams) Vector(bool) wire.Vector                { return nil }

// begun are the boots at node 9, in boot 90. Node 9 owns all slots, and they are ready.
func begun() *Boots {
	var l *Boots
	t := slots.New(3, noStreams{}, func(s wire.Stream) bool { return l.StreamEnded(s) })
	t.Assign(func(hashing.Slot) bool { return true }, false, true, 0)
	l = New(step.New(wire.NodeBoot{Node: 9, Boot: 90}, &core.Outbox{}), &t)
	return l
}

func from(id ids.Node, boot ids.Boot) wire.Header { return wire.Header{From: id, Boot: boot} }

// ask is the number of a question that is sent now.
func (l *Boots) ask() uint64 { return l.step.Session() }

// satisfied reports that no request waits for a position.
func (l *Boots) satisfied(node ids.Node, boot ids.Boot, n uint64) bool {
	return l.slots.Satisfied(l.slots.At(0), wire.Stream{Node: node, Boot: boot}, n)
}

func nobody(wire.NodeBoot) bool { return false }

// TestABootHasEndedWhenItsNodeAnswersInAnother: neither a hello nor the answer to an earlier
// question shows that a boot has ended. Both may have been under way for long.
func TestABootHasEndedWhenItsNodeAnswersInAnother(t *testing.T) {
	l := begun()
	l.End()
	l.Note(1, 10)
	l.Note(1, 10)
	l.Answered(from(1, 10), l.ask())
	if l.Inquiring() || len(l.List()) > 0 {
		t.Fatalf("a node goes on living, and over are %v", l.List())
	}
	early := l.ask()
	l.Note(1, 11) // a hello of an earlier boot, or of a new one
	l.Answered(from(1, 10), early)
	late := l.ask()
	l.Answered(from(2, 20), late)
	if l.Inquiring() || len(l.List()) > 0 {
		t.Fatalf("over are %v before the node was asked", l.List())
	}
	l.Answered(from(1, 11), late)
	if want := []wire.NodeBoot{{Node: 1, Boot: 10}}; !l.Inquiring() || !slices.Equal(l.List(), want) {
		t.Fatalf("over are %v, want %v", l.List(), want)
	}
	l.Answered(from(1, 10), l.ask()) // a late answer of the old boot
	if l.Ended(1, 11) {
		t.Error("the present boot has ended")
	}
}

func TestWhatOthersKnowToBeOverIsNewsOnce(t *testing.T) {
	l := begun()
	told := []wire.NodeBoot{{Node: 2, Boot: 5}}
	before := l.Inquiry()
	l.Hear(told, nobody)
	news := l.Inquiry()
	if !l.Inquiring() || news == before || !slices.Equal(l.List(), told) {
		t.Fatalf("asking %t, news %d, told %v", l.Inquiring(), news, l.List())
	}
	if l.Hear(told, nobody); l.Inquiry() != news {
		t.Error("it is news a second time")
	}
}

func TestWhichEndedBootsOfAPeerAreBelieved(t *testing.T) {
	l := begun()
	present := func(b wire.NodeBoot) bool { return b.Node == 1 }
	l.Hear([]wire.NodeBoot{{Node: 9, Boot: 90}, {Node: 1, Boot: 10}, {Node: 2, Boot: 20}}, present)
	if want := []wire.NodeBoot{{Node: 2, Boot: 20}}; !slices.Equal(l.List(), want) {
		t.Errorf("believed are %v, want %v", l.List(), want)
	}
	if !l.Suspecting() || l.MustAsk(1) {
		t.Error("a node that is heard is not suspected, or is asked at once")
	}
	if l.step.SetNow(SuspectDelay); !l.MustAsk(1) || l.MustAsk(2) {
		t.Error("a node that is heard is not asked itself, or another one is")
	}
	if l.DropSuspects(); !l.Suspecting() {
		t.Error("the suspicion goes too early")
	}
	l.step.SetNow(suspectFor)
	if l.DropSuspects(); l.Suspecting() {
		t.Error("the suspicion stays for ever")
	}
}

func TestSuspectsAndEndedBootsAreBounded(t *testing.T) {
	l := begun()
	for n := range ids.Boot(2 * catalog.MaxUnknown) {
		l.Suspect(wire.Stream{Node: 1, Boot: n})
	}
	if n := len(l.suspects); n != catalog.MaxUnknown {
		t.Errorf("%d boots are suspected", n)
	}
	for n := range ids.Boot(MaxEnded + 1) {
		l.Hear([]wire.NodeBoot{{Node: 1, Boot: n + 1}}, nobody)
		l.End()
	}
	if l.Ended(1, 1) || !l.Ended(1, 2) || len(l.List()) != MaxEnded || len(l.resolved) != MaxEnded {
		t.Errorf("%d boots are over, %d of them for good", len(l.List()), len(l.resolved))
	}
}

func TestAStreamIsLostWhenItsBootIsOverAndAllWereAsked(t *testing.T) {
	l := begun()
	if !l.StreamEnded(wire.Stream{Node: 9, Boot: 80}) || l.StreamEnded(wire.Stream{Node: 9, Boot: 90}) {
		t.Error("this node's own boots")
	}
	l.Hear([]wire.NodeBoot{{Node: 2, Boot: 20}}, nobody)
	if l.satisfied(2, 20, 1) {
		t.Error("lost before every peer was asked")
	}
	l.End()
	if !l.satisfied(2, 20, 1) || l.satisfied(2, 21, 1) {
		t.Error("not lost after the inquiry, or another boot is")
	}
	if l.Restart(); l.satisfied(2, 20, 1) {
		t.Error("lost, though a node has turned up that was not asked")
	}
}

// TestWhatTheStreamsOwnNodeReportsIsLostIfItIsNotHere is docs/causal.md §10, rules 14 and 15.
func TestWhatTheStreamsOwnNodeReportsIsLostIfItIsNotHere(t *testing.T) {
	at := func(node ids.Node, n uint64) wire.Position {
		return wire.Position{Stream: wire.Stream{Node: node, Boot: ids.Boot(node)}, N: n}
	}
	isPeer := func(id ids.Node) bool { return id <= 2 }
	for _, c := range []struct {
		name        string
		blank, over bool
		lost        bool // the positions that count
	}{
		{"nothing was lost", false, false, false},
		{"this node began empty", true, false, true},
		{"some boot is over", false, true, true},
	} {
		l := begun()
		if c.blank {
			l.NoteBlank()
		}
		if c.over {
			l.Hear([]wire.NodeBoot{{Node: 7, Boot: 70}}, nobody)
		}
		l.HearPositions(1, []wire.Vector{{at(1, 3), at(2, 4), at(5, 5)}}, isPeer)
		l.End()
		for id, want := range map[ids.Node]bool{1: c.lost, 2: false, 5: c.lost} {
			if got := l.satisfied(id, ids.Boot(id), 3); got != want {
				t.Errorf("%s: position 3 of node %d is lost: %t", c.name, id, got)
			}
		}
		l.HearPositions(2, []wire.Vector{{at(2, 9)}}, isPeer)
		if len(l.heard) > 0 && l.heard.At(at(2, 9).Stream) == 9 {
			t.Errorf("%s: a report counts outside an inquiry", c.name)
		}
	}
}

func TestAForgottenNodeIsOverOnceAllWereAsked(t *testing.T) {
	l := begun()
	order := wire.Forgotten{Node: 3, View: ids.View{Number: 5}}
	if !l.Forget(order) || l.Forget(order) || !l.Told(order) || !l.Forgotten(3) || l.Forgotten(4) {
		t.Error("an order is carried out twice, or not at all")
	}
	old := wire.Stream{Node: 3, Boot: 30}
	if l.GivenUp(3) || l.StreamEnded(old) {
		t.Error("the node is over before every peer was asked")
	}
	if l.GiveUp(3); !l.GivenUp(3) || !l.StreamEnded(old) {
		t.Error("the node is not over")
	}
	later := wire.Forgotten{Node: 3, View: ids.View{Number: 6}}
	if l.Told(later) || !l.Forget(later) || l.GivenUp(3) {
		t.Error("the order of a later view changes nothing")
	}
	l.Forget(wire.Forgotten{Node: 1, View: ids.View{Number: 5}})
	if got := l.ForgottenList(); len(got) != 2 || got[0].Node != 1 || got[1] != later {
		t.Errorf("told are %v", got)
	}
	if l.Readmit(3); l.Forgotten(3) {
		t.Error("a view that has the node does not end that")
	}
	for n := range ids.Node(MaxForgotten) {
		l.Forget(wire.Forgotten{Node: 100 + n})
	}
	if n := len(l.ForgottenList()); n != MaxForgotten || l.Forget(wire.Forgotten{Node: 99}) {
		t.Errorf("%d nodes are forgotten", n)
	}
}
