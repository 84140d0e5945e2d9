package peers

import (
	"slices"

	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// Recover takes up the former members that the log has, before Meet. At a node outside its view they
// are the nodes that it was with.
func (l *List) Recover(former []wire.Member) { l.outside = slices.Clone(former) }

// Meet makes the list of peers of v: the other members, the former members, and the
// guests (docs/causal.md §7.2, rule 1). A member of the last view that v lacks becomes a
// former member, since it may still have data that no owner has (I25).
func (l *List) Meet(old, v *wire.View) {
	before := l.list
	l.list, l.drained = nil, nil
	for _, m := range v.Layout.Members() {
		if m.ID == l.step.Self.Node {
			continue
		}
		p := &Peer{ID: m.ID, At: m, Member: true, Contact: Member(l.views.Silence(m.ID))}
		p.Replica = l.view.Replica(m.ID)
		for _, q := range before {
			if q.ID == m.ID {
				p.Resume(&q.Contact)
			}
		}
		l.list = append(l.list, p)
	}
	former := func(m wire.Member) {
		source := slices.ContainsFunc(v.Sources, func(s wire.Member) bool { return s.ID == m.ID })
		if l.isNew(m) && !source {
			l.add(&Peer{ID: m.ID, At: m, Former: true})
		}
	}
	for _, q := range before {
		if q.Former || q.Guest {
			former(q.At)
		}
	}
	for _, m := range l.outside { // this node was outside its view until now
		former(m)
	}
	if old != nil {
		for _, m := range old.Layout.Members() {
			former(m)
		}
	}
	for _, m := range v.Sources {
		if m.ID != l.step.Self.Node && l.Get(m.ID) == nil && l.view.Member() {
			l.add(&Peer{ID: m.ID, At: m, Guest: true})
		}
	}
	l.meetOutside(old, before)
	l.Persist()
}

// meetOutside remembers the members and former members of earlier views while this node is
// outside its view. They may take what this node holds, or have data themselves, so they
// stay dialled (docs/causal.md §7.2, rule 2).
func (l *List) meetOutside(old *wire.View, before []*Peer) {
	if l.view.Member() {
		l.outside = nil
		return
	}
	meet := func(m wire.Member) {
		l.outside = slices.DeleteFunc(l.outside, func(o wire.Member) bool { return o.ID == m.ID })
		if m.ID != l.step.Self.Node && !l.forgotten(m.ID) {
			l.outside = append(l.outside, m)
		}
	}
	for _, p := range before {
		if p.Former {
			meet(p.At)
		}
	}
	if old != nil {
		for _, m := range old.Layout.Members() {
			meet(m)
		}
	}
}

// isNew reports that a node would be a new former member here: it is no peer, and was not
// forgotten. A node outside its view has no former members.
func (l *List) isNew(m wire.Member) bool {
	return m.ID != l.step.Self.Node && l.view.Member() && l.Get(m.ID) == nil && !l.forgotten(m.ID)
}

// HearOfFormer adds a former member that a member of this group lists, and returns it; nil: it is
// known, was drained or forgotten, or there are too many peers.
func (l *List) HearOfFormer(at wire.Member) *Peer {
	if !l.isNew(at) || slices.Contains(l.drained, at.ID) || len(l.list) >= maxPeers {
		return nil
	}
	p := &Peer{ID: at.ID, At: at, Former: true, Contact: Heard(l.step.Now(), 0)}
	l.add(p)
	return p
}

// Guest adds a node outside the view that hands off what it holds, and that the view lists as a
// source; nil: the view does not, or the node is a peer already.
func (l *List) Guest(h wire.Header) *Peer {
	i := slices.IndexFunc(l.view.Held().Sources, func(m wire.Member) bool { return m.ID == h.From })
	if i < 0 || l.Get(h.From) != nil {
		return nil
	}
	p := &Peer{ID: h.From, At: l.view.Held().Sources[i], Guest: true, Contact: Heard(l.step.Now(), h.Boot)}
	l.add(p)
	return p
}

// Part notes that a former member is in a parted group: the groups leave each other alone, and
// the node is not dialled either (docs/causal.md §6.7).
func (l *List) Part(p *Peer) {
	if p.Former && !p.Apart {
		p.Apart = true
		l.Reach()
	}
}

// Rejoin ends the parting of a former member that is heard in a view which this one
// replaces: the node has come back to this group, with its data (docs/causal.md §6.7,
// rule 3).
func (l *List) Rejoin(p *Peer, view ids.View) {
	if p.Apart && l.view.Descends(view) {
		p.Apart = false
		p.Draining.Rejoin(l.step.Now())
		l.Reach()
		l.step.Alarm(l.step.Now())
	}
}

// Forget removes a node that an operator has given up.
func (l *List) Forget(id ids.Node) {
	l.list = slices.DeleteFunc(l.list, func(p *Peer) bool { return p.ID == id })
	l.outside = slices.DeleteFunc(l.outside, func(m wire.Member) bool { return m.ID == id })
}

// RemoveDrained removes the former members for which a predicate holds, and returns them. The
// caller has made sure that they are drained (docs/causal.md §7.4, rule 6).
func (l *List) RemoveDrained(done func(*Peer) bool) (gone []*Peer) {
	l.list = slices.DeleteFunc(l.list, func(p *Peer) bool {
		if !p.Former || !done(p) {
			return false
		}
		gone = append(gone, p)
		l.drained = append(l.drained, p.ID)
		return true
	})
	return gone
}

// HasFormer reports that some former member has not been drained, a parted one included.
func (l *List) HasFormer() bool {
	for _, p := range l.list {
		if p.Former {
			return true
		}
	}
	return false
}

// Former lists the former members that have not been drained. A node outside its view lists
// the nodes that it was with before and that are outside the view, too: the members may not
// know them.
func (l *List) Former() []wire.Member {
	var list []wire.Member
	for _, p := range l.list {
		if p.Former {
			list = append(list, p.At)
		}
	}
	for _, m := range l.outside {
		if !l.view.None() && !l.view.Has(m.ID) {
			list = append(list, m)
		}
	}
	return list
}

// FormerFor is the list of former members that a requester in a view is told. To a requester
// in another view the members of this node's view are listed, too, since they may be former
// members there (docs/causal.md §7.2, rule 3).
func (l *List) FormerFor(view ids.View) []wire.Member {
	list := l.Former()
	if !l.view.None() && view != l.view.ID() {
		list = append(list, l.view.Held().Layout.Members()...)
	}
	return list
}

// TellsOfOthers reports that a Digest names a former member that is no peer of this node,
// because operators have parted the two. The sender may have released slots to that node
// before, so its answer proves no loss (docs/causal.md §10, rule 12).
func (l *List) TellsOfOthers(m *wire.Digest) bool {
	return slices.ContainsFunc(m.Former, func(at wire.Member) bool {
		return at.ID != l.step.Self.Node && l.Get(at.ID) == nil && !slices.Contains(l.drained, at.ID) && !l.forgotten(at.ID)
	})
}

// MayPass reports that this node need not exchange with a far member after adopting v
// (docs/causal.md §7.1, rule 8). The member had no view when v's author asked, and so no
// data. Data that the member got before it adopted v is handed off by the member. The author
// passes over no member: another first view may have been made that the author has not heard of.
func (l *List) MayPass(v *wire.View, p *Peer) bool {
	return p.Far() && v.ID.Author != l.step.Self.Node &&
		slices.ContainsFunc(v.Saw, func(s wire.Sighting) bool { return s.Node == p.ID && s.View.IsZero() })
}
