// Package step collects what the parts of one causal replica want done in a step of the
// machine: changes to persist, effects that wait for writes to become durable, the numbers of
// questions to peers, and the time of the next step. Messages, replies, reads and events go to
// the core.Outbox of the machine, which a Step embeds.
//
// Whatever depends on a write waits until the write is durable: in the Outbox if it is a
// message, and here if it is an effect. No client is told, and K does not count, what a crash
// could still take back (I15; docs/causal.md §11).
//
// A Step is a value without I/O. One goroutine at a time may use it.
package step

import (
	"math"

	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// never is later than any time: no step is due.
const never = wire.Instant(math.MaxInt64)

// Step is shared by all parts of one replica, so one write has all that they change in a step.
type Step struct {
	*core.Outbox
	Self   wire.NodeBoot    // this node in its present boot
	Change wire.CausalWrite // what this step has changed and Commit has not persisted yet
	// Holdings takes K, readiness and GC counters of the slots that have changed; nil: none have.
	// Commit persists them with the other changes.
	Holdings func() *wire.Holdings

	now      wire.Instant // the time of this step
	next     wire.Instant // when a step is due, at the latest; never: none is
	effects  []effect     // wait for writes to become durable; seq ascends
	sessions uint64       // number of the last question to a peer; begins at the boot, so late answers to an earlier boot match no question
}

// effect is something that may be done only when a write is durable: K may not count, and no
// client may be told, before that.
type effect struct {
	seq uint64 // the write
	do  func()
}

// New returns a Step of a node in a boot. box must outlive it.
func New(self wire.NodeBoot, box *core.Outbox) *Step {
	return &Step{Outbox: box, Self: self, Holdings: func() *wire.Holdings { return nil }, next: never, sessions: uint64(self.Boot)}
}

// SetNow sets the time. The time never goes back.
func (s *Step) SetNow(now wire.Instant) { s.now = now }

// Now is the time of this step.
func (s *Step) Now() wire.Instant { return s.now }

// Due reports that the time of Next has come. If so, Next is forgotten: everything that is due
// later sets the alarm anew.
func (s *Step) Due() bool {
	if s.now < s.next {
		return false
	}
	s.next = never
	return true
}

// LastSession is the number of the last question to a peer.
func (s *Step) LastSession() uint64 { return s.sessions }

// Next is when a step is due even if no input arrives.
func (s *Step) Next() wire.Instant { return s.next }

// Alarm makes a step due at an instant, at the latest.
func (s *Step) Alarm(at wire.Instant) { s.next = min(s.next, at) }

// After calls do when the write seq is durable, or at once if seq is durable already.
func (s *Step) After(seq uint64, do func()) {
	if s.IsDurable(seq) {
		do()
		return
	}
	s.effects = append(s.effects, effect{seq, do})
}

// OnDurable runs the effects that waited for writes up to seq.
func (s *Step) OnDurable(seq uint64) {
	for len(s.effects) > 0 && s.effects[0].seq <= seq {
		do := s.effects[0].do
		s.effects[0] = effect{}
		s.effects = s.effects[1:]
		do()
	}
}

// Commit persists the changes of this step as one write, and returns the number of that
// write. If nothing was changed, commit returns the last write there was: what depends on
// the state of this step is durable with that one. K is persisted in the same write as the
// items that it covers, or in a later one (I15).
func (s *Step) Commit() uint64 {
	w := &s.Change
	w.Known = s.Holdings()
	lists := len(w.Put) + len(w.Drop) + len(w.Free) + len(w.Live) + len(w.Views) + len(w.Applied) + len(w.Finished)
	if lists == 0 && w.Known == nil && !w.AlumniSet && !w.NewStreams && w.GCCounter == 0 {
		return s.LastWrite()
	}
	done := s.Change
	s.Change = wire.CausalWrite{}
	return s.Persist(wire.Write{Kind: wire.WriteCausal, Causal: &done})
}

// Respond answers a question when all writes so far are durable: the answer may speak of
// pending knowledge and of items that this step wrote (docs/causal.md §11).
func (s *Step) Respond(to ids.Node, replyTo ids.ReplyTo, m wire.Message) {
	s.PostAfter(s.LastWrite(), core.Envelope{To: to, Answer: replyTo, Message: m})
}

// SendDurable sends a message when all writes so far are durable.
func (s *Step) SendDurable(to ids.Node, m wire.Message) {
	s.PostAfter(s.LastWrite(), core.Envelope{To: to, Message: m})
}

// Session returns the number of a new question to peers. Answers to other numbers do not
// count.
func (s *Step) Session() uint64 {
	s.sessions++
	return s.sessions
}
