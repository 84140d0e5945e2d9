// Package strong is primary-backup replication after PacificA: one node's part
// in ordering writes, keeping them on every member of the view, and saying when
// a read may be answered. docs/strong.md is the protocol; the code reads like it.
//
// A Replica is a pure core: it is told everything and answers through the
// Outbox it was given. It belongs to one machine, whose Step is the only caller.
// Nothing that a peer or a client sends can make it panic; a broken invariant of
// its own does.
package strong

import (
	"slices"

	"github.com/cohortkv/cohort/internal/mutant"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/kv"
	"github.com/cohortkv/cohort/node/strong/history"
	"github.com/cohortkv/cohort/node/strong/primary"
	"github.com/cohortkv/cohort/node/strong/reads"
	"github.com/cohortkv/cohort/node/strong/recovery"
	"github.com/cohortkv/cohort/node/strong/round"
	"github.com/cohortkv/cohort/node/strong/transfer"
	"github.com/cohortkv/cohort/node/strong/waits"
	"github.com/cohortkv/cohort/node/wire"
)

// Peers is what the replica asks about the other nodes. Liveness is judged by
// hellos alone.
type Peers interface {
	// Heard is when the last hello of a member of this view arrived.
	Heard(id ids.Node) (wire.Instant, bool)
	// Silence is how long a member may say nothing before it counts as silent.
	Silence(id ids.Node) wire.Instant
	// LeftBehind reports that a member of this view went on without this node.
	LeftBehind() bool
	// Reach is called when PullTargets has changed.
	Reach()
	// RenumberAbove gives the view a new id, above one that is held outside it.
	RenumberAbove(held ids.View)
}

// Limits bounds what a replica holds and sends. Zero values mean the defaults.
type Limits struct {
	BatchOps   int // operations in one Prepare or Forward
	BatchBytes int // of their keys and values; one operation always fits
	Depth      int // batches in flight; one is best but on long links
	ChunkBytes int // of one piece of a base
	Past       int // ballots that a history remembers
	Origins    int // forwarders whose request ids are remembered
}

func (l Limits) withDefaults() Limits {
	set := func(v *int, d int) {
		if *v <= 0 {
			*v = d
		}
	}
	set(&l.BatchOps, 1024)
	set(&l.BatchBytes, 256<<10)
	set(&l.Depth, 1)
	set(&l.ChunkBytes, 256<<10)
	set(&l.Past, kv.DefaultPast)
	set(&l.Origins, kv.DefaultOrigins)
	return l
}

// Config identifies a replica.
type Config struct {
	Self   ids.Node
	Inc    ids.Incarnation
	Boot   ids.Boot
	Limits Limits
}

// Times of the protocol.
const (
	forwardTimeout = 1 * wire.Second // a Forward without answer is sent again
	refusedPause   = 20 * wire.Millisecond
	fetchTimeout   = 5 * wire.Second // without a piece of the base, the primary begins anew
)

// Replica is one node's part in strong replication.
type Replica struct {
	cfg   Config
	box   *core.Outbox
	peers Peers
	now   wire.Instant

	view    *wire.View   // nil: none
	viewAt  wire.Instant // when it was adopted
	members []wire.Member
	member  bool // of view
	primary ids.Node

	promised ids.Ballot // nothing else is acknowledged, confirmed or swapped in (I2)
	metaSeq  uint64     // the write that made promised durable
	owed     []wire.KnownBallot

	hist     *history.History
	receiver *transfer.Receiver // of the base of the promised ballot
	server   *transfer.Server   // of bases, to other nodes

	roundLimit recovery.Limit
	differing  []ids.Node       // at the primary: members whose log differs, until a round has repaired them
	round      *round.Round     // at the primary, until active
	asPrimary  *primary.Primary // at the primary, while active

	fwd      forwarder
	reads    *reads.Reads
	progress uint64 // grows whenever a round gets on
	waits    *waits.Waits
}

// New returns a replica with the empty history, or with what it recovered.
func New(cfg Config, box *core.Outbox, peers Peers, rec *core.Recovered) *Replica {
	cfg.Limits = cfg.Limits.withDefaults()
	r := &Replica{cfg: cfg, box: box, peers: peers}
	r.hist = history.New(box, cfg.Limits.Origins)
	if rec != nil {
		r.recover(rec)
	}
	limits := transfer.Limits{ChunkBytes: cfg.Limits.ChunkBytes, Past: cfg.Limits.Past, Origins: cfg.Limits.Origins}
	r.receiver = transfer.NewReceiver(cfg.Self, limits, box, r.hist)
	r.server = transfer.NewServer(limits, box, r.hist)
	r.reads = reads.New(cfg.Self, cfg.Boot, box, r.hist)
	r.waits = waits.New(cfg.Self, box, peers)
	return r
}

func (r *Replica) recover(rec *core.Recovered) {
	r.promised, r.owed = rec.Meta.Promised, rec.Meta.Owed
	r.hist = history.Recover(r.box, r.cfg.Limits.Origins, rec)
	if mutant.On(mutant.TruncateAfterRestart) && r.hist.Length() > 0 && r.wasPrimary() {
		r.hist.Abandon(r.hist.Length()) // as if the last one's client had left
	}
	if rec.Meta.Present {
		v := rec.Meta.View
		r.setView(&v)
	}
}

// Restarted is called once, first, by a machine that recovered: a primary starts
// a round before anything else, because it is another boot (I21).
func (r *Replica) Restarted() {
	if r.view != nil && r.isPrimary() {
		r.beginRound()
	}
}

// SetNow tells the time, before anything else in a Step.
func (r *Replica) SetNow(now wire.Instant) { r.now = now }

func (r *Replica) setView(v *wire.View) {
	r.view, r.viewAt = v, r.now
	r.members = v.Layout.Members()
	r.member = v.Has(r.cfg.Self)
	r.primary, _ = v.Primary()
}

func (r *Replica) isPrimary() bool { return r.member && r.primary == r.cfg.Self }

// Adopt makes v the view of this node. The caller has decided that it may.
func (r *Replica) Adopt(v *wire.View) {
	r.setView(v)
	if r.member {
		for _, k := range v.Known {
			r.addOwed(k)
		}
	}
	if r.isPrimary() {
		r.beginRound()
		return
	}
	r.promise(ids.Ballot{View: v.ID})
	r.refuseUnlogged()
}

// Keep makes the view durable again.
func (r *Replica) Keep() { r.persistMeta() }

// addOwed records a ballot whose entries this node lacks (I24). A staged base does not
// count as having them: a round may find that it never was active, and drop it.
func (r *Replica) addOwed(k wire.KnownBallot) {
	known := r.hist.Contains(k.Ballot) || mutant.On(mutant.ForgetOwed)
	listed := slices.ContainsFunc(r.owed, func(o wire.KnownBallot) bool { return o.Ballot == k.Ballot })
	if !known && !listed {
		r.owed = append(r.owed, k)
	}
}

// promise binds this node to a ballot: whatever it did for another ends here.
func (r *Replica) promise(b ids.Ballot) {
	r.promised = b
	r.receiver.Drop()
	r.server.Drop()
	r.asPrimary = nil
	if r.round != nil && r.round.Ballot() != b {
		r.endRound()
	}
	r.fwd.rewind(r.now)
	r.reads.Rewind()
	r.progress++
	r.persistMeta()
}

func (r *Replica) persistMeta() {
	m := &core.NodeMeta{Inc: r.cfg.Inc, Promised: r.promised, Owed: slices.Clone(r.owed)}
	if r.view != nil {
		m.Present, m.View = true, *r.view
	}
	r.metaSeq = r.box.Persist(core.Write{Kind: core.WriteMeta, Meta: m})
}

// inActiveBallot reports whether this node has swapped in the base of the ballot that it
// promised in its view.
func (r *Replica) inActiveBallot() bool {
	return r.member && r.view != nil && r.hist.Ballot() == r.promised && r.promised.View == r.view.ID &&
		r.promised.Round > 0
}

// Serving reports whether client requests are worked on: at the primary its
// ballot is active, elsewhere the ballot's base is swapped in (I5).
func (r *Replica) Serving() bool {
	return r.inActiveBallot() && (!r.isPrimary() || r.asPrimary != nil)
}

// notInView reports whether clients get 503: there is no view, this node is not in it, or
// it was left behind.
func (r *Replica) notInView() bool {
	return r.view == nil || !r.member || r.peers.LeftBehind()
}

// Ballot is the ballot of the history held.
func (r *Replica) Ballot() ids.Ballot { return r.hist.Ballot() }

// BallotMembers took part in Ballot.
func (r *Replica) BallotMembers() []wire.Member { return r.hist.Members() }

// Knows reports whether the history held contains that of a ballot.
func (r *Replica) Knows(b ids.Ballot) bool { return r.hist.Contains(b) }

// Promised is the ballot that this node is bound to.
func (r *Replica) Promised() ids.Ballot { return r.promised }

// Progress grows whenever a round gets on.
func (r *Replica) Progress() uint64 { return r.progress }

// Written reports that this history has a write, be it committed or not.
func (r *Replica) Written() bool { return r.hist.NextNumber() > 1 || r.hist.Length() > r.hist.Commit() }

// Hello is what the next hello says.
func (r *Replica) Hello() wire.Hello {
	h := wire.Hello{
		Ballot: r.hist.Ballot(), Promised: r.promised, Commit: r.hist.Commit(), Sum: r.hist.Sum(),
		Progress: r.progress, Serving: r.Serving(),
	}
	if !r.notInView() {
		h.Silent = r.waits.Silent(r.now, r.members, r.viewAt)
	}
	if r.asPrimary != nil {
		h.Deaf = r.waits.Deaf()
	}
	return h
}

func (r *Replica) send(to ids.Node, m wire.Message) { r.box.Send(to, m) }

func (r *Replica) sendDurable(to ids.Node, m wire.Message) {
	r.box.PostAfter(r.box.LastWrite(), core.Envelope{To: to, Message: m})
}
