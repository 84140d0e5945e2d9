package harness

import "time"

// quietPeriod is the time without a packet after which groups count as isolated. Open
// connections have to be closed first.
const quietPeriod = time.Second

// Isolation asserts that no packets pass between groups. Its evidence is the counts of
// Tapped.
type Isolation struct {
	lab    *Lab
	tap    Tapped
	groups []*Group
	across uint64   // packets between groups at the begin
	within []uint64 // packets inside each group
}

// Isolation returns when nothing has passed between any two of the groups for quietPeriod.
// In a world that is not Tapped it checks nothing.
func (l *Lab) Isolation(groups ...*Group) *Isolation {
	l.t.Helper()
	s := &Isolation{lab: l, groups: groups}
	if s.tap, _ = l.world.(Tapped); s.tap == nil {
		l.say("nobody counts packets here")
		return s
	}
	ctx, cancel := l.withTimeout()
	defer cancel()
	s.across = s.count()
	since := time.Now()
	l.until(ctx, "silence between groups", func() bool {
		if now := s.count(); now != s.across {
			s.across, since = now, time.Now()
		}
		return time.Since(since) > quietPeriod
	})
	for _, g := range groups {
		s.within = append(s.within, s.between(g, g))
	}
	l.say("silence between groups after %d packets", s.across)
	return s
}

// Holds fails the test if a packet has passed between groups since. It also fails if no
// packets passed inside a group, because then the count proves nothing.
func (s *Isolation) Holds() {
	s.lab.t.Helper()
	if s.tap == nil {
		return
	}
	if now := s.count(); now != s.across {
		s.lab.t.Errorf("%d packets passed between groups", now-s.across)
	}
	for i, g := range s.groups {
		if talked := s.between(g, g) - s.within[i]; len(g.members) > 1 && talked == 0 {
			s.lab.t.Errorf("no packet passed inside group %v: does anybody count?", g.members)
		} else {
			s.lab.say("%d packets inside group %v, none across", talked, g.members)
		}
	}
}

func (s *Isolation) count() (sum uint64) {
	s.lab.t.Helper()
	for i, a := range s.groups {
		for _, b := range s.groups[i+1:] {
			sum += s.between(a, b)
		}
	}
	return sum
}

func (s *Isolation) between(a, b *Group) uint64 {
	s.lab.t.Helper()
	n, err := s.tap.Between(a.members, b.members)
	s.lab.must(err)
	return n
}

// NoUnnamedTraffic fails the test if a node ever sent another one a packet over a network
// that no view has named.
func (l *Lab) NoUnnamedTraffic() {
	l.t.Helper()
	tap, ok := l.world.(Tapped)
	if !ok {
		return
	}
	n, err := tap.Stray()
	l.must(err)
	if n > 0 {
		l.t.Errorf("nodes sent one another %d packets over a network that no view names", n)
	}
}
