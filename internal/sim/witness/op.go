package witness

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/cohortkv/cohort/internal/sim/schedule"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// Op is one operation of a client.
type Op struct {
	Token     uint64
	Client    int
	Plan      *schedule.OpPlan
	Node      ids.Node
	Boot      ids.Boot
	BootCount int // of the node, so that answers of an earlier boot are noticed
	Write     wire.Op
	State     OpState
	since     uint64       // the moment of the witness at which the client asked
	bit       int          // in an opSet, once the operation was ordered
	places    []place      // where it was ordered: several, if a round cut it off or groups went apart
	Begun     wire.Instant // when the client asked
	gone      bool         // its node was told that the client is gone
}

// OpState says how an operation has ended, if it has.
type OpState uint8

const (
	Open    OpState = iota
	Done            // the client was answered
	Refused         // answered 503: it has not taken effect and never will
	Left            // the client gave up: it may take effect once, or never
	Lost            // the node crashed: it may take effect once, or never
)

var StateNames = [...]string{Open: "open", Done: "done", Refused: "refused", Left: "left", Lost: "lost"}

func (o *Op) String() string {
	return fmt.Sprintf("%s %q of client %d at node %d (op %d, %s)", o.Plan.Kind, o.Key(), o.Client, o.Node, o.Token, StateNames[o.State])
}

// Key is the name of the key.
func (o *Op) Key() string { return "k" + strconv.Itoa(o.Plan.Key) }

const tagPrefix = "op/"

// TagOf returns the content type of the writes of an operation.
func TagOf(token uint64) string { return tagPrefix + strconv.FormatUint(token, 10) }

// parseTag returns the token in a tag. A tag is the content type of a write, so that an
// entry can be traced to its client.
func parseTag(tag string) (uint64, bool) {
	digits, ok := strings.CutPrefix(tag, tagPrefix)
	if !ok {
		return 0, false
	}
	token, err := strconv.ParseUint(digits, 10, 64)
	return token, err == nil && token > 0
}
