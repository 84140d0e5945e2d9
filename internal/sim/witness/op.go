package witness

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/cohortkv/cohort/internal/sim/schedule"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// Op is one operation as its client and the witness know it.
type Op struct {
	Token     uint64
	Client    int
	Plan      *schedule.OpPlan
	Node      ids.Node
	Boot      ids.Boot
	BootCount int
	Write     wire.Op
	State     OpState
	since     uint64  // the witness's moment when it was asked for
	bit       int     // in an opSet, once it was ordered
	places    []place // where it was ordered: more than once if a round cut it, or groups went apart
	Begun     wire.Instant
	gone      bool // its node was told that the client left
}

// OpState is how far an operation is.
type OpState uint8

const (
	Open    OpState = iota
	Done            // answered
	Refused         // 503: has not taken effect and never will
	Left            // its client gave up; it may take effect once, or never
	Lost            // its node crashed; likewise
)

var StateNames = [...]string{Open: "open", Done: "done", Refused: "refused", Left: "left", Lost: "lost"}

func (o *Op) String() string {
	return fmt.Sprintf("%s %q of client %d at node %d (op %d, %s)", o.Plan.Kind, o.Key(), o.Client, o.Node, o.Token, StateNames[o.State])
}

func (o *Op) Key() string { return "k" + strconv.Itoa(o.Plan.Key) }

const tagPrefix = "op/"

func TagOf(token uint64) string { return tagPrefix + strconv.FormatUint(token, 10) }

// parseTag finds the token in a tag: the content type of every write, so that an
// entry can be traced to its client.
func parseTag(tag string) (uint64, bool) {
	digits, ok := strings.CutPrefix(tag, tagPrefix)
	if !ok {
		return 0, false
	}
	token, err := strconv.ParseUint(digits, 10, 64)
	return token, err == nil && token > 0
}
