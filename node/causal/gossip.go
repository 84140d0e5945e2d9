package causal

import (
	"slices"

	"github.com/cohortkv/cohort/node/causal/peers"
	"github.com/cohortkv/cohort/node/wire"
)

// gossip is the exchange with one other replica each second, in turn (docs/causal.md §6.6,
// rule 4). Broadcasts bring writes to replicas that are reached. Gossip brings what broadcasts
// and other exchanges have missed, so that all replicas come to hold the same (I18).
type gossip struct {
	at   wire.Instant // when the next exchange is due
	turn int          // counts the exchanges; chooses the replica
}

// tickGossip begins the exchanges that are due: with the next replica, with peers that have
// not answered an inquiry, and with former members, each at its own interval.
func (r *Replica) tickGossip() {
	if r.view.None() || len(r.peers.All()) == 0 {
		return
	}
	g := &r.gossip
	if r.step.Now() >= g.at {
		g.at = r.step.Now() + gossipEvery
		replicas := slices.DeleteFunc(slices.Clone(r.peers.All()), func(p *peers.Peer) bool { return !p.Replica })
		if n := len(replicas); n > 0 {
			g.turn++
			if p := replicas[g.turn%n]; r.peers.Reachable(p) && r.exchangeOf(p) == nil {
				r.exchangeWith(p)
			}
		}
		r.continueInquiry()
		r.handOffArrivals()
		r.checkSynced()
	}
	r.step.Alarm(g.at)
	for _, p := range slices.Clone(r.peers.All()) {
		switch {
		case !p.Former || p.Apart || r.exchangeOf(p) != nil:
		case r.step.Now() >= p.Draining.AskAt():
			r.pollFormer(p)
		default:
			r.step.Alarm(p.Draining.AskAt())
		}
	}
}

// Tick does what is due by the time of the step, and sets Next anew. Each part sets the
// alarm for what it has left to do, so a part without an alarm is called too late.
func (r *Replica) Tick() {
	if r.step.Due() {
		r.tick()
	}
	r.step.Commit() // what nothing depends on in this step: readiness, GC counters
}

func (r *Replica) tick() {
	r.tickStream()
	r.tickTracks()
	r.tickExchanges()
	r.tickHandoffs()
	r.release()
	r.requests.Tick()
	r.tickSurveys()
	r.tickForget()
	r.tickGossip()
	r.info.AskMissing()
	r.collect()
	if !r.synced || r.slots.Unready() > 0 || r.peers.HasFormer() {
		r.checkSynced()
	}
	r.makeStableCut()
}
