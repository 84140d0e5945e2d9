package client

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/cohortkv/cohort/api"
)

// The classic surface of causal buckets, at nodes whose default bucket is causal.
//
// metadata is the metadata of the client's last answer, or nil for a client that
// has seen nothing. The answer's metadata covers the given metadata and what the
// client has seen by this request.

// causalBody is the body of a classic causal answer, and of a request.
type causalBody struct {
	Value    *string           `json:"value,omitempty"`
	Metadata json.RawMessage   `json:"causal-metadata,omitempty"`
	Items    map[string]string `json:"items,omitempty"`
}

// PutCausal writes a key. The answer is 200, whether or not the key is new.
func (c *Client) PutCausal(ctx context.Context, key, value string, metadata json.RawMessage) (*Answer, error) {
	answer, _, err := c.causal(ctx, http.MethodPut, api.DataPath(key), causalBody{Value: &value, Metadata: metadata})
	return answer, err
}

// GetCausal reads a key. The answer is 200 or 404. It waits until the node has
// everything that metadata says about the key.
func (c *Client) GetCausal(ctx context.Context, key string, metadata json.RawMessage) (*Answer, error) {
	answer, _, err := c.causal(ctx, http.MethodGet, api.DataPath(key), causalBody{Metadata: metadata})
	return answer, err
}

// DeleteCausal deletes a key. The answer is 200, also if the key did not exist.
func (c *Client) DeleteCausal(ctx context.Context, key string, metadata json.RawMessage) (*Answer, error) {
	answer, _, err := c.causal(ctx, http.MethodDelete, api.DataPath(key), causalBody{Metadata: metadata})
	return answer, err
}

// AllCausal reads all keys of the node's shard at one moment.
func (c *Client) AllCausal(ctx context.Context, metadata json.RawMessage) (map[string]string, *Answer, error) {
	answer, body, err := c.causal(ctx, http.MethodGet, api.PathData, causalBody{Metadata: metadata})
	return body.Items, answer, err
}

func (c *Client) causal(ctx context.Context, method, path string, request causalBody) (*Answer, causalBody, error) {
	var body causalBody
	text, err := json.Marshal(request)
	if err != nil {
		return nil, body, fmt.Errorf("%s %s: %w: %w", method, path, errNotSent, err)
	}
	call := call{method: method, path: path, body: text}
	res, err := c.do(ctx, call)
	if err != nil {
		return nil, body, err
	}
	want := []int{http.StatusOK}
	if method == http.MethodGet {
		want = append(want, http.StatusNotFound)
	}
	answer, err := readAnswer(call, res, want...)
	if err != nil {
		return answer, body, err
	}
	if err := json.Unmarshal(answer.Value, &body); err != nil {
		return nil, body, fmt.Errorf("%s %s: read the answer: %w", method, path, err)
	}
	answer.Metadata, answer.Value = body.Metadata, nil
	if body.Value != nil {
		answer.Value = []byte(*body.Value)
	}
	return answer, body, nil
}
