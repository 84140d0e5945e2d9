package cluster

import (
	"strings"

	"github.com/cohortkv/cohort/api"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/front/answer"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// whyNotServing says why the node does not serve strong requests. It is never
// empty.
func whyNotServing(status *core.NodeStatus, outage *api.Outage) string {
	waits := outage.StrongText()
	switch {
	case waits != "" && (status.Reason == "" || strings.HasPrefix(status.Reason, "waiting for ")):
		return waits // it says the same, with the members' names
	case waits != "":
		return status.Reason + ": " + waits
	case status.Reason != "":
		return status.Reason
	case status.Member && !status.LeftBehind:
		return "this node is not ready to serve its view"
	}
	return answer.NotInView(status)
}

// whyNotCausal says why the node does not serve causal requests. It is never empty.
func whyNotCausal(status *core.NodeStatus) string {
	if status.Causal {
		return "this node has not brought in all slots that it owns"
	}
	return answer.NotInView(status)
}

// toLayout converts a view to the backend's form. The view was read from JSON, so
// it is valid.
func toLayout(view api.View) wire.Layout {
	layout := wire.Layout{Flat: view.Flat}
	for _, s := range view.Shards {
		shard := wire.Shard{Name: s.Name, Members: make([]wire.Member, len(s.Members))}
		for i, m := range s.Members {
			shard.Members[i] = wire.Member{ID: ids.Node(m.ID), Address: m.Address, Bus: m.Bus}
		}
		layout.Shards = append(layout.Shards, shard)
	}
	return layout.Canonical()
}

// showView is the view in force, in the form in which it was put; [] if there is
// none.
func showView(status core.NodeStatus) api.View {
	if !status.Present {
		return api.View{Flat: true}
	}
	view := api.View{Flat: status.View.Layout.Flat, Shards: []api.Shard{}}
	for i := range status.View.Layout.Shards {
		view.Shards = append(view.Shards, showShard(&status.View.Layout.Shards[i]))
	}
	return view
}

func showShard(s *wire.Shard) api.Shard {
	shard := api.Shard{Name: s.Name, Members: make([]api.Member, len(s.Members))}
	for i, m := range s.Members {
		shard.Members[i] = api.Member{ID: uint64(m.ID), Address: m.Address, Bus: m.Bus}
	}
	return shard
}
