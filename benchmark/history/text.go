package history

import (
	"fmt"
	"strings"
	"time"
)

// String returns "put", "get", "delete", "list" or "held".
func (k Kind) String() string {
	switch k {
	case Put:
		return "put"
	case Get:
		return "get"
	case Delete:
		return "delete"
	case List:
		return "list"
	case Held:
		return "held"
	}
	return fmt.Sprintf("kind(%d)", uint8(k))
}

// String returns the word that HTTP answers use too.
func (o Outcome) String() string {
	switch o {
	case OK:
		return "ok"
	case NotApplied:
		return "not-applied"
	case Unknown:
		return "unknown"
	}
	return fmt.Sprintf("outcome(%d)", uint8(o))
}

// String returns "client.counter", as the value was composed.
func (v Value) String() string {
	switch {
	case v == 0:
		return "nothing"
	case v.Foreign():
		return fmt.Sprintf("foreign:%x", uint64(v&^foreign))
	}
	return fmt.Sprintf("%d.%d", uint64(v>>32), uint32(v))
}

// String renders the operation as one line:
//
//	c7 put "key-3" 7.12 → 201 num 44 [1.204s +310µs]
func (o Op) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "c%d %v %q", o.Client, o.Kind, o.Key)
	if o.Kind == Put {
		fmt.Fprintf(&b, " %v", o.Value)
	}
	b.WriteString(" → ")
	switch {
	case o.Outcome == OK && o.Kind == Get && o.Value != 0:
		fmt.Fprintf(&b, "%d %v", o.Status, o.Value)
	case o.Outcome == OK:
		fmt.Fprintf(&b, "%d", o.Status)
	case o.Status != 0:
		fmt.Fprintf(&b, "%v (%d)", o.Outcome, o.Status)
	default:
		fmt.Fprintf(&b, "%v", o.Outcome)
	}
	if o.Num != 0 {
		fmt.Fprintf(&b, " num %d", o.Num)
	}
	fmt.Fprintf(&b, " [%s]", Times(o.Start, o.End))
	return b.String()
}

// Times renders the start of an operation and how long it took.
func Times(start, end int64) string {
	return fmt.Sprintf("%v +%v", time.Duration(start), time.Duration(end-start))
}
