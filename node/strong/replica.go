// Package strong is primary-backup replication after PacificA: one node's part in ordering
// writes, keeping them on every member of the view, and deciding when a read may be answered.
// docs/strong.md is the protocol. The invariants are in docs/strong.md §10.
//
// The parts of the protocol are packages that own their state. A Replica wires them:
//
//	history    what the node holds                promise   what the node is bound to
//	agreement  how it comes to an active ballot   round     the primary's round
//	recovery   what a round decides, and merges   transfer  bases on their way
//	primary    order and commit                   reads     confirmed reads
//	waits      what people are shown              batch     the size of messages
//
// history and promise are beneath all others. agreement is above promise, round, recovery
// and transfer. None of them imports this package.
//
// A Replica is a pure core: all that it knows came in by its methods, and all that it wants
// done goes to the Outbox. It belongs to one machine, whose Step is the only caller. Nothing
// that a peer or a client sends makes it panic; a broken invariant of its own does.
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

// Peers is what the replica asks about the other nodes. Only hellos tell whether a node lives.
type Peers interface {
	// Heard returns when the last hello of a member arrived in this view; false: none has.
	Heard(id ids.Node) (wire.Instant, bool)
	// Silence returns after how long without a hello a member counts as silent.
	Silence(id ids.Node) wire.Instant
	// LeftBehind reports whether a member of this view has gone on without this node.
	LeftBehind() bool
	// Views is what a round needs of views.
	agreement.Views
}

// Limits bounds what a replica holds and sends. Zero values mean the defaults.
type Limits struct {
	BatchOps   int // operations in one Prepare or Forward
	BatchBytes int // bytes of their keys and values; one operation always fits
	Depth      int // write batches in flight; more than one helps only on long links
	ChunkBytes int // bytes of one piece of a base
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

// Replica is one node's part in strong replication. Each of its packages owns a part of the
// state. The Replica decides which part is told of what, and in which order.
type Replica struct {
	cfg   Config
	box   *core.Outbox
	peers Peers
	now   wire.Instant // time of the current Step

	hist      *history.History     // what this node holds
	promise   *promise.Promise     // what this node is bound to
	agreement *agreement.Agreement // how this node comes to an active ballot
	asPrimary *primary.Primary     // at the primary while its ballot is active; otherwise nil
	fwd       forwarder            // open writes of this node's clients
	reads     *reads.Reads         // open reads of this node's clients
	waits     *waits.Waits         // for which members these requests wait
}

// New returns a replica with the blank history, or with the state that it recovered.
func New(cfg Config, box *core.Outbox, peers Peers, rec *core.Recovered) *Replica {
	cfg.Limits = cfg.Limits.withDefaults()
	r := &Replica{cfg: cfg, box: box, peers: peers}
	r.hist = history.New(box, cfg.Limits.Origins)
	r.promise = promise.New(cfg.Self, cfg.Inc, box, func() bool { return peers.LeftBehind() })
	if rec != nil {
		r.promise.Recover(&rec.Meta, r.now)
		r.hist = history.Recover(r.box, cfg.Limits.Origins, rec)
	}
	limits := transfer.Limits{ChunkBytes: cfg.Limits.ChunkBytes, Past: cfg.Limits.Past, Origins: cfg.Limits.Origins}
	r.agreement = agreement.New(agreement.Config{Self: cfg.Self, Inc: cfg.Inc, Boot: cfg.Boot, Limits: limits},
		box, r.hist, r.promise, peers, host{r})
	r.reads = reads.New(cfg.Self, cfg.Boot, box, r.hist)
	r.waits = waits.New(cfg.Self, box, peers)
	return r
}

// Restarted is called once, before the first input, by a machine that recovered its state. A
// primary then starts a round before anything else, because it is another boot (I21).
func (r *Replica) Restarted() {
	r.promise.Restarted(r.now)
	if r.promise.IsPrimary() {
		r.agreement.BeginRound()
	}
}

// SetNow tells the time. It is called before anything else in a Step.
func (r *Replica) SetNow(now wire.Instant) {
	r.now = now
	r.agreement.SetNow(now)
}

// Receive takes a message of a peer, and reports whether it concerns strong replication. leave
// makes the node follow the view of a Pull from outside, if it may. It returns zero then, and
// otherwise why not.
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

// Adopt makes v the view of this node. The caller has checked that the rules allow it.
func (r *Replica) Adopt(v *wire.View) { r.agreement.Adopt(v) }

// Keep makes the view durable again, after it was extended or renewed.
func (r *Replica) Keep() { r.promise.Persist() }

// host is a Replica as its agreement sees it (agreement.Host).
type host struct{ *Replica }

// BallotEnds ends what was under way in the last ballot. Writes in the queue or log of a primary
// are in the hands of their forwarders again, which re-send them.
func (r host) BallotEnds() {
	r.asPrimary = nil
	r.fwd.rewind(r.now)
	r.reads.Rewind()
}

// PromiseMade refuses the requests that this node can no longer serve.
func (r host) PromiseMade() { r.refuseUnlogged() }

// Lead begins to serve, as the primary, the ballot whose base was just swapped in.
func (r host) Lead() {
	l := r.cfg.Limits
	r.asPrimary = primary.New(r.cfg.Self, r.cfg.Boot, primary.Limits{BatchOps: l.BatchOps, BatchBytes: l.BatchBytes, Depth: l.Depth},
		r.box, r.hist, r.peers, ownClients{r.Replica})
}

// Resume goes on with the requests that waited for an active ballot.
func (r host) Resume() {
	r.forward()
	r.openReads()
}

// Serving reports whether this node works on client requests.
func (r *Replica) Serving() bool { return r.agreement.Serving() }

// notInView reports whether clients get 503: there is no view, this node is not in it, or
// it was left behind.
func (r *Replica) notInView() bool { return !r.promise.IsMember() || r.peers.LeftBehind() }

// Ballot returns the ballot of the history; zero: the history is blank.
func (r *Replica) Ballot() ids.Ballot { return r.hist.Ballot() }

// BallotMembers returns the members of Ballot, the primary first.
func (r *Replica) BallotMembers() []wire.Member { return r.hist.Members() }

// Knows reports whether the history contains that of a ballot.
func (r *Replica) Knows(b ids.Ballot) bool { return r.hist.Contains(b) }

// Promised returns the ballot that this node is bound to.
func (r *Replica) Promised() ids.Ballot { return r.promise.Ballot() }

// Progress grows whenever this node gets nearer to an active ballot.
func (r *Replica) Progress() uint64 { return r.agreement.Progress() }

// PullTargets are the nodes outside the view that a round pulls from. The bus may dial them at
// the addresses of the view that named them.
func (r *Replica) PullTargets() []wire.Member { return r.agreement.PullTargets() }

// Written reports whether the history has a write, committed or not.
func (r *Replica) Written() bool { return r.hist.NextNumber() > 1 || r.hist.Length() > r.hist.Commit() }

// OnChunkRead takes records that the store has read for a member.
func (r *Replica) OnChunkRead(in *core.ChunkRead) { r.agreement.OnChunkRead(in) }

// OnHello takes the hello of a member of the view. A backup learns the commit position from the
// primary's hello, and that its ballot is active. The primary finds members that it must begin
// a round for, or that do not know yet that the ballot is active.
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

// Hello returns this node's part of the next hello.
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

// Waiting lists the members that the round or clients' requests wait for, and the reason for
// people. The list is not written to afterwards.
func (r *Replica) Waiting() (list []core.Wait, reason string) {
	p := r.promise
	return r.waits.List(r.now, waits.State{
		View: p.View(), ViewAt: p.ViewAt(), Members: p.Members(), Primary: p.Primary(),
		Ballot: r.hist.Ballot(), Round: r.agreement.Round(), Serving: r.Serving(), NotInView: r.notInView(),
	})
}
