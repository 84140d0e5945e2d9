// Package peers has the peers of a causal replica: the members, former members and guests of its
// view. It judges for each whether messages reach it (docs/causal.md §1.3), and for a former member
// whether the owners have its data (docs/causal.md §7.4). Reachability decides only how long something is waited for, and never what a read may
// show: a wrong judgement costs time, not consistency. Draining decides when a former member may
// be forgotten (I25).
//
// The types are state machines without I/O: the caller brings the messages and the time. One
// goroutine at a time may use them.
package peers

import (
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// Silence is the time without a hello after which a member that is not far counts as silent
// (docs/views.md §3.1), and the time without any message after which such a peer counts as
// unreachable.
const Silence = 500 * wire.Millisecond

// fresh is the greatest age of the last hello of a replica that a write waits for
// (docs/causal.md §3.2, rule 6).
const fresh = 300 * wire.Millisecond

// Contact is what a node has heard of a peer, and when. It answers two questions. The peer is
// *reachable* if any message came lately: a question to the peer may then be waited for. The
// peer *greets* if a hello of this view came lately: the peer is in this view, and its last
// statements about itself hold.
type Contact struct {
	Boot  ids.Boot // the peer's boot, as last heard; 0: not known yet
	Ready bool     // the peer's last hello in this view said that all its slots are ready
	Mute  bool     // the peer left a forward unanswered, and no message has come since

	quiet   wire.Instant // time without a hello after which a member counts as silent; 0: the peer is no member
	greeted bool         // a hello has come in this view
	helloAt wire.Instant // when the last hello of this view came; meaningful if greeted
	heardAt wire.Instant // when the last message of any kind came; 0: never
}

// Member is the contact with a member of a view that counts as silent after quiet.
func Member(quiet wire.Instant) Contact { return Contact{quiet: quiet} }

// Heard is the contact with a node outside the view that has just been heard, or that a peer
// has just named. boot is 0 in the latter case.
func Heard(now wire.Instant, boot ids.Boot) Contact { return Contact{Boot: boot, heardAt: now} }

// Resume takes over the boot and the time of the last message from an earlier view's contact
// with the same peer. Hellos of an earlier view do not count in this one.
func (c *Contact) Resume(old *Contact) { c.Boot, c.heardAt = old.Boot, old.heardAt }

// Is reports that a boot is the known one, or that none is known yet. A caller ignores messages
// of another boot: they may be late.
func (c *Contact) Is(boot ids.Boot) bool { return c.Boot == 0 || c.Boot == boot }

// NoteMessage notes that a message of any kind has come.
func (c *Contact) NoteMessage(now wire.Instant) { c.heardAt, c.Mute = now, false }

// Return is how a hello differs from those before.
type Return struct {
	Silent  bool // an earlier hello of this view came, and the peer was silent since
	NewBoot bool // the boot is not the one that was known, or none was known
	Known   bool // a boot was known before
}

// NoteHello takes in a hello of this view, and says how it differs from those before.
func (c *Contact) NoteHello(now wire.Instant, boot ids.Boot, ready bool) Return {
	r := Return{Silent: c.greeted && now-c.helloAt > c.Silence(), NewBoot: c.Boot != boot, Known: c.Boot != 0}
	c.NoteMessage(now)
	c.Boot, c.Ready, c.greeted, c.helloAt = boot, ready, true, now
	return r
}

// Far reports that the peer is a far member, which exchanges few hellos with this node
// (docs/causal.md §1.3, rule 1).
func (c *Contact) Far() bool { return c.quiet > Silence }

// Silence is the time after which this peer counts as silent, or as unreachable.
func (c *Contact) Silence() wire.Instant { return max(Silence, c.quiet) }

// Reachable reports that a message has come lately, or that the view was adopted so lately, at
// since, that none need have come yet (docs/causal.md §1.3, rule 3).
func (c *Contact) Reachable(now, since wire.Instant) bool { return now <= c.ReachableUntil(since) }

// ReachableUntil is the last instant at which the peer counts as reachable if no more messages
// come. A far member that has not been heard since the view was adopted gets the shorter time,
// Silence.
func (c *Contact) ReachableUntil(since wire.Instant) wire.Instant {
	if c.heardAt < since {
		return since + Silence
	}
	return c.heardAt + c.Silence()
}

// Audible reports that a message has come lately. In contrast to Reachable, a new view makes no
// difference.
func (c *Contact) Audible(now wire.Instant) bool {
	return c.heardAt > 0 && now-c.heardAt <= c.Silence()
}

// Greets reports that a hello of this view has come lately: the peer is not silent.
func (c *Contact) Greets(now wire.Instant) bool { return c.greeted && now-c.helloAt <= c.Silence() }

// KeepsUp reports that the peer is ready and its last hello is so fresh that a write may wait for
// its acknowledgement (docs/causal.md §3.2, rule 6).
func (c *Contact) KeepsUp(now wire.Instant) bool {
	return c.greeted && now-c.helloAt <= fresh && c.Ready
}

// SinceHello is the age of the last hello of this view; greeted is false if none has come.
func (c *Contact) SinceHello(now wire.Instant) (since wire.Instant, greeted bool) {
	return now - c.helloAt, c.greeted
}
