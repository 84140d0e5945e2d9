package schedule

import (
	"fmt"
	"testing"
)

func TestEveryScheduleMeetsItsMinimums(t *testing.T) {
	for seed := range uint64(600) {
		s := Generate(seed, Operator(seed)%Operators, Model(seed/3)%Models, Profile(seed/9)%Profiles)
		faults := 0
		for _, st := range s.Steps {
			if st.Fault != nil {
				faults++
			}
		}
		lists := 3
		if s.Profile != Usual && s.Profile != ReusedCounters {
			lists = 1 // episodes of their own
		}
		if s.Nodes < 3 || s.Nodes > MaxNodes || faults < minFaults || s.lists() < lists || s.operations() < 300 {
			t.Errorf("seed %d: %d nodes, %d faults, %d lists, %d operations", seed, s.Nodes, faults, s.lists(), s.operations())
		}
	}
}

func TestShrinkKeepsTheStepsThatTheFailureNeeds(t *testing.T) {
	s := Generate(7, Sane, Strong, Usual)
	needed := s.Steps[3]
	small := Shrink(s, func(s *Schedule) bool {
		found := false
		for _, st := range s.Steps {
			found = found || st == needed
		}
		return found && len(s.Clients) > 0
	}, 1000)
	if len(small.Steps) != 1 || small.Steps[0] != needed || len(small.Clients) != 1 || len(small.Clients[0].Ops) != 1 {
		t.Errorf("what is left:\n%s", small)
	}
	if fmt.Sprint(s) != fmt.Sprint(Generate(7, Sane, Strong, Usual)) {
		t.Error("the schedule that was given was changed")
	}
}
