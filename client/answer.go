package client

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"

	"github.com/cohortkv/cohort/api"
)

// Answer is a node's answer to a request for one key.
type Answer struct {
	Status      int             // HTTP status
	MsgNum      uint64          // of a write: its own number; of a read: the number of the next write; strong buckets
	Node        uint64          // id of the node that answered
	Version     api.Version     // of a strong bucket
	ETag        string          // with its quotes
	Session     string          // v1, causal buckets: what the client has now seen
	Metadata    json.RawMessage // the same on the classic surface, as JSON
	Value       []byte          // of a Get; nil without a value
	ContentType string
	Size        int  // bytes of the value, also of a Head
	Absent      bool // of a v1 Delete: the key did not exist
	Lossy       bool // classic: Value has U+FFFD in place of bytes that were not UTF-8
}

// Found reports whether the key existed: before a Delete, or at a Get. After a Put
// it is true.
func (a *Answer) Found() bool { return a.Status != http.StatusNotFound && !a.Absent }

// readAnswer reads the headers and body of an answer whose status is one of want.
// Any other status is a StatusError. With the error of a 412 comes an Answer that
// has the key's version.
func readAnswer(call call, res *http.Response, want ...int) (*Answer, error) {
	defer res.Body.Close()
	answer := &Answer{
		Status:      res.StatusCode,
		ContentType: res.Header.Get("Content-Type"),
		Size:        max(0, int(res.ContentLength)),
		Lossy:       res.Header.Get(api.HeaderLossy) != "",
		Absent:      res.Header.Get(api.HeaderDeleted) == "false",
	}
	answer.ETag, answer.Session = res.Header.Get(api.HeaderETag), res.Header.Get(api.HeaderSession)
	answer.Version, _ = api.ParseETag(answer.ETag)
	for _, status := range want {
		if status == res.StatusCode {
			return answer, answer.fill(call, res)
		}
	}
	return answer, statusError(call, res)
}

func (a *Answer) fill(call call, res *http.Response) (err error) {
	node := res.Header.Get(api.HeaderNode)
	if node == "" {
		node = res.Header.Get(api.HeaderNodeID)
	}
	if a.Node, err = strconv.ParseUint(node, 10, 64); err != nil {
		return fmt.Errorf("%s %s: the answer does not say which node it is from: %w", call.method, call.path, err)
	}
	if text := res.Header.Get(api.HeaderMsgNum); text != "" {
		if a.MsgNum, err = strconv.ParseUint(text, 10, 64); err != nil {
			return fmt.Errorf("%s %s: %s: %w", call.method, call.path, api.HeaderMsgNum, err)
		}
	}
	if a.Value, err = io.ReadAll(res.Body); err != nil {
		return fmt.Errorf("%s %s: read the answer: %w", call.method, call.path, err)
	}
	return nil
}
