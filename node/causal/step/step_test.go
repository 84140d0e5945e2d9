package step

import (
	"slices"
	"testing"

	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

func begun() *Step { return New(wire.NodeBoot{Node: 1, Boot: 100}, &core.Outbox{}) }

// durable makes a write durable, in the order of the machine.
func (s *Step) durable(seq uint64) {
	s.MarkDurable(seq)
	s.OnDurable(seq)
}

func TestAnEffectWaitsForItsWrite(t *testing.T) {
	s := begun()
	var done []string
	s.After(s.Commit(), func() { done = append(done, "nothing was changed") })
	s.Change.Drop = []string{"a"}
	first := s.Commit()
	s.After(first, func() { done = append(done, "first") })
	s.Change.Drop = []string{"b"}
	second := s.Commit()
	s.After(second, func() { done = append(done, "second") })
	if want := []string{"nothing was changed"}; !slices.Equal(done, want) {
		t.Fatalf("before anything is durable: %q", done)
	}
	s.durable(first)
	if want := []string{"nothing was changed", "first"}; !slices.Equal(done, want) {
		t.Fatalf("when the first write is durable: %q", done)
	}
	s.durable(second)
	s.After(first, func() { done = append(done, "late") })
	if want := []string{"nothing was changed", "first", "second", "late"}; !slices.Equal(done, want) {
		t.Fatalf("when both writes are durable: %q", done)
	}
}

func TestAStepWithoutChangesWritesNothing(t *testing.T) {
	for name, c := range map[string]struct {
		change wire.CausalWrite
		writes int
	}{
		"nothing":                {wire.CausalWrite{}, 0},
		"an item":                {wire.CausalWrite{Put: make([]wire.Item, 1)}, 1},
		"streams that begin":     {wire.CausalWrite{NewStreams: true}, 1},
		"a GC counter":           {wire.CausalWrite{GCCounter: 1}, 1},
		"a result":               {wire.CausalWrite{Applied: make([]wire.AppliedWrite, 1)}, 1},
		"a position of a stream": {wire.CausalWrite{Live: make([]wire.Position, 1)}, 1},
		"no more former members": {wire.CausalWrite{AlumniSet: true}, 1},
	} {
		s := begun()
		s.Change = c.change
		seq := s.Commit()
		if n := len(s.Output().Writes); n != c.writes || seq != uint64(n) || s.Commit() != seq {
			t.Errorf("%s: %d writes, the last one %d", name, n, seq)
		}
	}
}

func TestMessagesAboutTheStateWaitForAllWrites(t *testing.T) {
	s := begun()
	s.Change.Drop = []string{"a"}
	seq := s.Commit()
	s.Respond(2, "reply", &wire.Digest{})
	s.SendDurable(3, &wire.HandoffAck{})
	s.Send(4, &wire.Truncated{})
	to := func() (list []ids.Node) {
		for _, e := range s.Output().Messages {
			list = append(list, e.To)
		}
		return list
	}
	if got := to(); !slices.Equal(got, []ids.Node{4}) {
		t.Errorf("sent before the write is durable: to %v", got)
	}
	s.durable(seq)
	if got := to(); !slices.Equal(got, []ids.Node{4, 2, 3}) || s.Output().Messages[1].Answer != "reply" {
		t.Errorf("sent in the end: to %v", got)
	}
}

func TestTheEarliestAlarmMakesAStepDue(t *testing.T) {
	s := begun()
	if s.SetNow(5); s.Due() {
		t.Error("due without an alarm")
	}
	s.Alarm(20)
	s.Alarm(10)
	s.Alarm(30)
	if s.SetNow(9); s.Next() != 10 || s.Due() {
		t.Errorf("due before the alarm at %d", s.Next())
	}
	if s.SetNow(10); !s.Due() || s.Due() {
		t.Error("not due at the time of the alarm, or due twice")
	}
}

func TestQuestionsAreNumberedFromTheBoot(t *testing.T) {
	s := begun()
	if a, b := s.Session(), s.Session(); a != 101 || b != 102 || s.LastSession() != 102 {
		t.Errorf("numbers %d and %d", a, b)
	}
}
