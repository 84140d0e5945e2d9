package api

import (
	"fmt"
	"strconv"
	"strings"
)

// Wait is a member of the view that strong requests wait for, as the node sees it.
type Wait struct {
	Node    uint64  `json:"node"`
	Since   string  `json:"since"`   // last heard, or asked in vain; RFC 3339
	Seconds float64 `json:"seconds"` // since then
	Why     string  `json:"why"`     // WhySilent and so on, or what is wrong with the way to it
	Detail  string  `json:"detail,omitempty"`
	Absent  bool    `json:"absent"` // nothing is heard of it; otherwise it is there and not ready yet
}

// Why a member is waited for, when its node knows nothing better. docs/operations.md
// lists these and what a bus says of the way to a member.
const (
	WhySilent    = "silent"                       // the way to it works as far as anyone knows, and nothing is heard
	WhyJoining   = "not in the round"             // it has not joined the round that begins the view
	WhyReceiving = "receiving data"               // it is getting what the round starts from
	WhyApart     = "apart from the primary"       // this node and it hear each other, and the primary waits for it
	WhyDeaf      = "hears nothing from this node" // as it says itself
	WhyPrimary   = "no round from here"           // it is the primary, and its round has not reached this node
)

// ShardWait is a shard of causal buckets none of whose members is heard.
type ShardWait struct {
	Shard   string   `json:"shard"`
	Members []uint64 `json:"members"`
	Seconds float64  `json:"seconds"`
}

// Outage is whom requests through a node wait for: readiness, GET /v1/cluster, errors
// and metrics show the same one.
type Outage struct {
	Strong []Wait      // strong requests wait for all of these
	Shards []ShardWait // causal requests for keys of these shards wait
	Others int         // members of the view beside this node
	Bus    string      // why the node has no bus at all; empty: it has one
}

// mostNamed bounds how many members a sentence names.
const mostNamed = 4

// StrongText says whom strong requests wait for, since when, why, and what an operator
// can do; empty: for nobody.
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

// text names one member.
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

// CausalText says for which shards requests wait; empty: for none.
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

// enumerate joins a list as a sentence does.
func enumerate(list []string) string {
	if n := len(list); n > 1 {
		return strings.Join(list[:n-1], ", ") + " and " + list[n-1]
	}
	return strings.Join(list, "")
}
