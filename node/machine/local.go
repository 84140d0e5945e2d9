package machine

import (
	"slices"

	"github.com/cohortkv/cohort/node/causal"
	"github.com/cohortkv/cohort/node/strong"
	"github.com/cohortkv/cohort/node/wire"
)

// local is both models as views see them (view.Local).
type local struct {
	*strong.Replica
	causal *causal.Replica
	gate   Gate
}

// Adopt tells both models of the view. The strong model makes it durable, with its promise.
func (l *local) Adopt(v *wire.View) {
	l.Replica.Adopt(v)
	l.causal.Adopt(v)
}

// Refresh lets causal buckets exchange with all peers once more.
func (l *local) Refresh() { l.causal.Refresh() }

// PullTargets are the nodes outside the view that may have data: pull targets of a round, and
// former members and guests of causal buckets.
func (l *local) PullTargets() []wire.Member {
	return slices.Concat(l.Replica.PullTargets(), l.causal.Former())
}

// Serving reports whether the models that a PUT waits for are ready.
func (l *local) Serving() bool {
	return (l.gate == GateStrong || l.causal.Synced()) && (l.gate == GateCausal || l.Replica.Serving())
}

// HasActiveBase reports whether strong buckets are ready. Causal ones do not matter to a node
// outside, which asks whether its history is in the base (docs/views.md §4).
func (l *local) HasActiveBase() bool { return l.Replica.Serving() }

// Holding reports whether this node holds slots of causal buckets.
func (l *local) Holding() bool { return l.causal.Holding() }

// Data reports whether this node has, or had in this boot, data of either model.
func (l *local) Data() bool { return l.Written() || l.causal.Written() }

// HandedOver is asked at a node outside the view. It reports whether the owners have the causal
// data, and whether a PUT waits for nothing else.
func (l *local) HandedOver() (causal, only bool) {
	return l.gate == GateStrong || l.causal.Synced(), l.gate == GateCausal
}

// Progress grows whenever a model comes nearer to being ready.
func (l *local) Progress() uint64 { return l.Replica.Progress() + l.causal.Progress() }
