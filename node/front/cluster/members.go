package cluster

import (
	"slices"
	"strconv"

	"github.com/cohortkv/cohort/api"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
)

// showMembers lists how each member takes a view, in the order of ids.
func (h *Views) showMembers(view *api.View, report *core.ViewReport) []api.ViewMember {
	if report == nil {
		return []api.ViewMember{}
	}
	addresses := map[uint64]string{}
	for _, shard := range view.Shards {
		for _, m := range shard.Members {
			addresses[m.ID] = m.Address
		}
	}
	ways := h.node.Ways()
	members := make([]api.ViewMember, len(report.Members))
	for i := range report.Members {
		r := &report.Members[i]
		m := &members[i]
		m.ID, m.Address = uint64(r.Node), addresses[uint64(r.Node)]
		m.State, m.Reason = showStand(r, ways)
	}
	return members
}

func showStand(r *core.MemberReport, ways func(ids.Node) (why, detail string)) (api.MemberState, string) {
	id := strconv.FormatUint(uint64(r.Node), 10)
	switch r.Stand {
	case core.MemberFollows:
		return api.MemberFollows, ""
	case core.MemberForeign:
		return api.MemberForeign, "node " + id + " belongs to another cluster, where it holds view " +
			strconv.FormatUint(r.Held.Number, 10) + "; put this view to it as well to take it in, or right the address"
	case core.MemberAnswered:
		if r.Held.IsZero() {
			return api.MemberAnswered, "it holds no view yet"
		}
		return api.MemberAnswered, "it holds view " + strconv.FormatUint(r.Held.Number, 10) + " still"
	}
	why, detail := ways(r.Node)
	switch {
	case why == "":
		return api.MemberUnreached, "nothing was heard of it"
	case detail == "":
		return api.MemberUnreached, why
	}
	return api.MemberUnreached, why + ": " + detail
}

// whyNotTaken names the members that have not taken the view; empty if all have.
func whyNotTaken(members []api.ViewMember, report *core.ViewReport) string {
	if report != nil && report.Twin {
		return "this node's id belongs to another process: node " + strconv.FormatUint(uint64(report.TwinAt), 10) +
			" hears it at the address that the view gives it. Stop one of the two"
	}
	lacks := func(state api.MemberState, tell func(m *api.ViewMember) string) string {
		if i := slices.IndexFunc(members, func(m api.ViewMember) bool { return m.State == state }); i >= 0 {
			return tell(&members[i])
		}
		return ""
	}
	if why := lacks(api.MemberForeign, func(m *api.ViewMember) string { return m.Reason }); why != "" {
		return why
	}
	return lacks(api.MemberUnreached, func(m *api.ViewMember) string {
		return "node " + strconv.FormatUint(m.ID, 10) + " at " + m.Address + " was not reached: " + m.Reason
	})
}

// warnings lists what an operator should know about a view: the data that is lost
// by it.
func warnings(report *core.ViewReport) (list []string) {
	if report == nil || report.Loss == nil {
		return nil
	}
	text := "no member of this list has any data"
	if number := report.Loss.View.Number; number > 0 {
		text = "no member of this list has the data that was held in view " + strconv.FormatUint(number, 10)
	}
	for i, id := range report.Loss.Expected {
		text += []string{"; started with --expect-data: node ", ", node "}[min(i, 1)] + strconv.FormatUint(uint64(id), 10)
	}
	return []string{text + ". What no other node holds is lost. Nodes that keep their state in memory lose it when they restart: put the view after each restart, before the next"}
}

func viewResult(outcome core.Outcome, status core.NodeStatus) api.ViewResult {
	switch outcome {
	case core.ViewServed:
		if !status.Member {
			return api.ViewNotServed
		}
		return api.ViewReady
	case core.ViewUnready:
		return api.ViewUnready
	case core.ViewOvertaken:
		return api.ViewOvertaken
	}
	panic("front: outcome " + strconv.Itoa(int(outcome)) + " for a view")
}
