package causal

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/cohortkv/cohort/benchmark/history"
)

// story parses a history that is written for people, one operation a line:
//
//	name kind key [value] [version] [?|!] [@start-end] [< parents]
//	final replica key value|- [version]
//	lost name
//
// A get with value - found no value. A ? marks an unknown outcome, a ! a refusal. Without
// times, operations follow one another. A join has "all" in place of values and versions.
func story(text string) *History {
	h := &History{}
	names := map[string]OpID{}
	lost := map[OpID]bool{}
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		switch {
		case len(words) == 0 || words[0] == "#":
		case words[0] == "final":
			h.Final = append(h.Final, heldOf(words))
		case words[0] == "lost":
			lost[names[words[1]]] = true
			h.Lost = func(id OpID) bool { return lost[id] }
		default:
			op, parents := opOf(words, names)
			op.Start, op.End = timesOf(words, len(h.Ops))
			if _, twice := names[words[0]]; twice {
				panic("two operations are called " + words[0])
			}
			names[words[0]] = h.Add(op, parents...)
		}
	}
	return h
}

var kinds = map[string]Kind{"put": Put, "get": Get, "del": Delete, "join": Join}

func opOf(words []string, names map[string]OpID) (Op, []OpID) {
	op := Op{Client: 1, Kind: kinds[words[1]], Outcome: history.OK, Status: 200}
	var parents []OpID
	for i, w := range words[2:] {
		switch {
		case w == "<":
			for _, name := range words[i+3:] {
				p, known := names[name]
				if !known {
					panic("nobody is called " + name)
				}
				parents = append(parents, p)
			}
			return op, parents
		case w == "?":
			op.Outcome, op.Status = history.Unknown, 0
		case w == "!":
			op.Outcome, op.Status = history.NotApplied, 503
		case w == "-":
			op.Status = 404
		case w[0] == '@':
		case strings.Contains(w, "@"):
			op.Version = versionOf(w)
		case i == 0 && op.Kind != Join:
			op.Key = w
		default:
			op.Value = valueOf(w)
		}
	}
	return op, parents
}

func timesOf(words []string, n int) (start, end int64) {
	start, end = int64(2*n), int64(2*n+1)
	for _, w := range words {
		if w[0] == '@' {
			if _, err := fmt.Sscanf(w, "@%d-%d", &start, &end); err != nil {
				panic(err)
			}
		}
	}
	return start, end
}

func valueOf(w string) history.Value {
	n, err := strconv.Atoi(w)
	if err != nil {
		panic(err)
	}
	return history.Value(n)
}

func versionOf(w string) Version {
	var v Version
	w, v.Dot, _ = strings.Cut(w, "/")
	if _, err := fmt.Sscanf(w, "%d@%d", &v.Counter, &v.Node); err != nil {
		panic(err)
	}
	return v
}

func heldOf(words []string) Held {
	held := Held{Replica: uint64(valueOf(words[1])), Key: words[2]}
	if words[3] != "-" {
		held.Value = valueOf(words[3])
	}
	if len(words) > 4 {
		held.Version = versionOf(words[4])
	}
	return held
}

// blind returns the history without its versions.
func blind(h *History) *History {
	b := *h
	b.Ops, b.Final = slices.Clone(h.Ops), slices.Clone(h.Final)
	for i := range b.Ops {
		b.Ops[i].Version = Version{}
	}
	for i := range b.Final {
		b.Final[i].Version = Version{}
	}
	return &b
}
