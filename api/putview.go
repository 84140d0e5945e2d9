package api

import (
	"errors"
	"fmt"
)

// ViewRequest is the body of PUT /view.
type ViewRequest struct {
	View  View `json:"view"`
	Force bool `json:"force,omitempty"` // gives up data that members owe and cannot be had
}

// ParseViewRequest reads and checks the body of PUT /view. Members that it does
// not know are ignored.
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

// ViewResult says how a PUT /view ended. All are 200: the view was taken.
type ViewResult string

// The results.
const (
	ViewReady     ViewResult = "ready"      // the node is ready to serve the view: both models where /data is strong, the causal one where it is causal
	ViewUnready   ViewResult = "unready"    // answered by its bound; the node goes on
	ViewOvertaken ViewResult = "overtaken"  // another list of members took its place
	ViewNotServed ViewResult = "not-member" // ready, and this node is not in the view: it answers data requests with 503
)

// ViewAnswer is the body of the answer to PUT /view: how it ended, and the view
// in force at that moment. On v1 the status is 202 unless Ready.
type ViewAnswer struct {
	Result   ViewResult   `json:"result"`
	View     View         `json:"view"`
	Number   uint64       `json:"number"`
	Ready    bool         `json:"ready"`              // Result is ready or not-member
	Reason   string       `json:"reason,omitempty"`   // why the node is not ready, for people
	Members  []ViewMember `json:"members"`            // the others of the list that was put
	Warnings []string     `json:"warnings,omitempty"` // what the operator should know, such as data that is lost by it
}

// ViewMember is how one member of a list takes it.
type ViewMember struct {
	ID      uint64      `json:"id"`
	Address string      `json:"address"`
	State   MemberState `json:"state"`
	Reason  string      `json:"reason,omitempty"` // of every state but follows, for people
}

// MemberState says how a member takes a view.
type MemberState string

// The states.
const (
	MemberFollows   MemberState = "follows"       // it holds the view
	MemberAnswered  MemberState = "answered"      // it can be reached, and has not taken the view yet
	MemberUnreached MemberState = "unreached"     // it said nothing
	MemberForeign   MemberState = "other-cluster" // it belongs to another cluster, and stays there until the list is put to it
)

// ViewState is the body of the answer to GET /view. Without a view it shows [].
type ViewState struct {
	View View `json:"view"`
}

// ViewStatus is the body of the answer to GET /v1/view; 202 unless Ready.
type ViewStatus struct {
	Ready   bool   `json:"ready"` // the node is in the view and serves it, or it is in none
	View    View   `json:"view"`
	Number  uint64 `json:"number"`
	Cluster string `json:"cluster,omitempty"` // names the cluster, whatever it is called: two nodes with the same one are of one cluster
	Reason  string `json:"reason,omitempty"`
}

// ViewCheck is the body of the answer to PUT /v1/view?dry-run=true: what would come of
// the list. Nothing was done.
type ViewCheck struct {
	Members  []ViewMember `json:"members"`
	Warnings []string     `json:"warnings,omitempty"`
}
