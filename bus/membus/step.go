package membus

// Step moves one message of one link, both chosen by the seed, and reports whether there was a
// message. The handler runs before Step returns. Only a manual network can be stepped.
func (n *Net) Step() bool {
	if !n.manual {
		panic("membus: Step on a network that delivers by itself")
	}
	target, p, deliver, moved := n.choose()
	if deliver {
		target.handle(p)
	}
	return moved
}

// Settle steps until no message can be delivered, at most limit times, and returns the number
// of steps.
func (n *Net) Settle(limit int) int {
	for steps := range limit {
		if !n.Step() {
			return steps
		}
	}
	return limit
}

// choose draws the next message and its fault.
func (n *Net) choose() (target *Conn, p packet, deliver, moved bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	var open []*link
	for _, l := range n.mu.links {
		if n.open(l) {
			open = append(open, l)
		}
	}
	if len(open) == 0 {
		return nil, packet{}, false, false
	}
	l := open[n.mu.random.IntN(len(open))]
	i := 0
	if n.draw(n.mu.faults.Reorder) {
		i = n.mu.random.IntN(len(l.packets))
	}
	if n.draw(n.mu.faults.Duplicate) {
		return l.target, l.packets[i], true, true
	}
	p = l.take(i)
	return l.target, p, !n.draw(n.mu.faults.Drop), true
}

func (n *Net) draw(probability float64) bool {
	return probability > 0 && n.mu.random.Float64() < probability
}
