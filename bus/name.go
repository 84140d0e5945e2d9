package bus

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/cohortkv/cohort/node/ids"
)

// NodeName is the node and cluster of a certificate or a login.
type NodeName struct {
	Cluster string
	Node    ids.Node
}

// String is the name in certificates: a URI among the subject alternative names (RFC 5280
// §4.2.1.6), urn:cohort:<cluster>:<id>.
func (n NodeName) String() string {
	return fmt.Sprintf("urn:cohort:%s:%d", n.Cluster, uint64(n.Node))
}

// ParseNodeName parses the result of String.
func ParseNodeName(s string) (NodeName, error) {
	parts := strings.Split(s, ":")
	if len(parts) != 4 || parts[0] != "urn" || parts[1] != "cohort" {
		return NodeName{}, fmt.Errorf("%q is not a node's name, like urn:cohort:prod:7", s)
	}
	if err := CheckToken(parts[2]); err != nil {
		return NodeName{}, fmt.Errorf("node name %q: cluster: %w", s, err)
	}
	id, err := strconv.ParseUint(parts[3], 10, 64)
	if err != nil {
		return NodeName{}, fmt.Errorf("node name %q: id: %w", s, err)
	}
	return NodeName{Cluster: parts[2], Node: ids.Node(id)}, nil
}

// uri is the name as a certificate holds it.
func (n NodeName) uri() *url.URL {
	return &url.URL{Scheme: "urn", Opaque: strings.TrimPrefix(n.String(), "urn:")}
}
