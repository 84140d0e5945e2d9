package script

import (
	"fmt"
	"strings"

	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/machine"
	"github.com/cohortkv/cohort/node/wire"
)

// Strong is the stage of transcripts about views and strong buckets. Causal buckets take
// part and are not shown.
func Strong() Stage {
	return Stage{
		gate:    machine.GateStrong,
		limits:  machine.CausalLimits{Space: space},
		message: func(_ *world, l *packet) string { return describeView(l.in.Message) },
		event:   func(_ *world, e core.Event) bool { return !strings.HasPrefix(e.Kind.Name, "causal_") },
	}
}

func note(e core.Event) string {
	s := ""
	if !e.Ballot.IsZero() {
		s += " " + ballot(e.Ballot)
	} else if !e.View.IsZero() {
		s += " " + viewID(e.View)
	}
	if strings.HasPrefix(e.Kind.Name, "strong_wait") {
		s += fmt.Sprintf(" node %d, %d ms", e.Peer, e.Count)
	}
	if e.Note != "" {
		s += ": " + e.Note
	}
	return s
}

var waitCauses = map[core.WaitCause]string{
	core.WaitSilent: "is silent", core.WaitJoin: "has not joined", core.WaitData: "receives the data",
	core.WaitPrimary: "leads no round here", core.WaitApart: "is apart from the primary",
	core.WaitDeaf: "hears nothing from here",
}

// showWaits shows which nodes the requests through a node wait for, and how long they have waited.
func (w *world) showWaits(n *node) {
	s := &n.status
	if s.StrongReady() {
		w.say("  %d waits for nobody", n.id)
	} else if len(s.Waiting) == 0 {
		w.say("  %d serves no strong requests: %s", n.id, s.Reason)
	}
	for _, m := range s.Waiting {
		w.say("  %d waits for %d, which %s, for %d ms", n.id, m.Node, waitCauses[m.Cause], (w.now-m.Since)/wire.Millisecond)
	}
	for _, m := range s.Unheard {
		w.say("  %d hears nobody of shard %s, nodes %v, for %d ms", n.id, m.Shard, m.Members, (w.now-m.Since)/wire.Millisecond)
	}
}

func viewID(v ids.View) string { return fmt.Sprintf("view %d by %d", v.Number, v.Author) }

func ballot(b ids.Ballot) string {
	if b.IsZero() {
		return "blank"
	}
	return fmt.Sprintf("(%d by %d, round %d)", b.View.Number, b.View.Author, b.Round)
}

// describeView shows a message about views and rounds. Messages that only repeat are left
// out.
func describeView(m wire.Message) string {
	switch m := m.(type) {
	case *wire.Hello:
		return ""
	case *wire.Query:
		return "Query, I stand in " + ballot(m.Ballot)
	case *wire.QueryReply:
		held := "no view"
		if m.Present {
			held = viewID(m.View.ID)
		}
		return "QueryReply: " + held + ", " + ballot(m.Ballot)
	case *wire.NewView:
		return "NewView " + viewID(m.View.ID)
	case *wire.NewViewReply:
		if m.Accepted {
			return "NewViewReply: followed"
		}
		return "NewViewReply: refused, I hold " + viewID(m.Held)
	case *wire.JoinRequest:
		return "JoinRequest " + ballot(m.Ballot)
	case *wire.Join:
		s := fmt.Sprintf("Join %s: I have %d entries of %s", ballot(m.Ballot), m.History.Length, ballot(m.History.Ballot))
		for _, b := range m.Staged {
			s += ", staged " + ballot(b.History.Ballot)
		}
		return s
	case *wire.BallotTooLow:
		return "BallotTooLow: I promised " + ballot(m.Promised)
	case *wire.Start:
		if m.Base.Merged() {
			return fmt.Sprintf("Start %s from %s", ballot(m.Ballot), sides(m.Base.Sides))
		}
		return fmt.Sprintf("Start %s from %d entries of %s", ballot(m.Ballot), m.Base.Length, ballot(m.Base.Source))
	case *wire.Started:
		return "Started " + ballot(m.Ballot)
	case *wire.Active:
		return "Active " + ballot(m.Ballot)
	case *wire.Fetch:
		return fmt.Sprintf("Fetch %s", parts[m.Part])
	case *wire.Chunk:
		return fmt.Sprintf("Chunk %s: %d records, %d entries", parts[m.Part], len(m.Records), len(m.Entries))
	default:
		return describeStrong(m)
	}
}

func sides(all []wire.PastBallot) string {
	var s []string
	for _, p := range all {
		s = append(s, fmt.Sprintf("%d entries of %s", p.Count, ballot(p.Ballot)))
	}
	return strings.Join(s, " and ")
}

var parts = map[wire.FetchPart]string{
	wire.FetchHead: "head", wire.FetchRecords: "records", wire.FetchTail: "tail", wire.FetchEntries: "entries",
}

var fates = map[wire.Fate]string{
	wire.FateLost: "is lost here", wire.FateElsewhere: "lives on here, in another view",
	wire.FateBelow: "would come to a higher view",
}

func describeStrong(m wire.Message) string {
	switch m := m.(type) {
	case *wire.Prepare:
		last := m.First + uint64(len(m.Entries)) - 1
		return fmt.Sprintf("Prepare %s entries %d to %d, committed %d", ballot(m.Ballot), m.First, last, m.Commit)
	case *wire.Ack:
		return fmt.Sprintf("Ack %s up to %d", ballot(m.Ballot), m.Index)
	case *wire.Forward:
		return fmt.Sprintf("Forward %d writes", len(m.Ops))
	case *wire.ForwardReply:
		return fmt.Sprintf("ForwardReply %d answers", len(m.Answers))
	case *wire.Confirm:
		return "Confirm " + ballot(m.Ballot)
	case *wire.Confirmed:
		return fmt.Sprintf("Confirmed %s, committed %d", ballot(m.Ballot), m.Commit)
	case *wire.Cancel:
		return fmt.Sprintf("Cancel %d writes", len(m.Counters))
	case *wire.Pull:
		return "Pull " + ballot(m.Ballot) + ": we owe " + ballot(m.Owed.Ballot)
	case *wire.PullReply:
		return fmt.Sprintf("PullReply: %s %s", ballot(m.Owed), fates[m.Fate])
	case *wire.BaseCheck:
		return "BaseCheck? " + ballot(m.Ballot)
	case *wire.BaseCheckReply:
		return fmt.Sprintf("BaseCheckReply: %t", m.Contained)
	default:
		return ""
	}
}
