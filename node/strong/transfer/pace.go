package transfer

import "github.com/cohortkv/cohort/node/wire"

// Bounds of the time between repetitions of a request (docs/strong.md §7.3).
const (
	fastestRepeat = 200 * wire.Millisecond
	slowestRepeat = 2 * wire.Second // over a slow link
)

// pace decides when a request for a piece is repeated: after twice the time that the last piece
// took, and then with pauses that double. If a piece is still on its way over a slow link, an
// early repetition would put a second copy in front of the next piece.
type pace struct {
	open     bool         // a request has no answer yet
	askedAt  wire.Instant // when the open request was sent first
	resendAt wire.Instant // when the open request is repeated
	interval wire.Instant // from the last sending to resendAt, between the bounds
	movedAt  wire.Instant // when the last piece came, or else when the transfer began
}

// sent records that a request was sent, for the first time or again.
func (p *pace) sent(now wire.Instant) {
	if p.open {
		p.interval *= 2
	} else {
		p.open, p.askedAt = true, now
	}
	p.interval = min(max(p.interval, fastestRepeat), slowestRepeat)
	p.resendAt = now + p.interval
}

// moved records that the piece that was asked for has come.
func (p *pace) moved(now wire.Instant) {
	p.open, p.interval, p.movedAt = false, 2*(now-p.askedAt), now
}
