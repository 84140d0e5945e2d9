// Package client sends requests to one cohort node over HTTP, on the classic
// surface (/ping, /view, /data) and on v1.
//
// A request waits as long as its context allows. Nodes hold requests that they
// cannot decide, for instance in a partition. To take such a request back, the
// caller ends the context.
//
// A write is never sent again by itself once any of it may have arrived; a read may
// be. OutcomeOf says whether it is safe to repeat a write.
//
// All methods may be called by any goroutine.
package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/cohortkv/cohort/api"
)

// Client sends requests to one node, given by its base URL.
type Client struct {
	base  string
	http  *http.Client
	token string // empty: none
}

// New returns a client of the node at base, such as http://127.0.0.1:8081. A bare
// host:port is taken as http. If transport is nil, the client has its own
// connection pool, without a limit on connections and without a proxy.
func New(base string, transport http.RoundTripper) (*Client, error) {
	if !strings.Contains(base, "://") {
		base = "http://" + base
	}
	u, err := url.Parse(base)
	if err != nil {
		return nil, fmt.Errorf("node URL: %w", err)
	}
	if u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("node URL %q is not like http://host:port", base)
	}
	if transport == nil {
		transport = newTransport()
	}
	return &Client{
		base: strings.TrimSuffix(u.String(), "/"),
		http: &http.Client{Transport: transport, CheckRedirect: noRedirects},
	}, nil
}

// newTransport keeps as many idle connections as there were requests at once. With
// Go's default of two, every burst would open new connections.
func newTransport() *http.Transport {
	dialer := &net.Dialer{Timeout: 5 * time.Second}
	return &http.Transport{
		DialContext:         dialer.DialContext,
		MaxIdleConns:        0,
		MaxIdleConnsPerHost: 1 << 20,
		IdleConnTimeout:     30 * time.Second,
		DisableCompression:  true,
		ReadBufferSize:      16 << 10,
	}
}

func noRedirects(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// Base is the node's URL.
func (c *Client) Base() string { return c.base }

// Close closes idle connections. Requests under way are not affected.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// StatusError is an answer with a status that the method does not document.
type StatusError struct {
	Method  string
	Path    string
	Status  int
	Problem api.Problem // of a classic error, it has only Detail
}

// Error implements error.
func (e *StatusError) Error() string {
	text := fmt.Sprintf("%s %s: %d %s", e.Method, e.Path, e.Status, http.StatusText(e.Status))
	if e.Problem.Detail != "" {
		text += ": " + e.Problem.Detail
	}
	return text
}

// OutcomeOf is what is known about the effect of an operation that ended with err,
// which may be nil. An error other than a StatusError means that no answer came: a
// write may then have taken effect.
func OutcomeOf(op api.Op, err error) api.Outcome {
	var status *StatusError
	switch {
	case err == nil:
		return api.Applied
	case errors.As(err, &status):
		return api.OutcomeOf(op, status.Status)
	case errors.Is(err, errNotSent):
		return api.NotApplied
	}
	return api.OutcomeOf(op, 0)
}

// errNotSent marks errors that occurred before anything was sent.
var errNotSent = errors.New("not sent")

// call is one request.
type call struct {
	method string
	path   string // escaped, with its query
	header http.Header
	body   []byte
}

// do sends a call. The caller must close the answer's body.
func (c *Client) do(ctx context.Context, call call) (*http.Response, error) {
	var body io.Reader
	if call.body != nil {
		body = bytes.NewReader(call.body)
	}
	req, err := http.NewRequestWithContext(ctx, call.method, c.base+call.path, body)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w: %w", call.method, call.path, errNotSent, err)
	}
	if call.header != nil {
		req.Header = call.header
	}
	c.authorize(req)
	res, err := c.http.Do(req)
	if err != nil {
		return nil, sendError(err)
	}
	return res, nil
}

// sendError marks an error with errNotSent if it shows that nothing had been sent.
func sendError(err error) error {
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "dial" {
		return fmt.Errorf("%w: %w", errNotSent, err)
	}
	return err
}

// doJSON sends a call and decodes the answer, whose status must be 200 or 202.
func (c *Client) doJSON(ctx context.Context, call call, into any) error {
	res, err := c.do(ctx, call)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK && res.StatusCode != http.StatusAccepted {
		return statusError(call, res)
	}
	if err := json.NewDecoder(res.Body).Decode(into); err != nil {
		return fmt.Errorf("%s %s: read the answer: %w", call.method, call.path, err)
	}
	drain(res)
	return nil
}

// drain reads the rest of an answer, so that its connection can be used again.
func drain(res *http.Response) { _, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 64<<10)) }

// statusError reads the body of an error, on either surface.
func statusError(call call, res *http.Response) error {
	e := &StatusError{Method: call.method, Path: call.path, Status: res.StatusCode}
	body, err := io.ReadAll(io.LimitReader(res.Body, 64<<10))
	if err != nil {
		return e
	}
	var classic api.ClassicError
	if json.Unmarshal(body, &e.Problem) != nil {
		e.Problem.Detail = strings.TrimSpace(string(body))
	} else if json.Unmarshal(body, &classic) == nil && classic.Error != "" {
		e.Problem.Detail = classic.Error
	}
	return e
}
