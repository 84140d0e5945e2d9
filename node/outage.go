package node

import (
	"cmp"
	"time"

	"github.com/cohortkv/cohort/api"
	"github.com/cohortkv/cohort/bus"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
)

// Outage implements front.Backend. The core provides the members that are waited for, with times.
// The bus provides the faults of the connections to them. Readiness, GET /v1/cluster, errors,
// metrics and the log all use Outage.
func (b *backend) Outage() api.Outage {
	status := b.status.Load()
	o := api.Outage{Others: max(0, len(status.View.Layout.Members())-1)}
	ways := b.links()
	o.Bus = ways.home
	if len(status.Waiting)+len(status.Unheard) == 0 {
		return o
	}
	now, wall := b.driver.clock(), time.Now()
	for _, w := range status.Waiting {
		lasted := time.Duration(max(0, now-w.Since))
		wait := api.Wait{
			Node: uint64(w.Node), Since: wall.Add(-lasted).UTC().Format(sinceFormat), Seconds: lasted.Seconds(),
			Absent: w.Cause == core.WaitSilent,
		}
		wait.Why, wait.Detail = ways.why(w.Node, w.Cause)
		o.Strong = append(o.Strong, wait)
	}
	for _, s := range status.Unheard {
		shard := api.ShardWait{Shard: s.Shard, Seconds: time.Duration(max(0, now-s.Since)).Seconds()}
		for _, id := range s.Members {
			shard.Members = append(shard.Members, uint64(id))
		}
		o.Shards = append(o.Shards, shard)
	}
	return o
}

const sinceFormat = "2006-01-02T15:04:05.000Z07:00" // RFC 3339, in milliseconds

// links are the bus connections to the peers and to the node's own server.
type links struct {
	home  string // why the node has no bus; empty: it has
	peers []bus.Link
}

// links asks the bus for its connections. A bus that does not report them counts as connected.
func (b *backend) links() (w links) {
	counts, ok := b.driver.conn.(bus.Reporter)
	if !ok {
		return w
	}
	stats := counts.Stats()
	w.peers = stats.Peers
	if home := &stats.Home; !home.Connected && home.Err != nil {
		w.home = join(trouble(home))
	}
	return w
}

// trouble says why a link has no connection: in a few words, and in detail.
func trouble(l *bus.Link) (why, detail string) {
	why = string(cmp.Or(l.Why, bus.Failed))
	if l.Err == nil {
		return why, ""
	}
	return why, l.Err.Error()
}

// causeTexts are the texts of the API for the causes of a wait.
var causeTexts = map[core.WaitCause]string{
	core.WaitSilent: api.WhySilent, core.WaitJoin: api.WhyJoining, core.WaitData: api.WhyReceiving,
	core.WaitPrimary: api.WhyPrimary, core.WaitApart: api.WhyApart, core.WaitDeaf: api.WhyDeaf,
}

// why says why a member is waited for: the fault of the connection to it, if there is one, else
// the cause that the core gives.
func (w *links) why(id ids.Node, cause core.WaitCause) (why, detail string) {
	for i := range w.peers {
		if l := &w.peers[i]; l.ID == id && !l.Connected && l.Err != nil {
			return trouble(l)
		}
	}
	return causeTexts[cause], ""
}

// Ways implements front.Backend.
func (b *backend) Ways() func(ids.Node) (why, detail string) {
	w := b.links()
	links := make(map[ids.Node]*bus.Link, len(w.peers))
	for i := range w.peers {
		links[w.peers[i].ID] = &w.peers[i]
	}
	return func(id ids.Node) (why, detail string) {
		l := links[id]
		switch {
		case l != nil && !l.Connected && l.Err != nil:
			return trouble(l)
		case w.home != "":
			return "this node has no bus", w.home
		}
		return "", ""
	}
}

// why says for the log why strong requests wait for a member. The event comes before the status
// of its step, so the current status may not name the member yet.
func (b *backend) why(id ids.Node) string {
	w := b.links()
	for _, waited := range b.status.Load().Waiting {
		if waited.Node == id {
			return join(w.why(id, waited.Cause))
		}
	}
	return join(w.why(id, core.WaitSilent))
}

// join joins a cause and its detail, if there is any.
func join(why, detail string) string {
	if detail == "" {
		return why
	}
	return why + ": " + detail
}

// Holds implements front.Backend.
func (b *backend) Holds() api.Holds {
	live, tombstones := b.state.CausalLen()
	return api.Holds{Keys: b.state.Len(), CausalKeys: live, Tombstones: tombstones, Bytes: b.state.Bytes()}
}
