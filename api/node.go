package api

import "strconv"

// NodesPrefix, a node's id and ForgetSuffix make up the path of POST
// /v1/nodes/{id}/forget. With it, an operator states that a node is gone for good.
const (
	NodesPrefix  = "/v1/nodes/"
	ForgetSuffix = "/forget"
)

// ForgetPath is the path to forget the node with this id.
func ForgetPath(id uint64) string { return NodesPrefix + strconv.FormatUint(id, 10) + ForgetSuffix }

// Forgotten is the body of the answer. The status is 200 once every member was
// asked for the node's data in causal buckets. It is 202 while some members have
// not answered.
type Forgotten struct {
	Node     uint64   `json:"node"`
	Done     bool     `json:"done"`                  // false: the node continues by itself
	Versions int      `json:"lost_versions"`         // versions that requests at the asked node waited for, and that no node has
	Slots    int      `json:"lost_slots"`            // slots of those versions
	Requests int      `json:"waiting_requests"`      // requests that waited there, and were tried again
	Waiting  []uint64 `json:"waiting_for,omitempty"` // members that have not answered
}
