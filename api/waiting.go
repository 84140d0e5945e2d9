package api

import (
	"fmt"
	"strconv"
	"strings"
)

// Wait is a member of the view that strong requests wait for, according to one
// node.
type Wait struct {
	Node    uint64  `json:"node"`
	Since   string  `json:"since"`   // when it was last heard, or first asked without an answer; RFC 3339
	Seconds float64 `json:"seconds"` // seconds since then
	Why     string  `json:"why"`     // one of the constants below, or what is wrong with the link to the member
	Detail  string  `json:"detail,omitempty"`
	Absent  bool    `json:"absent"` // nothing is heard of it; otherwise it is heard, and not ready yet
}

// Reasons for which a member is waited for, unless the node knows a better one.
// docs/operations.md lists them, and the reasons that a bus gives for a broken
// link.
const (
	WhySilent    = "silent"                       // the link works as far as the bus knows, but nothing is heard
	WhyJoining   = "not in the round"             // the member has not joined the round that begins the view
	WhyReceiving = "receiving data"               // the member is receiving the base of the round
	WhyApart     = "apart from the primary"       // this node and the member hear each other, but the primary waits for the member
	WhyDeaf      = "hears nothing from this node" // the member says so
	WhyPrimary   = "no round from here"           // the member is the primary, and its round has not reached this node
)

// ShardWait is a shard of causal buckets of which no member is heard.
type ShardWait struct {
	Shard   string   `json:"shard"`
	Members []uint64 `json:"members"`
	Seconds float64  `json:"seconds"`
}

// Outage is what requests through a node wait for. Readiness, GET /v1/cluster,
// errors and metrics all show it.
type Outage struct {
	Strong []Wait      // members; strong requests wait for all of these
	Shards []ShardWait // shards; causal requests for their keys wait
	Others int         // members of the view other than this node
	Bus    string      // why the node has no bus at all; empty: it has one
}

// mostNamed bounds the number of members that a sentence names.
const mostNamed = 4

// StrongText says which members strong requests wait for, since when and why, and
// what an operator can do. It is empty if they wait for none.
func (o *Outage) StrongText() string {
	if len(o.Strong) == 0 {
		return ""
	}
	var named, absent []string
	for i := range o.Strong {
		w := &o.Strong[i]
		if i < mostNamed {
			named = append(named, w.text())
		}
		if w.Absent {
			absent = append(absent, strconv.FormatUint(w.Node, 10))
		}
	}
	if more := len(o.Strong) - mostNamed; more > 0 {
		named = append(named, fmt.Sprintf("%d more", more))
	}
	text := "waiting for " + enumerate(named)
	switch {
	case o.Bus != "":
		return text + "; this node's bus: " + o.Bus
	case len(absent) == 0:
		return text
	case len(absent) == o.Others && o.Others > 1:
		return text + "; no other member is heard: look at this node's own network first"
	}
	them := "it"
	if len(absent) > 1 {
		them = "them"
	}
	return text + "; to go on without " + them + ": `cohort view remove " + strings.Join(absent, " ") + "`"
}

// text describes one member.
func (w *Wait) text() string {
	text := fmt.Sprintf("node %d, ", w.Node)
	switch {
	case !w.Absent:
		return text + fmt.Sprintf("%s for %.1f s", w.Why, w.Seconds)
	case w.Why != WhySilent:
		return text + fmt.Sprintf("silent for %.1f s (%s)", w.Seconds, w.Why)
	}
	return text + fmt.Sprintf("silent for %.1f s", w.Seconds)
}

// CausalText says for which shards requests wait. It is empty if they wait for
// none.
func (o *Outage) CausalText() string {
	var texts []string
	for i := range o.Shards {
		s := &o.Shards[i]
		texts = append(texts, fmt.Sprintf("shard %q (%s), silent for %.1f s", s.Shard, members(s.Members), s.Seconds))
		if i+1 == mostNamed && len(o.Shards) > mostNamed {
			texts = append(texts, fmt.Sprintf("%d more", len(o.Shards)-mostNamed))
			break
		}
	}
	if len(texts) == 0 {
		return ""
	}
	return "requests for keys of these wait, for no member of theirs is heard: " + enumerate(texts)
}

func members(ids []uint64) string {
	var names []string
	for _, id := range ids[:min(len(ids), mostNamed)] {
		names = append(names, strconv.FormatUint(id, 10))
	}
	if more := len(ids) - mostNamed; more > 0 {
		names = append(names, fmt.Sprintf("%d more", more))
	}
	if len(ids) == 1 {
		return "node " + names[0]
	}
	return "nodes " + enumerate(names)
}

// enumerate joins a list with commas and "and", as in a sentence.
func enumerate(list []string) string {
	if n := len(list); n > 1 {
		return strings.Join(list[:n-1], ", ") + " and " + list[n-1]
	}
	return strings.Join(list, "")
}
