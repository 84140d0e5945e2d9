package transfer

import "github.com/cohortkv/cohort/node/wire"

// Bounds of the time between repetitions of a request.
const (
	fastestRepeat = 200 * wire.Millisecond
	slowestRepeat = 2 * wire.Second // over a slow link
)

// pace says when a request is repeated: after twice the time that the last piece took. To
// repeat too soon what is on its way over a slow link would put a second copy in front of
// the next piece.
type pace struct {
	open     bool         // a request waits for its answer
	askedAt  wire.Instant // when that was sent for the first time
	resendAt wire.Instant
	interval wire.Instant // between repetitions; it doubles with each
	movedAt  wire.Instant // when the last piece came, or the transfer began
}

// sent notes that a request was sent, or repeated.
func (p *pace) sent(now wire.Instant) {
	if p.open {
		p.interval *= 2
	} else {
		p.open, p.askedAt = true, now
	}
	p.interval = min(max(p.interval, fastestRepeat), slowestRepeat)
	p.resendAt = now + p.interval
}

// moved notes that a piece came.
func (p *pace) moved(now wire.Instant) {
	p.open, p.interval, p.movedAt = false, 2*(now-p.askedAt), now
}
