package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/cohortkv/cohort/api"
)

// Options are options of one v1 request. The zero value asks for nothing special.
type Options struct {
	ContentType string        // of a Put; empty: api.TypeBytes
	IfMatch     *string       // an ETag with its quotes, a list of them, or *; nil: no condition. An empty string is an error: its ETag was never set
	CreateOnly  bool          // Put: If-None-Match: *
	IfNoneMatch string        // Get: the answer is 304 if the value still has this ETag
	Session     string        // causal buckets: Session of the last answer; empty: the client has seen nothing
	Timeout     time.Duration // bound on the time that the request waits at the node; 0: none
}

func (o Options) header() http.Header {
	header := http.Header{}
	set := func(name, value string) {
		if value != "" {
			header.Set(name, value)
		}
	}
	set("Content-Type", o.ContentType)
	if o.IfMatch != nil {
		header.Set(api.HeaderIfMatch, *o.IfMatch)
	}
	set(api.HeaderIfNoneMatch, o.IfNoneMatch)
	set(api.HeaderSession, o.Session)
	if o.CreateOnly {
		header.Set(api.HeaderIfNoneMatch, "*")
	}
	return header
}

func (o Options) query() string {
	if o.Timeout == 0 {
		return ""
	}
	return "?" + url.Values{api.QueryTimeout: {o.Timeout.String()}}.Encode()
}

// list is the path of a page of keys.
func (o Options) list(bucket, prefix string, limit int, cursor string) string {
	path := api.ListPath(bucket, prefix, limit, cursor)
	if strings.Contains(path, "?") {
		return path + strings.Replace(o.query(), "?", "&", 1)
	}
	return path + o.query()
}

// Put writes a key. The answer is 201 for a new key, 204 for one that existed. If a
// condition does not hold, the error is a StatusError of 412, and the Answer has
// the key's version.
func (c *Client) Put(ctx context.Context, bucket, key string, value []byte, o Options) (*Answer, error) {
	if value == nil {
		value = []byte{}
	}
	if o.ContentType == "" {
		o.ContentType = api.TypeBytes
	}
	call := call{method: http.MethodPut, path: api.KVPath(bucket, key) + o.query(), header: o.header(), body: value}
	return c.key(ctx, call, http.StatusCreated, http.StatusNoContent)
}

// Get reads a key. The answer is 200, 404, or 304 if IfNoneMatch is given.
func (c *Client) Get(ctx context.Context, bucket, key string, o Options) (*Answer, error) {
	return c.read(ctx, http.MethodGet, bucket, key, o)
}

// Head is Get without the value.
func (c *Client) Head(ctx context.Context, bucket, key string, o Options) (*Answer, error) {
	return c.read(ctx, http.MethodHead, bucket, key, o)
}

func (c *Client) read(ctx context.Context, method, bucket, key string, o Options) (*Answer, error) {
	call := call{method: method, path: api.KVPath(bucket, key) + o.query(), header: o.header()}
	answer, err := c.key(ctx, call, http.StatusOK, http.StatusNotModified, http.StatusNotFound)
	if answer != nil && answer.Status != http.StatusOK {
		answer.Value = nil
	}
	return answer, err
}

// Delete deletes a key. The answer is 204, also if the key did not exist.
func (c *Client) Delete(ctx context.Context, bucket, key string, o Options) (*Answer, error) {
	call := call{method: http.MethodDelete, path: api.KVPath(bucket, key) + o.query(), header: o.header()}
	return c.key(ctx, call, http.StatusNoContent)
}

// errEmptyIfMatch is the error for an ETag that was never set. Without the
// condition, the write would overwrite the value that the condition should protect.
var errEmptyIfMatch = errors.New("IfMatch is empty, and an ETag never is")

func (c *Client) key(ctx context.Context, call call, want ...int) (*Answer, error) {
	if tags, given := call.header[api.HeaderIfMatch]; given && strings.TrimSpace(tags[0]) == "" {
		return nil, fmt.Errorf("%s %s: %w: %w", call.method, call.path, errNotSent, errEmptyIfMatch)
	}
	res, err := c.do(ctx, call)
	if err != nil {
		return nil, err
	}
	return readAnswer(call, res, want...)
}

// Metadata describes a key without its value.
func (c *Client) Metadata(ctx context.Context, bucket, key string) (api.Metadata, error) {
	var m api.Metadata
	header := http.Header{"Accept": {api.TypeJSON}}
	err := c.doJSON(ctx, call{method: http.MethodGet, path: api.KVPath(bucket, key), header: header}, &m)
	return m, err
}

// List reads one page of a bucket's keys. cursor is empty, or Next of the last
// page. With limit 0, the node chooses the size of the page.
func (c *Client) List(ctx context.Context, bucket, prefix string, limit int, cursor string) (api.List, error) {
	var page api.List
	err := c.doJSON(ctx, call{method: http.MethodGet, path: api.ListPath(bucket, prefix, limit, cursor)}, &page)
	return page, err
}

// ListSession reads one page of the causal keys of the node's shard, for a client
// with a session. session is the client's session afterwards.
func (c *Client) ListSession(ctx context.Context, prefix string, limit int, cursor string, o Options) (page api.List, session string, err error) {
	return c.ListWith(ctx, api.BucketCausal, prefix, limit, cursor, o)
}

// ListWith reads one page of either bucket, with the session and the timeout of o.
func (c *Client) ListWith(ctx context.Context, bucket, prefix string, limit int, cursor string, o Options) (page api.List, session string, err error) {
	call := call{method: http.MethodGet, path: o.list(bucket, prefix, limit, cursor), header: o.header()}
	res, err := c.do(ctx, call)
	if err != nil {
		return page, o.Session, err
	}
	answer, err := readAnswer(call, res, http.StatusOK)
	if err != nil {
		return page, o.Session, err
	}
	if err := json.Unmarshal(answer.Value, &page); err != nil {
		return page, session, fmt.Errorf("%s %s: read the answer: %w", call.method, call.path, err)
	}
	return page, answer.Session, nil
}

// Ring asks where a key lives: the shard that owns it in the causal bucket, and the
// primary.
func (c *Client) Ring(ctx context.Context, key string) (api.Place, error) {
	var place api.Place
	path := api.PathRing + "?" + url.Values{api.QueryKey: {key}}.Encode()
	err := c.doJSON(ctx, call{method: http.MethodGet, path: path}, &place)
	return place, err
}

// Cluster is the node's state and its view.
func (c *Client) Cluster(ctx context.Context) (api.Cluster, error) {
	var cluster api.Cluster
	err := c.doJSON(ctx, call{method: http.MethodGet, path: api.PathCluster}, &cluster)
	return cluster, err
}

// ForgetNode tells the node that another one is gone for good. The answer comes
// when every member was asked for the data that is left of it. If some have not
// answered in time, the answer lists them.
func (c *Client) ForgetNode(ctx context.Context, id uint64) (api.Forgotten, error) {
	var answer api.Forgotten
	err := c.doJSON(ctx, call{method: http.MethodPost, path: api.ForgetPath(id)}, &answer)
	return answer, err
}

// Live succeeds if the process makes progress.
func (c *Client) Live(ctx context.Context) error {
	var health api.Health
	return c.doJSON(ctx, call{method: http.MethodGet, path: api.PathLive}, &health)
}

// Ready succeeds if requests should be sent to the node: of the given model, or of
// any kind if model is empty. A node that is not ready gives a StatusError of 503
// that says why.
func (c *Client) Ready(ctx context.Context, model string) error {
	path := api.PathReady
	if model != "" {
		path += "?" + url.Values{api.QueryModel: {model}}.Encode()
	}
	var health api.Health
	return c.doJSON(ctx, call{method: http.MethodGet, path: path}, &health)
}

// Metrics writes the node's metrics, in the text format of Prometheus, to w.
func (c *Client) Metrics(ctx context.Context, w io.Writer) error {
	call := call{method: http.MethodGet, path: api.PathMetrics}
	res, err := c.do(ctx, call)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return statusError(call, res)
	}
	_, err = io.Copy(w, res.Body)
	return err
}
