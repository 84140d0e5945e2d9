package machine

import (
	"slices"

	"github.com/cohortkv/cohort/node/causal"
	"github.com/cohortkv/cohort/node/strong"
	"github.com/cohortkv/cohort/node/wire"
)

// local is both models as far as views are concerned (view.Local).
type local struct {
	*strong.Replica
	causal *causal.Replica
	gate   Gate
}

// Adopt tells both models of the view.
func (l *local) Adopt(v *wire.View) {
	l.Replica.Adopt(v)
	l.causal.Adopt(v)
}

// Refresh lets this node look once more whether it lacks anything.
func (l *local) Refresh() { l.causal.Refresh() }

// PullTargets are nodes outside the view that a round, or an exchange, wants to reach.
func (l *local) PullTargets() []wire.Member {
	return slices.Concat(l.Replica.PullTargets(), l.causal.Former())
}

// Serving reports whether the models that a PUT waits for are ready.
func (l *local) Serving() bool {
	return (l.gate == GateStrong || l.causal.Synced()) && (l.gate == GateCausal || l.Replica.Serving())
}

// HasActiveBase reports whether strong buckets are ready. Nodes outside the view ask
// whether their history is in the base.
func (l *local) HasActiveBase() bool { return l.Replica.Serving() }

// Holding reports that there is causal data here.
func (l *local) Holding() bool { return l.causal.Holding() }

// Data reports that there is, or was, data of either model in this boot.
func (l *local) Data() bool { return l.Written() || l.causal.Written() }

// HandedOver reports, outside the view, that causal data has come to its owners, and
// whether that is all a PUT waits for.
func (l *local) HandedOver() (causal, only bool) {
	return l.gate == GateStrong || l.causal.Synced(), l.gate == GateCausal
}

// Progress grows whenever a model gets nearer to being ready.
func (l *local) Progress() uint64 { return l.Replica.Progress() + l.causal.Progress() }
