package conns

// Bounds bounds the connections of one listener. A zero value means the default.
type Bounds struct {
	Open       int // open at a time; default: 16384, or what the limit on open files leaves room for
	PerAddress int // of one IP address, or one /64 of IPv6; default: three quarters of Open
}

// maxOpen connections cost one goroutine and about 35 KiB each. A request that
// waits for the node is bound by no time.
const maxOpen = 16384

// maxBrief bounds the connections that are taken beyond the other bounds, for a
// short time. They serve health checks, and tell other clients why they are
// refused.
const maxBrief = 32

func (b Bounds) withDefaults() Bounds {
	usable := maxOpen + maxBrief
	if files := openFiles(); files > 0 {
		usable = min(usable, files*3/4) // the rest is for the bus
	}
	if b.Open <= 0 {
		b.Open = max(1, usable-briefPlaces(usable))
	}
	if b.PerAddress <= 0 {
		b.PerAddress = max(1, b.Open*3/4)
	}
	return b
}

func briefPlaces(open int) int { return min(max(2, open/16), maxBrief) }
