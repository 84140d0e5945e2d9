// Package peers knows of each peer of a causal replica whether it can be reached, and of
// a former member whether the owners have its data (docs/causal.md §1.3, §7.4).
//
// The types are state machines without I/O: the caller brings the messages and the time.
// They may be called by one goroutine at a time.
package peers

import (
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// Silence is how long a member that is not far may say nothing before it counts as
// silent, and any peer before it counts as out of reach (docs/views.md §3.1).
const Silence = 500 * wire.Millisecond

// fresh is how old the last hello of a replica may be that a write waits for.
const fresh = 300 * wire.Millisecond

// Contact is what a node has heard of a peer, and when. Two questions are asked of it.
// Is the peer *reachable*, so that something may be sent to it and waited for? Every
// message answers that. Does the peer *greet*, so that it is in this view and what it
// said last of itself holds? Only hellos in this view answer that.
type Contact struct {
	Boot  ids.Boot // the present boot of the peer; 0: not known yet
	Ready bool     // all slots of the peer are ready, as its last hello in this view says
	Mute  bool     // a forward got no answer there, and nothing has been heard since

	quiet   wire.Instant // how long a member may say nothing before it counts as silent; 0: no member
	greeted bool         // in this view
	helloAt wire.Instant // of the last hello in this view
	heardAt wire.Instant // of the last message of any kind; 0: none
}

// Member is the contact with a member of a view that may be quiet for so long.
func Member(quiet wire.Instant) Contact { return Contact{quiet: quiet} }

// Heard is the contact with a node outside the view that has just been heard, or heard of.
func Heard(now wire.Instant, boot ids.Boot) Contact { return Contact{Boot: boot, heardAt: now} }

// Resume takes over what an earlier view knew of the same peer. Its hellos do not count
// in this view.
func (c *Contact) Resume(old *Contact) { c.Boot, c.heardAt = old.Boot, old.heardAt }

// Is reports that a message comes from the boot that is known. Messages of an earlier
// boot do not count.
func (c *Contact) Is(boot ids.Boot) bool { return c.Boot == 0 || c.Boot == boot }

// NoteMessage notes that a message has come.
func (c *Contact) NoteMessage(now wire.Instant) { c.heardAt, c.Mute = now, false }

// Return is how a hello differs from those before.
type Return struct {
	Silent  bool // the peer had greeted in this view, and was silent since
	NewBoot bool // the peer is in another boot than was known, if one was
	Known   bool // a boot was known
}

// NoteHello takes in a hello of this view.
func (c *Contact) NoteHello(now wire.Instant, boot ids.Boot, ready bool) Return {
	r := Return{Silent: c.greeted && now-c.helloAt > c.Silence(), NewBoot: c.Boot != boot, Known: c.Boot != 0}
	c.NoteMessage(now)
	c.Boot, c.Ready, c.greeted, c.helloAt = boot, ready, true, now
	return r
}

// Far reports that the peer is a member that sends few hellos, and gets few.
func (c *Contact) Far() bool { return c.quiet > Silence }

// Silence is how long the peer may say nothing before it counts as silent.
func (c *Contact) Silence() wire.Instant { return max(Silence, c.quiet) }

// Reachable reports that a message has come lately, or that it is too early to tell in
// the view that was adopted at since.
func (c *Contact) Reachable(now, since wire.Instant) bool { return now <= c.ReachableUntil(since) }

// ReachableUntil is when the peer will count as out of reach if nothing more is heard. A
// peer that has not been heard since the view was adopted is not waited for as long as
// one that was.
func (c *Contact) ReachableUntil(since wire.Instant) wire.Instant {
	if c.heardAt < since {
		return since + Silence
	}
	return c.heardAt + c.Silence()
}

// Audible reports that some message has come lately. In contrast to Reachable it never
// gives the benefit of the doubt.
func (c *Contact) Audible(now wire.Instant) bool {
	return c.heardAt > 0 && now-c.heardAt <= c.Silence()
}

// Greets reports that the last hello in this view is not too old.
func (c *Contact) Greets(now wire.Instant) bool { return c.greeted && now-c.helloAt <= c.Silence() }

// KeepsUp reports that the peer greets so promptly, and is ready, that a write may wait
// for its acknowledgement.
func (c *Contact) KeepsUp(now wire.Instant) bool {
	return c.greeted && now-c.helloAt <= fresh && c.Ready
}

// SinceHello is how long ago the last hello in this view came; false: none has.
func (c *Contact) SinceHello(now wire.Instant) (since wire.Instant, greeted bool) {
	return now - c.helloAt, c.greeted
}
