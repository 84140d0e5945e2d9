// Package hello is what a node hears of the other members of its view, and what it lets them
// hear: hellos, the silence of members, probes of silent ones, and second processes with a
// member's id (docs/views.md §3.1, §3.5).
//
// Only hellos of the held view count as heard. Silence decides what a node waits for and whom it
// asks; it changes no view.
package hello

import (
	"slices"

	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/view/held"
	"github.com/cohortkv/cohort/node/wire"
)

// Times of hellos (docs/views.md §3.1).
const (
	every        = 100 * wire.Millisecond           // between hellos, in a view of at most crowd other members
	everyInCrowd = 200 * wire.Millisecond           // between hellos, in a larger view
	farRounds    = 4                                // in a larger view, a far member gets one of so many hellos
	everyBehind  = 1 * wire.Second                  // between hellos of a node that was left behind or is outside its view: it serves no client
	silence      = 500 * wire.Millisecond           // a member is silent after this time without a hello, and is then probed each such time
	farSilence   = farRounds * everyInCrowd * 5 / 2 // 2 s: a far member is silent after this time without a hello
	passOnEvery  = 500 * wire.Millisecond           // between copies of this node's view to a member that shows a lower view id
)

// crowd is the number of other members up to which a node sends hellos at the full rate.
const crowd = 8

// Peers are the other members of the view that a node holds.
type Peers struct {
	held  *held.View
	box   *core.Outbox
	crowd int // with more other members than this, some are far

	all         []peer           // ascending by id
	dueAt       wire.Instant     // when the next hellos are due
	round       int              // number of times that hellos were sent in this view
	unheard     []core.ShardWait // as of the last hellos; replaced, never written to
	dataHeardIn ids.View         // the highest view in which another node had data while this node had none
}

// peer is what is known of one member, from its hellos under the held view.
type peer struct {
	id       ids.Node
	at       wire.Instant    // when the last hello came
	ever     bool            // a hello has come
	inc      ids.Incarnation // of the process that sent the last hello
	progress uint64          // as in the last hello; it grows while the member gets nearer to ready
	far      bool            // the member is far: hellos to it and from it are rare
	probed   wire.Instant    // when it was last probed
	probe    uint64          // number of the bus request of that probe
	doubted  wire.Instant    // when it first said that another process has this node's id, if doubt
	doubt    bool            // it has said so since its last hello and since its last answer to the contrary
	passed   wire.Instant    // when this node's view was last passed on to it
}

// New returns the peers of a node that holds no view. With more than large other members, some
// are far (docs/views.md §3.1); zero: 8.
func New(h *held.View, box *core.Outbox, large int) *Peers {
	if large <= 0 {
		large = crowd
	}
	return &Peers{held: h, box: box, crowd: large}
}

// Begin is called when the node holds another view. What was heard under the last one is
// forgotten, and silence is counted from now on.
func (p *Peers) Begin(now wire.Instant) {
	p.all = p.all[:0]
	for _, m := range p.held.View().Layout.Members() {
		if m.ID != p.held.Self() {
			p.all = append(p.all, peer{id: m.ID, probed: now})
		}
	}
	p.markFar()
	p.dueAt, p.round = now, 0
}

// markFar marks the members that are far: in a view of more than crowd other members, those
// that share no shard with this node. The primary is far from no member, because every strong
// write waits for all members.
func (p *Peers) markFar() {
	v, self := p.held.View(), p.held.Self()
	primary, _ := v.Primary()
	if len(p.all) <= p.crowd || self == primary {
		return
	}
	near := map[ids.Node]bool{primary: true}
	for _, s := range v.Layout.Shards {
		if slices.ContainsFunc(s.Members, func(m wire.Member) bool { return m.ID == self }) {
			for _, m := range s.Members {
				near[m.ID] = true
			}
		}
	}
	for i := range p.all {
		p.all[i].far = !near[p.all[i].id]
	}
}

func (p *Peers) find(id ids.Node) *peer {
	for i := range p.all {
		if p.all[i].id == id {
			return &p.all[i]
		}
	}
	return nil
}

// Has reports whether a node is another member of the view.
func (p *Peers) Has(id ids.Node) bool { return p.find(id) != nil }

// Heard returns when the last hello of a member arrived in this view; false: none has.
func (p *Peers) Heard(id ids.Node) (wire.Instant, bool) {
	if m := p.find(id); m != nil && m.ever {
		return m.at, true
	}
	return 0, false
}

// Silence returns after how long without a hello a member of the view counts as silent.
func (p *Peers) Silence(id ids.Node) wire.Instant {
	if m := p.find(id); m != nil {
		return m.silence()
	}
	return silence
}

func (m *peer) silence() wire.Instant {
	if m.far {
		return farSilence
	}
	return silence
}

// silent reports whether no hello of the member has come in this view for the member's silence.
func (m *peer) silent(now wire.Instant) bool { return !m.ever || now-m.at >= m.silence() }

// Greets reports whether a node is a member of the view and not silent.
func (p *Peers) Greets(id ids.Node, now wire.Instant) bool {
	m := p.find(id)
	return m != nil && !m.silent(now)
}

// Progress sums up the progress of all members, as in their last hellos.
func (p *Peers) Progress() (sum uint64) {
	for i := range p.all {
		sum += p.all[i].progress
	}
	return sum
}

// NoteData notes that a node with data holds a view, while this node has no data.
func (p *Peers) NoteData(in ids.View) {
	if in.Compare(p.dataHeardIn) > 0 {
		p.dataHeardIn = in
	}
}

// DataHeardIn is the highest view of which NoteData was told; zero: none.
func (p *Peers) DataHeardIn() ids.View { return p.dataHeardIn }

// OnHello records that a member of the view is alive. It reports whether the models may take
// the hello into account: the sender holds the same view, and its process is the one that
// counts. A sender with a lower view is sent this node's view.
func (p *Peers) OnHello(now wire.Instant, h wire.Header, m *wire.Hello) bool {
	from := p.find(h.From)
	if from == nil {
		return false
	}
	v := p.held.View()
	switch c := h.View.Compare(v.ID); {
	case c == 0 && p.twin(now, from, h):
		p.box.Event(core.Event{Kind: EventTwin, Peer: h.From, View: h.View})
	case c == 0:
		from.at, from.ever, from.inc, from.progress = now, true, h.Inc, m.Progress+m.CausalProgress
		from.doubt = false // its hellos come here, so this is the process that it takes for the member
		return true
	case c < 0 && now-from.passed >= passOnEvery:
		from.passed = now
		p.box.Send(h.From, &wire.NewView{View: *v})
	}
	return false
}

// Displaced records what a member answers to a probe: whether another process has this node's
// id. It reports whether this process must give way (docs/views.md §3.5, rule 3). One late hello
// of this node's former incarnation makes a member say so for 500 ms. So the member must say so
// twice, and the second question must have been asked 500 ms after the first answer.
func (p *Peers) Displaced(now wire.Instant, by ids.Node, probe uint64, another bool) bool {
	m := p.find(by)
	switch {
	case m == nil || m.probe != probe:
		return false // a late answer says nothing of the present
	case !another:
		m.doubt = false
	case !m.doubt:
		m.doubt, m.doubted = true, now
	default:
		return m.probed-m.doubted >= silence
	}
	return false
}

// Twin reports whether a message comes from a second process with the id of a member that
// greets. Of two processes with one id, the one that the author of the view had heard counts. If
// the author had heard neither, the one that was heard first in this view counts
// (docs/views.md §3.5).
func (p *Peers) Twin(now wire.Instant, h wire.Header) bool {
	m := p.find(h.From)
	return m != nil && p.twin(now, m, h)
}

func (p *Peers) twin(now wire.Instant, m *peer, h wire.Header) bool {
	alive := m.ever && now-m.at < silence
	return alive && h.Inc != m.inc && !p.held.View().SawIncarnation(h.From, h.Inc)
}
