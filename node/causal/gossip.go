package causal

import (
	"slices"

	"github.com/cohortkv/cohort/node/wire"
)

// gossip is the exchange with one after the other of the shard's replicas.
type gossip struct {
	at   wire.Instant
	turn int
}

// tickGossip begins the exchanges that time asks for: with the next replica, and with
// former members.
func (r *Replica) tickGossip() {
	if r.view == nil || len(r.peers) == 0 {
		return
	}
	g := &r.gossip
	if r.now >= g.at {
		g.at = r.now + gossipEvery
		replicas := slices.DeleteFunc(slices.Clone(r.peers), func(p *peer) bool { return !p.replica })
		if n := len(replicas); n > 0 {
			g.turn++
			if p := replicas[g.turn%n]; r.reachable(p) && r.exchangeOf(p) == nil {
				r.exchangeWith(p)
			}
		}
		r.continueInquiry()
		r.handOffArrivals()
		r.checkSynced()
	}
	r.alarm(g.at)
	for _, p := range slices.Clone(r.peers) {
		switch {
		case !p.former || p.apart || r.exchangeOf(p) != nil:
		case r.now >= p.draining.AskAt():
			r.pollFormer(p)
		default:
			r.alarm(p.draining.AskAt())
		}
	}
}

// Tick does what time asks for.
func (r *Replica) Tick() {
	if r.now < r.next {
		return
	}
	r.next = never
	r.tickStream()
	r.tickTracks()
	r.tickExchanges()
	r.tickHandoffs()
	r.release()
	r.tickQuestions()
	r.tickOutgoing()
	r.tickIncoming()
	r.tickSurveys()
	r.tickForget()
	r.tickGossip()
	r.requestMissingInfo()
	r.collect()
	if !r.synced || r.slots.Unready() > 0 || r.hasFormer() {
		r.checkSynced()
	}
	r.makeStableCut()
}
