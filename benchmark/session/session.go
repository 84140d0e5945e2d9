// Package session speaks to causal buckets on the classic surface (API §1.4) the
// way their clients do: what a client has seen comes with every answer, is opaque,
// and is sent along with the next request.
//
// All methods may be called by any goroutine.
package session

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/cohortkv/cohort/api"
	"github.com/cohortkv/cohort/client"
)

// Seen is what a client has seen, as a node wrote it: the JSON of
// "causal-metadata". Empty is a fresh client.
type Seen string

// Answer is what a node said.
type Answer struct {
	client.Answer
	Items map[string]string // of a List
	Seen  Seen              // what the client has seen now
}

// Node is one node, by its base URL.
type Node struct {
	base string
	http *http.Client
}

// NewNode returns a node at base, such as http://127.0.0.1:8081.
func NewNode(base string) *Node {
	return &Node{base: strings.TrimSuffix(base, "/"), http: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 1 << 10}}}
}

// Close closes idle connections.
func (n *Node) Close() { n.http.CloseIdleConnections() }

// Put writes a key. The answer is 200.
func (n *Node) Put(ctx context.Context, key, value string, seen Seen) (*Answer, error) {
	return n.ask(ctx, http.MethodPut, api.DataPath(key), &value, seen, http.StatusOK)
}

// Get reads a key. The answer is 200 or 404.
func (n *Node) Get(ctx context.Context, key string, seen Seen) (*Answer, error) {
	return n.ask(ctx, http.MethodGet, api.DataPath(key), nil, seen, http.StatusOK, http.StatusNotFound)
}

// Delete deletes a key, which may be absent. The answer is 200.
func (n *Node) Delete(ctx context.Context, key string, seen Seen) (*Answer, error) {
	return n.ask(ctx, http.MethodDelete, api.DataPath(key), nil, seen, http.StatusOK)
}

// List reads all that the node's shard has, from the node's own copy.
func (n *Node) List(ctx context.Context, seen Seen) (*Answer, error) {
	return n.ask(ctx, http.MethodGet, api.PathData, nil, seen, http.StatusOK)
}

// ask sends one request. The error of an answer with another status than want is a
// client.StatusError; client.OutcomeOf says what an error means for a write.
func (n *Node) ask(ctx context.Context, method, path string, value *string, seen Seen, want ...int) (*Answer, error) {
	req, err := http.NewRequestWithContext(ctx, method, n.base+path, bytes.NewReader(body(value, seen)))
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", method, path, err)
	}
	req.Header.Set("Content-Type", api.TypeJSON)
	res, err := n.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	said, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, fmt.Errorf("%s %s: read the answer: %w", method, path, err)
	}
	for _, status := range want {
		if status == res.StatusCode {
			return read(res, said)
		}
	}
	return nil, &client.StatusError{Method: method, Path: path, Status: res.StatusCode, Problem: api.Problem{Detail: detail(said)}}
}

func body(value *string, seen Seen) []byte {
	request := struct {
		Value    *string         `json:"value,omitempty"`
		Metadata json.RawMessage `json:"causal-metadata,omitempty"`
	}{value, json.RawMessage(seen)}
	text, err := json.Marshal(request)
	if err != nil {
		panic(fmt.Sprintf("session: metadata that no node wrote: %v", err))
	}
	return text
}

// ErrNotCausal says that an answer is none of a causal bucket: it brings no context,
// or what should be one value is something else.
var ErrNotCausal = errors.New("the answer has no causal-metadata")

// read takes an answer apart. One that brings no context is wrong: whoever went on
// without would forget what it has seen.
func read(res *http.Response, said []byte) (*Answer, error) {
	answer := struct {
		Value    string            `json:"value"`
		Items    map[string]string `json:"items"`
		Metadata json.RawMessage   `json:"causal-metadata"`
	}{}
	if err := json.Unmarshal(said, &answer); err != nil || len(answer.Metadata) == 0 {
		return nil, fmt.Errorf("%s: %w: %d %.100s", res.Request.URL.Path, ErrNotCausal, res.StatusCode, said)
	}
	node, err := strconv.ParseUint(res.Header.Get(api.HeaderNodeID), 10, 64)
	if err != nil {
		return nil, fmt.Errorf("%s: the answer does not say which node it is from: %w", res.Request.URL.Path, err)
	}
	return &Answer{
		Answer: client.Answer{Status: res.StatusCode, Node: node, Value: []byte(answer.Value)},
		Items:  answer.Items, Seen: Seen(answer.Metadata),
	}, nil
}

// detail is what the body of a refusal says.
func detail(said []byte) string {
	var refusal api.ClassicError
	if json.Unmarshal(said, &refusal) == nil && refusal.Error != "" {
		return refusal.Error
	}
	return strings.TrimSpace(string(said[:min(len(said), 200)]))
}
