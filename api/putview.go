package api

import (
	"errors"
	"fmt"
)

// ViewRequest is the body of PUT /view.
type ViewRequest struct {
	View  View `json:"view"`
	Force bool `json:"force,omitempty"` // give up data that members owe and that cannot be had, and take in members of other clusters
}

// ParseViewRequest reads and checks the body of PUT /view. Unknown members are
// ignored.
func ParseViewRequest(body []byte) (ViewRequest, error) {
	if len(body) == 0 {
		return ViewRequest{}, errors.New(`the body is missing; it is {"view": …}`)
	}
	members, err := parseObject(body)
	if err != nil {
		return ViewRequest{}, err
	}
	raw, present := members["view"]
	if !present {
		return ViewRequest{}, errors.New(`the body has no "view"`)
	}
	var request ViewRequest
	if err := request.View.UnmarshalJSON(raw); err != nil {
		return ViewRequest{}, err
	}
	switch force := string(members["force"]); force {
	case "true":
		request.Force = true
	case "", "false", "null":
	default:
		return ViewRequest{}, fmt.Errorf(`"force" is not a boolean: %.40s`, force)
	}
	return request, nil
}

// ViewResult says how a PUT /view ended. In all cases the node has taken the view,
// and the status is 200.
type ViewResult string

// The results.
const (
	ViewReady     ViewResult = "ready"      // the node is ready to serve the view: in both models where /data is strong, in the causal model where /data is causal
	ViewUnready   ViewResult = "unready"    // the node's bound ran out first; the node continues
	ViewOvertaken ViewResult = "overtaken"  // another list of members has replaced the view
	ViewNotServed ViewResult = "not-member" // the node is not in the view; it answers data requests with 503
)

// ViewAnswer is the body of the answer to PUT /view: how it ended, and the node's
// view at that moment. On v1 the status is 202 unless Ready is true.
type ViewAnswer struct {
	Result   ViewResult   `json:"result"`
	View     View         `json:"view"`
	Number   uint64       `json:"number"`
	Ready    bool         `json:"ready"`              // Result is ready or not-member
	Reason   string       `json:"reason,omitempty"`   // why the node is not ready, for people
	Members  []ViewMember `json:"members"`            // the other members of the list that was put
	Warnings []string     `json:"warnings,omitempty"` // what the operator should know, such as data that is lost
}

// ViewMember says how one member has taken the list.
type ViewMember struct {
	ID      uint64      `json:"id"`
	Address string      `json:"address"`
	State   MemberState `json:"state"`
	Reason  string      `json:"reason,omitempty"` // for every state but follows, for people
}

// MemberState says how a member has taken a view.
type MemberState string

// The states.
const (
	MemberFollows   MemberState = "follows"       // it holds the view
	MemberAnswered  MemberState = "answered"      // it was reached, and has not taken the view yet
	MemberUnreached MemberState = "unreached"     // no message came from it
	MemberForeign   MemberState = "other-cluster" // it belongs to another cluster, and stays there until the list is put to it
)

// ViewState is the body of the answer to GET /view. Its view is [] if the node has
// none.
type ViewState struct {
	View View `json:"view"`
}

// ViewStatus is the body of the answer to GET /v1/view. The status is 202 unless
// Ready is true.
type ViewStatus struct {
	Ready   bool   `json:"ready"` // the node is in the view and serves it, or is in no view
	View    View   `json:"view"`
	Number  uint64 `json:"number"`
	Cluster string `json:"cluster,omitempty"` // identifies the cluster whatever its name: nodes with equal values are in one cluster
	Reason  string `json:"reason,omitempty"`
}

// ViewCheck is the body of the answer to PUT /v1/view?dry-run=true: how the members
// would take the list. Nothing has changed.
type ViewCheck struct {
	Members  []ViewMember `json:"members"`
	Warnings []string     `json:"warnings,omitempty"`
}
