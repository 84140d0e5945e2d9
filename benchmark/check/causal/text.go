package causal

import (
	"fmt"
	"strings"

	"github.com/cohortkv/cohort/benchmark/history"
)

// String returns "put", "get", "delete" or "join".
func (k Kind) String() string {
	switch k {
	case Put:
		return "put"
	case Get:
		return "get"
	case Delete:
		return "delete"
	case Join:
		return "join"
	}
	return fmt.Sprintf("kind(%d)", uint8(k))
}

// maxParents bounds the parents that an operation prints.
const maxParents = 8

// String renders the operation as one line:
//
//	c7 put "key-3" 7.12 → 200 version 3@1 after #4 [1.204s +310µs]
func (o Op) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "c%d %v", o.Client, o.Kind)
	if o.Key != "" || o.Kind != Join {
		fmt.Fprintf(&b, " %q", o.Key)
	}
	if o.Kind == Put {
		fmt.Fprintf(&b, " %v", o.Value)
	}
	b.WriteString(" → " + o.answer())
	if !o.Version.None() {
		fmt.Fprintf(&b, " version %v", o.Version)
	}
	for i, p := range o.Parents {
		switch {
		case i == 0:
			fmt.Fprintf(&b, " after #%d", p)
		case i < maxParents:
			fmt.Fprintf(&b, " #%d", p)
		case i == maxParents:
			fmt.Fprintf(&b, " and %d more", len(o.Parents)-maxParents)
		}
	}
	fmt.Fprintf(&b, " [%s]", history.Times(o.Start, o.End))
	return b.String()
}

func (o *Op) answer() string {
	switch {
	case o.Kind == Join && o.Outcome == history.OK:
		return "ok"
	case o.Outcome == history.OK && o.Kind == Get && o.Value != 0:
		return fmt.Sprintf("%d %v", o.Status, o.Value)
	case o.Outcome == history.OK:
		return fmt.Sprint(o.Status)
	case o.Status != 0:
		return fmt.Sprintf("%v (%d)", o.Outcome, o.Status)
	}
	return o.Outcome.String()
}

// String renders what a replica held as one line.
func (h Held) String() string {
	what := "nothing"
	switch {
	case h.Value != 0:
		what = h.Value.String()
	case !h.Version.None():
		what = "a tombstone"
	}
	if h.Version.None() {
		return fmt.Sprintf("replica %d %q: %s", h.Replica, h.Key, what)
	}
	return fmt.Sprintf("replica %d %q: %s version %v", h.Replica, h.Key, what, h.Version)
}
