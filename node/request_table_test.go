package node

import (
	"sync"
	"testing"

	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/front"
	"github.com/cohortkv/cohort/node/ids"
)

func TestALateAnswerFindsNoRequest(t *testing.T) {
	var s requestTable
	gone, next := front.NewWaiter(), front.NewWaiter()
	s.add(gone)
	if !s.takeBack(gone) || s.takeBack(gone) {
		t.Fatal("a waiter can be taken back once")
	}
	s.add(next) // in the same place
	s.end(core.Reply{Token: gone.Token})
	s.end(core.Reply{Token: 12345})
	if len(gone.Done) != 0 || len(next.Done) != 0 {
		t.Fatal("a stale or unknown token signalled a waiter")
	}
	reply := core.Reply{Token: next.Token, Outcome: core.NotInView}
	s.end(reply)
	s.end(reply)
	if <-next.Done; next.Reply.Outcome != core.NotInView || len(next.Done) != 0 || s.takeBack(next) {
		t.Errorf("reply %+v, %d more signals", next.Reply, len(next.Done))
	}
}

func TestTokensOfOpenRequestsDiffer(t *testing.T) {
	var s requestTable
	seen := map[ids.Token]bool{0: true}
	for range 3 {
		var all []*front.Waiter
		for range 100 {
			w := front.NewWaiter()
			s.add(w)
			if seen[w.Token] {
				t.Fatalf("token %d twice", w.Token)
			}
			seen[w.Token] = true
			all = append(all, w)
		}
		for _, w := range all {
			s.end(core.Reply{Token: w.Token})
		}
	}
	if n := len(s.mu.entries); n != 100 {
		t.Errorf("%d places for 100 waiters at a time", n)
	}
}

// A waiter that cannot be taken back has its signal. A handler relies on this.
func TestAWaiterIsEitherTakenBackOrSignalled(t *testing.T) {
	var s requestTable
	w := front.NewWaiter()
	for range 5000 {
		s.add(w)
		reply := core.Reply{Token: w.Token}
		var ends sync.WaitGroup
		ends.Go(func() { s.end(reply) })
		takenBack := s.takeBack(w)
		signalled := !takenBack && len(w.Done) == 1
		ends.Wait()
		if takenBack == signalled || takenBack && len(w.Done) != 0 {
			t.Fatalf("taken back: %v, signalled: %v, signals: %d", takenBack, signalled, len(w.Done))
		}
		if signalled {
			<-w.Done
		}
	}
}
