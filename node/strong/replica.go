// Package strong is primary-backup replication after PacificA: one node's part in ordering
// writes, keeping them on every member of the view, and saying when a read may be answered.
// docs/strong.md is the protocol.
//
// The parts of the protocol are packages that own their state. A Replica wires them:
//
//	history    what the node holds                promise   what it is bound to
//	agreement  how it comes to stand in a ballot  round     the primary's round
//	recovery   what a round decides, and merges   transfer  bases on their way
//	primary    order and commit                   reads     confirmed reads
//	waits      what people are shown              batch     the size of messages
//
// history and promise are beneath all others. agreement is above promise, round, recovery
// and transfer. None of them imports this package.
//
// A Replica is a pure core: it is told everything and answers through the Outbox it was
// given. It belongs to one machine, whose Step is the only caller. Nothing that a peer or a
// client sends can make it panic; a broken invariant of its own does.
package strong

import (
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/kv"
	"github.com/cohortkv/cohort/node/strong/agreement"
	"github.com/cohortkv/cohort/node/strong/history"
	"github.com/cohortkv/cohort/node/strong/primary"
	"github.com/cohortkv/cohort/node/strong/promise"
	"github.com/cohortkv/cohort/node/strong/reads"
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
	// Views is what views do for a round.
	agreement.Views
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

// Replica is one node's part in strong replication. It ties its parts together: who is
// told of what, and in which order. Each part owns its state.
type Replica struct {
	cfg   Config
	box   *core.Outbox
	peers Peers
	now   wire.Instant

	hist      *history.History     // what this node holds
	promise   *promise.Promise     // what it is bound to
	agreement *agreement.Agreement // how it comes to stand in a ballot
	asPrimary *primary.Primary     // at the primary, while its ballot is active; nil: it is not
	fwd       forwarder            // writes of its clients
	reads     *reads.Reads         // reads of its clients
	waits     *waits.Waits         // for which members these wait
}

// New returns a replica with the empty history, or with what it recovered.
func New(cfg Config, box *core.Outbox, peers Peers, rec *core.Recovered) *Replica {
	cfg.Limits = cfg.Limits.withDefaults()
	r := &Replica{cfg: cfg, box: box, peers: peers}
	r.hist = history.New(box, cfg.Limits.Origins)
	r.promise = promise.New(cfg.Self, cfg.Inc, box)
	if rec != nil {
		r.promise.Recover(&rec.Meta, r.now)
		r.hist = history.Recover(r.box, cfg.Limits.Origins, rec, cfg.Self)
	}
	limits := transfer.Limits{ChunkBytes: cfg.Limits.ChunkBytes, Past: cfg.Limits.Past, Origins: cfg.Limits.Origins}
	r.agreement = agreement.New(agreement.Config{Self: cfg.Self, Inc: cfg.Inc, Boot: cfg.Boot, Limits: limits},
		box, r.hist, r.promise, peers, host{r})
	r.reads = reads.New(cfg.Self, cfg.Boot, box, r.hist)
	r.waits = waits.New(cfg.Self, box, peers)
	return r
}

// Restarted is called once, first, by a machine that recovered: a primary starts
// a round before anything else, because it is another boot (I21).
func (r *Replica) Restarted() {
	if r.promise.IsPrimary() {
		r.agreement.BeginRound()
	}
}

// SetNow tells the time, before anything else in a Step.
func (r *Replica) SetNow(now wire.Instant) {
	r.now = now
	r.agreement.SetNow(now)
}

// Receive takes a message of a peer, and reports whether it concerns strong replication.
// leave makes the node follow the view of a Pull as one that is not in it, if it may;
// otherwise it says why not.
func (r *Replica) Receive(in *core.Received, leave func(p *wire.Pull) wire.Fate) bool {
	h := in.Header
	switch m := in.Message.(type) {
	case *wire.Prepare:
		r.onPrepare(h, m)
	case *wire.Ack:
		r.onAck(h, m)
	case *wire.Forward:
		r.onForward(h, in.ReplyTo, m, in.Stored)
	case *wire.ForwardReply:
		r.onForwardReply(h, in.Request, m)
	case *wire.Cancel:
		r.onCancel(h, m)
	case *wire.Confirm:
		r.onConfirm(h, m)
	case *wire.Confirmed:
		r.reads.OnConfirmed(r.now, h, m)
	default:
		return r.agreement.Receive(in, leave)
	}
	return true
}

// Adopt makes v the view of this node. The caller has decided that it may.
func (r *Replica) Adopt(v *wire.View) { r.agreement.Adopt(v) }

// Keep makes the view durable again.
func (r *Replica) Keep() { r.promise.Persist() }

// host is a Replica as its agreement sees it.
type host struct{ *Replica }

// BallotEnds puts back what was under way for the last ballot. Writes in the queue or log
// of a primary belong to their forwarders again.
func (r host) BallotEnds() {
	r.asPrimary = nil
	r.fwd.rewind(r.now)
	r.reads.Rewind()
}

// PromiseMade refuses what this node can no longer serve.
func (r host) PromiseMade() { r.refuseUnlogged() }

// Lead begins to serve the ballot that was just swapped in.
func (r host) Lead() {
	l := r.cfg.Limits
	r.asPrimary = primary.New(r.cfg.Self, r.cfg.Boot, primary.Limits{BatchOps: l.BatchOps, BatchBytes: l.BatchBytes, Depth: l.Depth},
		r.box, r.hist, r.peers, ownClients{r.Replica})
}

// Resume takes up the requests that waited for a ballot to stand in.
func (r host) Resume() {
	r.forward()
	r.openReads()
}

// Serving reports whether client requests are worked on.
func (r *Replica) Serving() bool { return r.agreement.Serving() }

// notInView reports whether clients get 503: there is no view, this node is not in it, or
// it was left behind.
func (r *Replica) notInView() bool { return !r.promise.IsMember() || r.peers.LeftBehind() }

// Ballot is the ballot of the history held.
func (r *Replica) Ballot() ids.Ballot { return r.hist.Ballot() }

// BallotMembers took part in Ballot.
func (r *Replica) BallotMembers() []wire.Member { return r.hist.Members() }

// Knows reports whether the history held contains that of a ballot.
func (r *Replica) Knows(b ids.Ballot) bool { return r.hist.Contains(b) }

// Promised is the ballot that this node is bound to.
func (r *Replica) Promised() ids.Ballot { return r.promise.Ballot() }

// Progress grows whenever a round gets on.
func (r *Replica) Progress() uint64 { return r.agreement.Progress() }

// PullTargets are the nodes outside the view that a round pulls from. They may be dialled
// at the addresses of the view that named them.
func (r *Replica) PullTargets() []wire.Member { return r.agreement.PullTargets() }

// Written reports that this history has a write, be it committed or not.
func (r *Replica) Written() bool { return r.hist.NextNumber() > 1 || r.hist.Length() > r.hist.Commit() }

// OnChunkRead is told records that the store has read.
func (r *Replica) OnChunkRead(in *core.ChunkRead) { r.agreement.OnChunkRead(in) }

// OnHello learns from a member's hello: the position that is committed, that a member is
// another incarnation than the ballot counts on, or that it missed that the ballot is
// active.
func (r *Replica) OnHello(h wire.Header, m *wire.Hello) {
	primary := r.promise.Primary()
	r.waits.OnHello(h.From, m, primary, len(r.promise.Members()))
	if r.promise.IsPrimary() {
		r.agreement.OnBackupHello(h, m)
		if r.asPrimary != nil {
			r.asPrimary.Order(r.now)
		}
		return
	}
	if h.From == primary {
		if m.Serving && r.agreement.Enter(m.Ballot) {
			r.hist.LearnCommit(m.Commit)
		}
		r.forward()
	}
}

// Hello is what the next hello says.
func (r *Replica) Hello() wire.Hello {
	h := wire.Hello{
		Ballot: r.hist.Ballot(), Promised: r.promise.Ballot(), Commit: r.hist.Commit(), Sum: r.hist.Sum(),
		Progress: r.Progress(), Serving: r.Serving(),
	}
	if !r.notInView() {
		h.Silent = r.waits.Silent(r.now, r.promise.Members(), r.promise.ViewAt())
	}
	if r.asPrimary != nil {
		h.Deaf = r.waits.Deaf()
	}
	return h
}

// Waiting lists the members that the round or clients' requests wait for, with the reason
// for people. The list is never written to afterwards.
func (r *Replica) Waiting() (list []core.Wait, reason string) {
	p := r.promise
	return r.waits.List(r.now, waits.State{
		View: p.View(), ViewAt: p.ViewAt(), Members: p.Members(), Primary: p.Primary(),
		Ballot: r.hist.Ballot(), Round: r.agreement.Round(), Serving: r.Serving(), NotInView: r.notInView(),
	})
}
