// Package put is the PUTs of views that are open at a node, from their arrival to their answers
// (docs/views.md §2): the query, the new view or the renewal of the one in force, and the time
// until the node is ready (docs/views.md §4).
//
// What the answers to a query mean is in package query. A view that a PUT makes goes to its
// members only (I23). The Host adopts views.
package put

import (
	"slices"

	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/view/held"
	"github.com/cohortkv/cohort/node/view/hello"
	"github.com/cohortkv/cohort/node/view/query"
	"github.com/cohortkv/cohort/node/wire"
)

// Times of a PUT (docs/views.md §2).
const (
	querySilence = 300 * wire.Millisecond // a query ends after this time, even if members have not answered
	queryResend  = 50 * wire.Millisecond  // between queries to a member that has not answered
	firstPause   = 250 * wire.Millisecond // from a new view to its first re-send; each pause after that is twice as long
	maxPause     = 1 * wire.Second        // bound on the pause between re-sends
	stalled      = 3 * wire.Second        // a PUT without progress for this time is answered as not ready
	limit        = 8 * wire.Second        // a PUT is answered within this time
	foreign      = 500 * wire.Millisecond // a PUT that lacks only members of other clusters is answered then; an operator may put the list to them next
)

// maxNewIDs bounds the ids that one PUT may give its list, the first one included. A PUT takes
// a new id when a member refuses the view because it holds a higher one.
const maxNewIDs = 4

// History is what the node has of data, of both models.
type History interface {
	// Ballot names the strong history, and BallotMembers took part in that ballot.
	Ballot() ids.Ballot
	BallotMembers() []wire.Member
	// Holding reports whether slots of causal buckets are held here. Data reports whether
	// this node has, or had in this boot, data of either model.
	Holding() bool
	Data() bool
}

// Readiness is how far the node is in serving its view (docs/views.md §4).
type Readiness interface {
	// Serving reports whether the node is ready to serve its view. Progress grows whenever the
	// node gets nearer to that.
	Serving() bool
	Progress() uint64
	// HandedOver is asked at a node outside its view. It reports whether the causal data has
	// come to its owners, and whether a PUT waits for nothing else.
	HandedOver() (causal, only bool)
	// Refresh is called when the list of the view was put again. Before that PUT is answered,
	// this node asks its peers once more for what it lacks.
	Refresh()
}

// Host is the rest of the node's view.
type Host interface {
	// Adopt makes a view that a PUT made, or may follow, the view of the node, durably.
	Adopt(*wire.View)
	// Renewed is called when the held view was renewed. It is made durable.
	Renewed()
	// GiveWay is called when a member under a view has told that another process has the id of
	// this node.
	GiveWay(told ids.Node, under ids.View)
	// Reach is called when Lists has changed.
	Reach()
}

// Config is what the node was started with.
type Config struct {
	Boot    ids.Boot
	Expects bool // --expect-data
}

// Puts are the PUTs that are open at a node. The front bounds them.
type Puts struct {
	cfg       Config
	held      *held.View
	peers     *hello.Peers
	box       *core.Outbox
	history   History
	readiness Readiness
	host      Host
	now       wire.Instant

	open         []*put // oldest first
	last         uint64 // id of the last PUT. Each boot begins elsewhere, so a late answer finds no PUT
	undialAtTick bool   // the peers of a finished dry run may be dialled until the next tick
}

// New returns a node without open PUTs.
func New(cfg Config, h *held.View, peers *hello.Peers, box *core.Outbox, history History, readiness Readiness, host Host) *Puts {
	return &Puts{
		cfg: cfg, held: h, peers: peers, box: box, history: history, readiness: readiness, host: host,
		last: uint64(cfg.Boot) >> 1,
	}
}

// SetNow tells the time. It is called before anything else in a Step.
func (s *Puts) SetNow(now wire.Instant) { s.now = now }

// stage says what an open PUT does at present.
type stage uint8

const (
	querying   stage = iota + 1 // asking the members what they hold
	announcing                  // made a view here, and sends it to the members until the PUT is answered
	waiting                     // the list is in force already; waiting until the node is ready
)

// put is one PUT from its arrival to its answer. It is kept in memory only: a node that dies
// forgets its PUTs.
type put struct {
	id             uint64
	token          ids.Token
	query          *query.Query
	dryRun         bool         // the PUT ends after the query, and changes nothing
	limit          wire.Instant // bound on the time to the answer
	stage          stage
	begun          wire.Instant
	resend         wire.Instant // when the query or the view is sent again
	pause          wire.Instant // between the last two times that the view was sent
	view           *wire.View   // the view that this PUT made or found in force; nil while querying
	made           bool         // the PUT sends view to its members: it made or renewed it
	newIDs         int          // ids made for this PUT, at most maxNewIDs
	firstOfCluster bool         // with made: this node was of no cluster, and view began one (docs/views.md §2.1)
	loss           *core.Loss   // data that no member of the list has; nil: none is known
	twinAt         ids.Node     // with twin
	twin           bool         // the member twinAt says that this node's id belongs to another process

	// At a node outside the list:
	covered         bool          // the primary's active base contains this node's ballot
	primaryProgress uint64        // the primary's progress, as it said last
	higher          wire.Ancestor // a higher view of the same list that a member holds; zero: none

	lastProgress uint64       // sum of all progress at progressAt
	progressAt   wire.Instant // when the progress last changed
}

// Put starts an operator's PUT /view. It is answered with one Reply within limit.
func (s *Puts) Put(in *core.PutView) {
	s.last++
	p := &put{
		id: s.last, token: in.Token, query: query.New(s.held, in.Layout, in.Force), dryRun: in.Check, limit: limit,
		stage: querying, begun: s.now, progressAt: s.now,
	}
	if in.Limit > 0 {
		p.limit = min(p.limit, in.Limit)
	}
	s.open = append(s.open, p)
	s.host.Reach()
	if len(p.query.Members) == 0 && !p.query.Listed {
		s.putEmptyList(p)
		return
	}
	s.ask(p)
	s.conclude(p)
}

// putEmptyList takes this node, and no other, out of its view. The PUT is answered at once.
func (s *Puts) putEmptyList(p *put) {
	if p.dryRun {
		s.finish(p, core.ViewChecked)
		return
	}
	p.view = s.makeView(p)
	s.host.Adopt(p.view)
	s.finish(p, core.ViewServed)
}

// Abandon forgets the PUT of a client that has left; false: the token is not of a PUT. A view
// that the PUT made stays in force.
func (s *Puts) Abandon(token ids.Token) bool {
	for _, p := range s.open {
		if p.token == token {
			s.forget(p)
			s.host.Reach()
			return true
		}
	}
	return false
}

func (s *Puts) find(id uint64) *put {
	for _, p := range s.open {
		if p.id == id {
			return p
		}
	}
	return nil
}

func (s *Puts) forget(p *put) {
	s.open = slices.DeleteFunc(s.open, func(q *put) bool { return q == p })
}

// None reports whether no PUT is open.
func (s *Puts) None() bool { return len(s.open) == 0 }

// Busy reports whether the next Tick is needed soon: a PUT is open, or peers are to be undialled.
func (s *Puts) Busy() bool { return len(s.open) > 0 || s.undialAtTick }

// Lists yields the lists of the open PUTs, the newest first.
func (s *Puts) Lists(yield func(wire.Layout) bool) {
	for _, p := range slices.Backward(s.open) {
		if !yield(p.query.List) {
			return
		}
	}
}

// Undial lets the peers of finished dry runs go.
func (s *Puts) Undial() {
	if s.undialAtTick {
		s.undialAtTick = false
		s.host.Reach()
	}
}

// Tick goes on with all PUTs.
func (s *Puts) Tick() {
	for _, p := range slices.Clone(s.open) {
		s.tick(p)
	}
}

// tick repeats what has no answer, and answers the PUT when its time is up (docs/views.md §2).
func (s *Puts) tick(p *put) {
	if p.stage == querying {
		if s.now >= p.resend {
			s.ask(p)
		}
		s.conclude(p)
		return
	}
	s.check(p)
	if s.find(p.id) == nil {
		return
	}
	if s.isOver(p) {
		s.finish(p, core.ViewUnready)
		return
	}
	if p.made && s.now >= p.resend && s.held.ID() == p.view.ID {
		s.sendView(p, min(2*p.pause, maxPause)) // a silent member is also probed, and gets the view after its answer
	}
	if !p.query.Listed && !p.covered && !s.blank() {
		s.askCovered(p)
	}
}

// isOver reports whether the time of a PUT is up. It takes note of progress.
func (s *Puts) isOver(p *put) bool {
	if now := s.progress() + p.primaryProgress; now != p.lastProgress {
		p.lastProgress, p.progressAt = now, s.now
	}
	return s.now-p.progressAt >= stalled || s.now-p.begun >= p.limit ||
		p.made && p.query.OnlyForeign() && s.now-p.begun >= foreign
}

// progress sums up the progress of this node and of all members. A PUT at this node may wait
// for data that other members still receive.
func (s *Puts) progress() uint64 { return s.readiness.Progress() + s.peers.Progress() }

// blank reports whether this node has no strong history.
func (s *Puts) blank() bool { return s.history.Ballot().IsZero() }
