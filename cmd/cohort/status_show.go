package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/cohortkv/cohort/api"
)

// show prints a picture. Only terminals get colours.
func (p *picture) show(out io.Writer, screen bool) {
	members := 0
	for i := range p.Nodes {
		if p.Nodes[i].Member {
			members++
		}
	}
	fmt.Fprintf(out, "view %d, %d members, according to node %d\n\n", p.Number, members, p.Asked)
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "NODE\tADDRESS\tSHARD\tROLE\tSTRONG\tLOG\tCAUSAL\tMISSING\tKEYS\tCAUSAL KEYS\tTOMBSTONES\tBYTES\tUP")
	for i := range p.Nodes {
		fmt.Fprintln(table, strings.Join(p.Nodes[i].row(), "\t"))
	}
	table.Flush()
	fmt.Fprintln(out)
	red, green, plain := "", "", ""
	if screen {
		red, green, plain = "\x1b[31m", "\x1b[32m", "\x1b[0m"
	}
	for _, problem := range p.Problems {
		fmt.Fprintf(out, "%s%s%s\n", red, problem, plain)
	}
	if p.Well {
		fmt.Fprintf(out, "%sall is well%s\n", green, plain)
	}
}

// row is a node's line of the table.
func (s *seen) row() []string {
	row := []string{fmt.Sprint(s.ID), s.Address, dash(s.Shard)}
	c := s.Shows
	if c == nil {
		return append(row, "-", "no answer")
	}
	row = append(row, role(c), strongState(c), logState(c), causalState(c), missing(c),
		fmt.Sprint(c.Holds.Keys), fmt.Sprint(c.Holds.CausalKeys), fmt.Sprint(c.Holds.Tombstones), size(c.Holds.Bytes))
	return append(row, since(c.Started))
}

func dash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

func role(c *api.Cluster) string {
	switch {
	case !c.Member:
		return "outside"
	case c.LeftBehind:
		return "left behind"
	case c.Primary != nil && *c.Primary == c.Node:
		return "primary"
	}
	return "backup"
}

func strongState(c *api.Cluster) string {
	var waited []string
	for _, w := range c.Waiting {
		waited = append(waited, fmt.Sprint(w.Node))
	}
	switch {
	case len(waited) > 0:
		return "waits for " + strings.Join(waited, ", ")
	case c.Serving:
		return "serves"
	}
	return "does not serve"
}

// logState is the committed position of the log, and the number of entries after it.
func logState(c *api.Cluster) string {
	switch {
	case c.Log == nil:
		return "?"
	case c.Log.Position > c.Log.Committed:
		return fmt.Sprintf("%d +%d", c.Log.Committed, c.Log.Position-c.Log.Committed)
	}
	return fmt.Sprint(c.Log.Committed)
}

func causalState(c *api.Cluster) string {
	switch {
	case len(c.Causal.Waiting) > 0:
		var shards []string
		for _, w := range c.Causal.Waiting {
			shards = append(shards, printable(w.Shard))
		}
		return "waits for " + strings.Join(shards, ", ")
	case c.Causal.Ready && c.Causal.Other > 0:
		return fmt.Sprintf("ready, %d slots to hand off", c.Causal.Other)
	case c.Causal.Ready:
		return "ready"
	}
	return "not ready"
}

// missing counts the causal writes of other nodes that the node knows of and lacks.
func missing(c *api.Cluster) string {
	if c.Members == nil {
		return "?"
	}
	sum := uint64(0)
	for _, m := range c.Members {
		if m.Causal != nil {
			sum += m.Causal.Missing
		}
	}
	return fmt.Sprint(sum)
}

// size is a number of bytes, for people.
func size(n int64) string {
	const k = 1 << 10
	switch {
	case n < 10*k:
		return fmt.Sprint(n)
	case n < 10*k*k:
		return fmt.Sprintf("%d Ki", n/k)
	}
	return fmt.Sprintf("%d Mi", n/k/k)
}

func since(started string) string {
	at, err := time.Parse(time.RFC3339, started)
	if err != nil {
		return "?"
	}
	return time.Since(at).Truncate(time.Second).String()
}
