package harness

// Kill ends nodes with SIGKILL.
func (l *Lab) Kill(nodes ...int) {
	l.t.Helper()
	for _, node := range nodes {
		l.must(l.killable().Kill(node))
	}
	l.say("killed %v", nodes)
}

// RestartEmpty starts nodes that were killed. They have lost their state.
func (l *Lab) RestartEmpty(nodes ...int) {
	l.t.Helper()
	ctx, cancel := l.withTimeout()
	defer cancel()
	for _, node := range nodes {
		l.must(l.killable().Restart(ctx, node))
	}
	l.say("started %v again, empty", nodes)
}

// Pause stops nodes at any point of their work.
func (l *Lab) Pause(nodes ...int) {
	l.t.Helper()
	for _, node := range nodes {
		l.must(l.killable().Pause(node))
	}
	l.say("paused %v", nodes)
}

// Resume lets paused nodes go on.
func (l *Lab) Resume(nodes ...int) {
	l.t.Helper()
	for _, node := range nodes {
		l.must(l.killable().Resume(node))
	}
	l.say("resumed %v", nodes)
}

// Cut takes nodes off their networks.
func (l *Lab) Cut(nodes ...int) {
	l.t.Helper()
	ctx, cancel := l.withTimeout()
	defer cancel()
	for _, node := range nodes {
		l.must(able[Cuttable](l).Unplug(ctx, node))
	}
	l.say("cut %v", nodes)
}

// Heal returns nodes that were cut off to their networks and addresses.
func (l *Lab) Heal(nodes ...int) {
	l.t.Helper()
	ctx, cancel := l.withTimeout()
	defer cancel()
	for _, node := range nodes {
		l.must(able[Cuttable](l).Replug(ctx, node))
	}
	l.say("healed %v", nodes)
}

// Move takes nodes to another network.
func (l *Lab) Move(network string, nodes ...int) {
	l.t.Helper()
	l.Cut(nodes...)
	for _, node := range nodes {
		l.plug(node, Seat{network, l.movable().Seat(node).Host})
	}
	l.say("moved %v to network %s", nodes, network)
}

// Renumber gives nodes addresses that no node had before, on the same network.
func (l *Lab) Renumber(nodes ...int) {
	l.t.Helper()
	l.Cut(nodes...)
	for _, node := range nodes {
		seat := l.movable().Seat(node)
		seat.Host += len(l.nodes)
		l.plug(node, seat)
	}
	l.say("gave new addresses to %v", nodes)
}

// Swap exchanges the addresses of two nodes.
func (l *Lab) Swap(a, b int) {
	l.t.Helper()
	seatA, seatB := l.movable().Seat(a), l.movable().Seat(b)
	l.Cut(a, b)
	l.plug(a, seatB)
	l.plug(b, seatA)
	l.say("swapped the addresses of %d and %d", a, b)
}

// Impersonate gives a node the address of another node, which is cut off.
func (l *Lab) Impersonate(node, other int) {
	l.t.Helper()
	seat := l.movable().Seat(other)
	l.Cut(node, other)
	l.plug(node, seat)
	l.say("gave the address of %d to %d", other, node)
}

func (l *Lab) plug(node int, seat Seat) {
	l.t.Helper()
	ctx, cancel := l.withTimeout()
	defer cancel()
	l.must(l.movable().Plug(ctx, node, seat))
}

func (l *Lab) killable() Killable { return able[Killable](l) }
func (l *Lab) movable() Movable   { return able[Movable](l) }

// able returns an ability of the world. If the world lacks it, the scenario is skipped.
func able[A any](l *Lab) A {
	l.t.Helper()
	world, ok := l.world.(A)
	if !ok {
		l.t.Skipf("NOT TESTED: %T is no %T", l.world, (*A)(nil))
	}
	return world
}
