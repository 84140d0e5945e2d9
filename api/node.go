package api

import "strconv"

// NodesPrefix, a node's id and ForgetSuffix make the path of POST /v1/nodes/{id}/forget:
// an operator says that a node is gone for good.
const (
	NodesPrefix  = "/v1/nodes/"
	ForgetSuffix = "/forget"
)

// ForgetPath is the path by which a node is forgotten.
func ForgetPath(id uint64) string { return NodesPrefix + strconv.FormatUint(id, 10) + ForgetSuffix }

// Forgotten is the answer to it. The status is 200 once every member was asked for what
// the node has left of causal buckets, and 202 while some have not answered.
type Forgotten struct {
	Node     uint64   `json:"node"`
	Done     bool     `json:"done"`                  // false: it goes on by itself
	Versions int      `json:"lost_versions"`         // that requests at the node that was told waited for, and nobody has
	Slots    int      `json:"lost_slots"`            // that these are in
	Requests int      `json:"waiting_requests"`      // that waited there then, and were looked at again
	Waiting  []uint64 `json:"waiting_for,omitempty"` // members that have not answered
}
