package causal

import (
	"slices"

	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/node/wire"
)

// atlas is what is known of views: which stream concerns which slots, and what a
// floor's name stands for.
type atlas struct {
	space   hashing.Space
	charts  map[wire.ViewID]*chart
	held    wire.ViewID   // that of this node
	order   []wire.ViewID // as they were learnt; the oldest go
	bytes   int           // that charts hold
	rings   []*chart      // whose rings are kept, least recently used first
	newest  *chart        // the highest whose floor may be named
	outdone []wire.ViewID // whose floors say no more than that of outdoer
	outdoer *chart        // nil: to be found out again
	unknown []wire.ViewID // that were met and are not known
	askAt   wire.Instant
}

// chart is one view.
type chart struct {
	wire.KnownView
	ring *hashing.Ring
	home map[wire.NodeID]int // node → shard
}

// Bounds of the atlas.
const (
	maxCharts  = 2000
	chartRoom  = 64 << 20 // bytes that they hold
	maxRings   = 32       // a ring takes 130 KB
	maxUnknown = 64
)

// ringOf deals a layout's slots out. A shard without members owns nothing.
func ringOf(space hashing.Space, l *wire.Layout) *hashing.Ring {
	shards := make([]hashing.Shard, len(l.Shards))
	for i, s := range l.Shards {
		shards[i] = hashing.Shard{Name: s.Name, Empty: len(s.Members) == 0}
	}
	return hashing.New(space, shards)
}

// note adds what is known of a view. It reports whether that is news.
func (a *atlas) note(k wire.KnownView) bool {
	if a.charts == nil {
		a.charts = map[wire.ViewID]*chart{}
	}
	if c := a.charts[k.ID]; c != nil {
		if !k.HasStableCut || c.HasStableCut && (c.Common || !k.Common) {
			return false
		}
		a.outdoer = nil
		// One that is not common has not been named by anybody: it may be replaced.
		a.bytes -= c.bytes()
		c.HasStableCut, c.StableCut, c.Common = true, k.StableCut, k.Common
		a.bytes += c.bytes()
		if c.Common {
			a.met(k.ID)
		}
		a.prefer(c)
		return true
	}
	a.outdoer = nil
	c := &chart{KnownView: k, home: map[wire.NodeID]int{}}
	for i, s := range k.Layout.Shards {
		for _, m := range s.Members {
			c.home[m.ID] = i
		}
	}
	a.charts[k.ID] = c
	a.bytes += c.bytes()
	a.prefer(c)
	a.order = append(a.order, k.ID)
	a.met(k.ID)
	for len(a.order) > maxCharts || a.bytes > chartRoom && len(a.order) > 2 {
		a.evict()
	}
	return true
}

// What a chart takes in memory, about.
const (
	chartSize  = 512
	memberSize = 160 // with its addresses, and its shard
)

func (c *chart) bytes() int {
	n := chartSize + positionSize*len(c.StableCut)
	for i := range c.Layout.Shards {
		n += memberSize * (1 + len(c.Layout.Shards[i].Members))
	}
	return n
}

// evict forgets the oldest view, but for the one that this node holds.
func (a *atlas) evict() {
	i := 0
	if a.order[0] == a.held {
		i = 1
	}
	old := a.charts[a.order[i]]
	if a.newest == old {
		a.newest = nil // who does not know what a name means does not use it
	}
	a.bytes -= old.bytes()
	a.rings = slices.DeleteFunc(a.rings, func(c *chart) bool { return c == old })
	delete(a.charts, old.ID)
	a.order = slices.Delete(a.order, i, i+1)
}

// prefer has the floor of a view named from now on, if it may be and is of the highest.
func (a *atlas) prefer(c *chart) {
	if c.Common && (a.newest == nil || c.ID.Compare(a.newest.ID) > 0) {
		a.newest = c
	}
}

// outdoneBy lists the views whose floors say no more than that of a view.
func (a *atlas) outdoneBy(c *chart) []wire.ViewID {
	if a.outdoer == c {
		return a.outdone
	}
	a.outdoer, a.outdone = c, nil
	for _, id := range a.order {
		if o := a.charts[id]; o.HasStableCut && within(o.StableCut, c.StableCut) {
			a.outdone = append(a.outdone, id)
		}
	}
	return a.outdone
}

func (a *atlas) ring(c *chart) *hashing.Ring {
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
// shard that its view gave the slot to. A view that is not known is noted, to be
// asked for; until then its streams may concern any slot.
func (a *atlas) concerns(stream wire.Stream, s hashing.Slot) bool {
	c := a.charts[stream.View]
	if c == nil {
		a.meet(stream.View)
		return true
	}
	home, member := c.home[stream.Node]
	owner, owned := a.ring(c).Owner(s)
	return !member || owned && owner == home
}

// meet notes a view, or the floor of a view, that is to be asked for.
func (a *atlas) meet(id wire.ViewID) {
	if len(a.unknown) < maxUnknown && !slices.Contains(a.unknown, id) {
		a.unknown = append(a.unknown, id)
	}
}

// met notes that a view need not be asked for any more.
func (a *atlas) met(id wire.ViewID) {
	a.unknown = slices.DeleteFunc(a.unknown, func(o wire.ViewID) bool { return o == id })
}

// askLives is how long a life is waited for before its node is asked.
const askLives = 2 * resend

// explainWaits asks for what is not known here and somebody waits for: views, of all
// members; lives, of their nodes.
func (r *Replica) explainWaits() {
	a, l := &r.atlas, &r.lives
	if r.view == nil || len(a.unknown) == 0 && len(l.suspects) == 0 {
		return
	}
	if r.now < a.askAt {
		r.alarm(a.askAt)
		return
	}
	a.askAt = r.now + askLives
	ask := &wire.ViewInfoRequest{Session: r.session(), Views: slices.Clone(a.unknown)}
	for _, p := range r.peers {
		due := func(s suspect) bool { return s.life.Node == p.id && r.now-s.since >= askLives }
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

// meetViews asks who spoke of views that are not known here what they are, while
// somebody knows them.
func (r *Replica) meetViews(from wire.NodeID, list []wire.Vector) {
	var ask wire.ViewInfoRequest
	for _, v := range list {
		for i := range v {
			id := v[i].Stream.View
			if r.atlas.charts[id] == nil && !slices.Contains(ask.Views, id) && len(ask.Views) < maxUnknown {
				ask.Views = append(ask.Views, id)
			}
		}
	}
	if len(ask.Views) > 0 {
		r.request(from, &ask)
	}
}

// OnExplain says what is known of views.
func (r *Replica) OnViewInfoRequest(h wire.Header, replyTo wire.ReplyTo, m *wire.ViewInfoRequest) {
	reply := &wire.ViewInfo{Session: m.Session}
	for _, id := range m.Views {
		if c := r.atlas.charts[id]; c != nil && len(reply.Views) < maxUnknown {
			reply.Views = append(reply.Views, c.KnownView)
		}
	}
	r.respond(h.From, replyTo, reply)
}

// knowsOf reports that a node is a peer, or was one before this node was told a view
// without itself.
func (r *Replica) knowsOf(id wire.NodeID) bool {
	return r.peer(id) != nil || slices.ContainsFunc(r.outside, func(m wire.Member) bool { return m.ID == id })
}

// OnExplained takes in what others know of views, and floors that are published.
func (r *Replica) OnViewInfo(h wire.Header, m *wire.ViewInfo) {
	if !r.knowsOf(h.From) {
		return // nobody asked it
	}
	r.lives.answered(h, m.Session)
	news := false
	for _, k := range m.Views {
		k.Layout = k.Layout.Canonical()
		if r.atlas.note(k) {
			news = true
			r.pending.Views = append(r.pending.Views, k)
		}
	}
	if news {
		r.after(r.commit(), r.wakeAll)
	}
}
