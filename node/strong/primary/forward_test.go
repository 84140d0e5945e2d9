package primary

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cohortkv/cohort/node/wire"
)

// reply is how an answered Forward of node 1 looks.
func reply(parts ...any) string {
	text := "1 reply"
	for i := 0; i < len(parts); i += 2 {
		text += fmt.Sprint(" ", parts[i], ":", parts[i+1])
	}
	return text
}

func TestAForwardIsAnsweredWhenAllItsWritesAreDecided(t *testing.T) {
	s := begin(t)
	s.forward(1, 1, 2, 3, 4)
	s.said()
	s.commit(3)
	s.expect("three of four", "1 prepare 4+1 committed 3", "2 prepare 4+1 committed 3")
	s.commit(4)
	s.expect("all", reply(1, wire.Created, 2, wire.Created, 3, wire.Created, 4, wire.Created))
	if len(s.byID)+len(s.keys) > 0 {
		t.Error("what is decided is kept")
	}
}

func TestAWriteThatIsAskedForAgainIsOrderedOnce(t *testing.T) {
	s := begin(t)
	s.forward(1, 1)
	s.said()
	s.forward(1, 1, 2)
	s.expect("pending")
	s.commit(1)
	s.expect("the first one is committed", "1 prepare 2+1 committed 1", "2 prepare 2+1 committed 1")
	s.commit(2)
	s.expect("only the last Forward is answered", reply(1, wire.Created, 2, wire.Created))
	s.forward(1, 1, 2)
	s.expect("from the ledger", reply(1, wire.Created, 2, wire.Created))
	s.forward(2, 2, 1)
	s.expect("finished, says the forwarder", reply(2, wire.Created, 1, wire.Created))
}

func TestFinishedAndCancelledWritesAreAnsweredAsUnknown(t *testing.T) {
	s := begin(t)
	s.forward(5)
	s.expect("nothing is open", reply())
	s.forward(1, 4, 5)
	s.said()
	s.commit(1)
	s.expect("below the lowest open counter that was said", reply(4, wire.Unknown, 5, wire.Created))
	s.Cancel(header(1), 7)
	s.forward(5, 7)
	s.expect("cancelled", reply(7, wire.Unknown))
	s.forward(8, 7, 8)
	if s.said(); len(s.backups[0].cancelled) > 0 {
		t.Error("a cancelled counter is kept that its forwarder has finished with")
	}
	stranger := header(1)
	stranger.Inc = 99
	s.Cancel(stranger, 9)
	again := header(1)
	again.Boot = 10
	s.Cancel(again, 9)
	if b := s.backups[0]; b.boot != 10 || b.lowestOpen != 0 || len(b.cancelled) != 1 {
		t.Errorf("a restarted forwarder counts from 1 again: %+v", b)
	}
	for c := range uint64(2 * maxCancelled) {
		s.Cancel(again, c)
	}
	if n := len(s.backups[0].cancelled); n != maxCancelled {
		t.Errorf("%d cancelled requests are kept", n)
	}
}

func TestAForwardIsRefusedUnlessItIsOfThisBallotAndIncarnation(t *testing.T) {
	for name, change := range map[string]func(h *wire.Header, m *wire.Forward){
		"of another ballot":      func(_ *wire.Header, m *wire.Forward) { m.Ballot.Round++ },
		"of another incarnation": func(h *wire.Header, _ *wire.Forward) { h.Inc++ },
		"of a stranger":          func(h *wire.Header, _ *wire.Forward) { h.From = 7 },
		"of this node":           func(h *wire.Header, _ *wire.Forward) { h.From, h.Inc = 0, 0 },
		"without annotation":     func(_ *wire.Header, m *wire.Forward) { m.Ops = append(m.Ops, m.Ops...) },
	} {
		s := begin(t)
		h, m := header(1), &wire.Forward{Ballot: ballot, LowestOpen: 1, Ops: []wire.ForwardedOp{{Counter: 1, Op: *put("k")}}}
		change(&h, m)
		if s.OnForward(s.now, h, "there", m, make([]wire.Meta, 1)) || len(s.queue)+len(s.inLog) > 0 {
			t.Errorf("accepted: %s", name)
		}
	}
}

func TestWritesThatNobodyAsksForAnyMoreAreGivenUp(t *testing.T) {
	s := begin(t)
	s.submit(1, put("own"))
	s.commit(1)
	s.forward(1, 1, 2)
	s.submit(2, put("own"))
	s.forward(1, 3)
	s.said()
	s.now += queueTimeout
	if at := s.Expire(s.now); len(at) > 0 {
		t.Errorf("given up at its bound: %v", at)
	}
	s.forward(1, 2) // again
	s.now++
	if d := cmp.Diff([]uint64{2}, s.Expire(s.now)); d != "" {
		t.Errorf("in the log: %s", d)
	}
	s.expect("the queue's Forward has no open write any more", reply())
	if len(s.queue) != 1 || !s.queue[0].own {
		t.Errorf("%d writes are in the queue", len(s.queue))
	}
}

func TestWhatIsNotAcknowledgedIsSentAgain(t *testing.T) {
	s := begin(t)
	s.forward(1, 1, 2, 3)
	s.said()
	s.durable()
	s.Acknowledged(s.now, 1, 2)
	if s.Late(s.now + repeatAfter - 1) {
		t.Error("late too early")
	}
	s.now += repeatAfter
	if !s.Late(s.now) {
		t.Error("not late")
	}
	s.Repeat(s.now)
	s.expect("to each what it lacks", "1 prepare 3+1 committed 0", "2 prepare 1+3 committed 0")
	s.history.Abandon(0, 7, 3)
	s.Repeat(s.now)
	s.expect("but for what was abandoned", "2 prepare 1+2 committed 0")
	s.now += gateSilence
	s.Repeat(s.now)
	s.expect("but to members that are not there")
	s.hear(1, 2)
	s.Acknowledged(s.now, 1, 3)
	s.Acknowledged(s.now, 2, 3)
	s.expect("an abandoned entry is committed like any other", reply(1, wire.Created, 2, wire.Created, 3, wire.Created))
	if s.Late(s.now + wire.Second) {
		t.Error("late, and all is committed")
	}
}

func TestAnAcknowledgementCountsForTheIncarnationOfTheBallot(t *testing.T) {
	s := begin(t)
	stranger := header(1)
	stranger.Inc = 99
	if !s.CountsOn(header(1)) || s.CountsOn(stranger) || s.CountsOn(header(7)) || s.CountsOn(header(0)) {
		t.Error("another incarnation, a stranger or this node counts, or the backup does not")
	}
	s.forward(1, 1)
	s.commit(1)
	s.Acknowledged(s.now, 1, 0) // late
	if s.backups[0].acked != 1 {
		t.Error("a late acknowledgement takes back another one")
	}
}
