package causal

import (
	"slices"

	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/node/causal/footprint"
	"github.com/cohortkv/cohort/node/causal/version"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// catalog has the views that are known here. It tells which slots the writes of a
// stream are in, and what a reference to a stable cut stands for.
type catalog struct {
	space     hashing.Space
	entries   map[ids.View]*catalogEntry
	held      ids.View        // that of this node
	order     []ids.View      // in the order in which they came; the oldest go first
	bytes     int             // that the entries take
	rings     []*catalogEntry // whose rings are kept, least recently used first
	newestCut *catalogEntry   // of the highest view whose stable cut may be referred to
	subsumed  []ids.View      // views whose stable cuts say no more than that of subsumer
	subsumer  *catalogEntry   // nil: subsumed is to be computed again
	unknown   []ids.View      // that were met and are not known
	askAt     wire.Instant
}

// catalogEntry is one view.
type catalogEntry struct {
	wire.KnownView
	ring    *hashing.Ring
	shardOf map[ids.Node]int // node → shard
}

// Bounds of the catalog.
const (
	maxEntries  = 2000
	catalogRoom = 64 << 20 // bytes that they hold
	maxRings    = 32       // a ring takes 130 KB
	maxUnknown  = 64
)

// ringOf assigns slots to the shards of a layout. A shard without members owns nothing.
func ringOf(space hashing.Space, l *wire.Layout) *hashing.Ring {
	shards := make([]hashing.Shard, len(l.Shards))
	for i, s := range l.Shards {
		shards[i] = hashing.Shard{Name: s.Name, Empty: len(s.Members) == 0}
	}
	return hashing.New(space, shards)
}

// add adds what is known of a view. It reports whether that is news.
func (a *catalog) add(k wire.KnownView) bool {
	if a.entries == nil {
		a.entries = map[ids.View]*catalogEntry{}
	}
	if c := a.entries[k.ID]; c != nil {
		if !k.HasStableCut || c.HasStableCut && (c.Common || !k.Common) {
			return false
		}
		a.subsumer = nil
		// No context refers to a cut that is not common: it may be replaced.
		a.bytes -= c.bytes()
		c.HasStableCut, c.StableCut, c.Common = true, k.StableCut, k.Common
		a.bytes += c.bytes()
		if c.Common {
			a.noteKnown(k.ID)
		}
		a.preferCut(c)
		return true
	}
	a.subsumer = nil
	c := &catalogEntry{KnownView: k, shardOf: map[ids.Node]int{}}
	for i, s := range k.Layout.Shards {
		for _, m := range s.Members {
			c.shardOf[m.ID] = i
		}
	}
	a.entries[k.ID] = c
	a.bytes += c.bytes()
	a.preferCut(c)
	a.order = append(a.order, k.ID)
	a.noteKnown(k.ID)
	for len(a.order) > maxEntries || a.bytes > catalogRoom && len(a.order) > 2 {
		a.evict()
	}
	return true
}

// What an entry takes in memory, about.
const (
	entryOverhead = 512
	memberSize    = 160 // with its addresses, and its shard
)

func (c *catalogEntry) bytes() int {
	n := entryOverhead + footprint.Position*len(c.StableCut)
	for i := range c.Layout.Shards {
		n += memberSize * (1 + len(c.Layout.Shards[i].Members))
	}
	return n
}

// evict forgets the oldest view, but for the one that this node holds.
func (a *catalog) evict() {
	i := 0
	if a.order[0] == a.held {
		i = 1
	}
	old := a.entries[a.order[i]]
	if a.newestCut == old {
		a.newestCut = nil // a node that does not know a cut does not refer to it
	}
	a.bytes -= old.bytes()
	a.rings = slices.DeleteFunc(a.rings, func(c *catalogEntry) bool { return c == old })
	delete(a.entries, old.ID)
	a.order = slices.Delete(a.order, i, i+1)
}

// preferCut refers to the stable cut of a view from now on, if that is allowed and no
// higher view has one.
func (a *catalog) preferCut(c *catalogEntry) {
	if c.Common && (a.newestCut == nil || c.ID.Compare(a.newestCut.ID) > 0) {
		a.newestCut = c
	}
}

// subsumedBy lists the views whose stable cuts say no more than that of an entry.
func (a *catalog) subsumedBy(c *catalogEntry) []ids.View {
	if a.subsumer == c {
		return a.subsumed
	}
	a.subsumer, a.subsumed = c, nil
	for _, id := range a.order {
		if o := a.entries[id]; o.HasStableCut && version.Within(o.StableCut, c.StableCut) {
			a.subsumed = append(a.subsumed, id)
		}
	}
	return a.subsumed
}

func (a *catalog) ring(c *catalogEntry) *hashing.Ring {
	if i := slices.Index(a.rings, c); i >= 0 {
		a.rings = append(slices.Delete(a.rings, i, i+1), c)
		return c.ring
	}
	if len(a.rings) == maxRings {
		a.rings[0].ring = nil
		a.rings = slices.Delete(a.rings, 0, 1)
	}
	c.ring = ringOf(a.space, &c.Layout)
	a.rings = append(a.rings, c)
	return c.ring
}

// concerns reports whether a stream may have writes in a slot: its node was in the
// shard that owned the slot in its view. A view that is not known is noted, to be asked
// for. Until then its streams may have writes in any slot.
func (a *catalog) concerns(stream wire.Stream, s hashing.Slot) bool {
	c := a.entries[stream.View]
	if c == nil {
		a.noteUnknown(stream.View)
		return true
	}
	shard, member := c.shardOf[stream.Node]
	owner, owned := a.ring(c).Owner(s)
	return !member || owned && owner == shard
}

// noteUnknown notes a view that is to be asked for, or its stable cut.
func (a *catalog) noteUnknown(id ids.View) {
	if len(a.unknown) < maxUnknown && !slices.Contains(a.unknown, id) {
		a.unknown = append(a.unknown, id)
	}
}

// noteKnown notes that a view need not be asked for any more.
func (a *catalog) noteKnown(id ids.View) {
	a.unknown = slices.DeleteFunc(a.unknown, func(o ids.View) bool { return o == id })
}

// suspectDelay is how long a request waits for a boot before the node is asked whether
// it is in that boot.
const suspectDelay = 2 * resend

// requestMissingInfo asks for what requests wait for and this node does not know: all
// members for views, and nodes for the boot they are in.
func (r *Replica) requestMissingInfo() {
	a, l := &r.catalog, &r.boots
	if r.view == nil || len(a.unknown) == 0 && len(l.suspects) == 0 {
		return
	}
	if r.now < a.askAt {
		r.alarm(a.askAt)
		return
	}
	a.askAt = r.now + suspectDelay
	ask := &wire.ViewInfoRequest{Session: r.session(), Views: slices.Clone(a.unknown)}
	for _, p := range r.peers {
		due := func(s suspect) bool { return s.boot.Node == p.id && r.now-s.since >= suspectDelay }
		if !p.apart && (len(a.unknown) > 0 || slices.ContainsFunc(l.suspects, due)) {
			r.request(p.id, ask)
		}
	}
	if len(r.waiting) == 0 {
		a.unknown = nil
		l.suspects = slices.DeleteFunc(l.suspects, func(s suspect) bool { return r.now-s.since >= stalled })
	}
	r.alarm(a.askAt)
}

// requestUnknownViews asks a node that named unknown views what they are.
func (r *Replica) requestUnknownViews(from ids.Node, list []wire.Vector) {
	var ask wire.ViewInfoRequest
	for _, v := range list {
		for i := range v {
			id := v[i].Stream.View
			if r.catalog.entries[id] == nil && !slices.Contains(ask.Views, id) && len(ask.Views) < maxUnknown {
				ask.Views = append(ask.Views, id)
			}
		}
	}
	if len(ask.Views) > 0 {
		r.request(from, &ask)
	}
}

// OnViewInfoRequest says what is known of views.
func (r *Replica) OnViewInfoRequest(h wire.Header, replyTo ids.ReplyTo, m *wire.ViewInfoRequest) {
	reply := &wire.ViewInfo{Session: m.Session}
	for _, id := range m.Views {
		if c := r.catalog.entries[id]; c != nil && len(reply.Views) < maxUnknown {
			reply.Views = append(reply.Views, c.KnownView)
		}
	}
	r.respond(h.From, replyTo, reply)
}

// isPeerOrOutside reports that a node is a peer, or was one before this node was told a
// view without itself.
func (r *Replica) isPeerOrOutside(id ids.Node) bool {
	return r.peer(id) != nil || slices.ContainsFunc(r.outside, func(m wire.Member) bool { return m.ID == id })
}

// OnViewInfo takes in what others know of views, and stable cuts that are published.
func (r *Replica) OnViewInfo(h wire.Header, m *wire.ViewInfo) {
	if !r.isPeerOrOutside(h.From) {
		return // it was not asked
	}
	r.boots.answered(h, m.Session)
	news := false
	for _, k := range m.Views {
		k.Layout = k.Layout.Canonical()
		if r.catalog.add(k) {
			news = true
			r.change.Views = append(r.change.Views, k)
		}
	}
	if news {
		r.after(r.commit(), r.wakeAll)
	}
}
