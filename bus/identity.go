package bus

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/cohortkv/cohort/node/ids"
)

// ServerName is the name of a node's embedded server. A client reads the name before it sends
// anything, because an address may meanwhile belong to another node.
type ServerName struct {
	Cluster     string
	Node        ids.Node
	Incarnation ids.Incarnation
}

// String is the name on the wire: cohort.<cluster>.<id>.<incarnation in hex>.
func (n ServerName) String() string {
	return fmt.Sprintf("cohort.%s.%d.%x", n.Cluster, uint64(n.Node), uint64(n.Incarnation))
}

// ParseServerName parses the result of String.
func ParseServerName(s string) (ServerName, error) {
	parts := strings.Split(s, ".")
	if len(parts) != 4 || parts[0] != "cohort" {
		return ServerName{}, fmt.Errorf("server name %q is not a cohort node's", s)
	}
	node, err := strconv.ParseUint(parts[2], 10, 64)
	if err != nil {
		return ServerName{}, fmt.Errorf("server name %q: node id: %w", s, err)
	}
	incarnation, err := strconv.ParseUint(parts[3], 16, 64)
	if err != nil {
		return ServerName{}, fmt.Errorf("server name %q: incarnation: %w", s, err)
	}
	return ServerName{Cluster: parts[1], Node: ids.Node(node), Incarnation: ids.Incarnation(incarnation)}, nil
}
