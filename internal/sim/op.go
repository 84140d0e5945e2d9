package sim

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// op is one operation as its client and the witness know it.
type op struct {
	token     uint64
	client    int
	plan      *OpPlan
	node      ids.Node
	boot      ids.Boot
	bootCount int
	write     wire.Op
	state     opState
	since     uint64  // the witness's moment when it was asked for
	bit       int     // in an opSet, once it was ordered
	places    []place // where it was ordered: more than once if a round cut it, or groups went apart
	begun     wire.Instant
	gone      bool // its node was told that the client left
}

// opState is how far an operation is.
type opState uint8

const (
	open    opState = iota
	done            // answered
	refused         // 503: has not taken effect and never will
	left            // its client gave up; it may take effect once, or never
	lost            // its node crashed; likewise
)

var stateNames = [...]string{open: "open", done: "done", refused: "refused", left: "left", lost: "lost"}

func (o *op) String() string {
	return fmt.Sprintf("%s %q of client %d at node %d (op %d, %s)", o.plan.Kind, o.key(), o.client, o.node, o.token, stateNames[o.state])
}

func (o *op) key() string { return "k" + strconv.Itoa(o.plan.Key) }

const tagPrefix = "op/"

func tagOf(token uint64) string { return tagPrefix + strconv.FormatUint(token, 10) }

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
