package workload

import (
	"bufio"
	"context"
	"crypto/tls"
	"math/rand/v2"
	"net"
	"strconv"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/cohortkv/cohort/api"
	"github.com/cohortkv/cohort/benchmark/history"
)

// Pauses that keep a client from spinning at a node that refuses, and at a node that cannot
// be reached. A failed connection is no operation: nothing was sent.
const (
	refusedPause = 10 * time.Millisecond
	dialPause    = 25 * time.Millisecond
	dialTimeout  = time.Second
)

// client is the state of one goroutine. It uses the parsers of fasthttp on a connection of
// its own: the client of fasthttp would send a PUT up to five times.
type client struct {
	run  *run
	log  *history.Log
	rng  *rand.Rand
	host int // index of the node that it uses

	conn   net.Conn
	detach func() bool
	in     *bufio.Reader
	out    *bufio.Writer
	reqs   [history.Delete + 1]fasthttp.Request // by kind; one for each, because a GET would inherit the Content-Length of a PUT
	resp   fasthttp.Response
	value  []byte // memory for the bytes of a value, reused
	json   []byte // memory for a classic body, reused
	seen   seen   // context of a causal client
}

// room is the size in bytes of the headers of an answer and of a causal client's context.
const room = 8 << 10

func newClient(r *run, index int) *client {
	c := &client{
		run: r, log: r.recorder.Log(), host: index % len(r.hosts),
		rng: rand.New(rand.NewPCG(r.cfg.Seed, uint64(index))),
		in:  bufio.NewReaderSize(nil, room+r.cfg.ValueSize), out: bufio.NewWriterSize(nil, room+r.cfg.ValueSize),
		value: make([]byte, 0, r.cfg.ValueSize),
	}
	for kind, method := range methods {
		h := &c.reqs[kind].Header
		h.DisableNormalizing()
		h.SetNoDefaultContentType(true)
		h.SetMethod(method)
		if token := r.cfg.Access.Token; token != "" {
			h.Set("Authorization", "Bearer "+token)
		}
	}
	return c
}

// next chooses an operation and sends it.
func (c *client) next(ctx context.Context) {
	cfg := &c.run.cfg
	kind := history.Delete
	switch n := c.rng.IntN(cfg.Puts + cfg.Gets + cfg.Deletes); {
	case n < cfg.Puts:
		kind = history.Put
	case n < cfg.Puts+cfg.Gets:
		kind = history.Get
	}
	if cfg.Model == Causal {
		c.exchangeSession()
	}
	c.do(ctx, kind, c.rng.IntN(cfg.Keys))
}

// do sends one operation and records it. It returns the outcome; 0 if there was no
// connection, and so no operation.
func (c *client) do(ctx context.Context, kind history.Kind, key int) history.Outcome {
	if !c.connected(ctx) {
		return 0
	}
	op := history.Op{Kind: kind, Key: c.run.keys[key]}
	req := c.compose(&op, key)
	op.Start = c.log.Now()
	err := c.exchange(ctx, req)
	op.End = c.log.Now()
	c.learn(&op, err)
	c.log.Append(op)
	switch {
	case op.Outcome == history.Unknown:
		c.log.Retire()
	case op.Outcome == history.NotApplied && err == nil:
		c.pause(ctx, refusedPause)
	}
	return op.Outcome
}

// compose fills in a request.
func (c *client) compose(op *history.Op, key int) *fasthttp.Request {
	req := &c.reqs[op.Kind]
	req.SetRequestURI(c.run.paths[key])
	req.Header.SetHost(c.run.hosts[c.host])
	if op.Kind == history.Put {
		op.Value = c.log.NextValue()
		c.value = appendValue(c.value[:0], op.Value, c.run.cfg.ValueSize)
		if c.run.cfg.Surface == V1 {
			req.SetBodyRaw(c.value)
		} else {
			c.json, _ = api.AppendValue(c.json[:0], c.value)
			req.Header.SetContentType(api.TypeJSON)
			req.SetBodyRaw(c.json)
		}
	}
	if c.run.cfg.Model == Causal {
		c.sendSession(op, req)
	}
	return req
}

var methods = map[history.Kind]string{history.Put: "PUT", history.Get: "GET", history.Delete: "DELETE"}

// exchange sends the request and reads the answer, once.
func (c *client) exchange(ctx context.Context, req *fasthttp.Request) error {
	if err := c.conn.SetDeadline(time.Now().Add(c.run.cfg.Timeout)); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil { // ctx ended before the deadline was set
		return err
	}
	if err := req.Write(c.out); err != nil {
		return err
	}
	if err := c.out.Flush(); err != nil {
		return err
	}
	return c.resp.ReadLimitBody(c.in, api.MaxBody)
}

// learn reads the outcome from the answer, or from its absence.
func (c *client) learn(op *history.Op, err error) {
	if err != nil {
		c.disconnect()
		c.turn()
		op.Outcome = outcome(op.Kind, 0)
		return
	}
	op.Status = uint16(c.resp.StatusCode())
	op.Outcome = outcome(op.Kind, c.resp.StatusCode())
	// A number that cannot be parsed stays 0, which every judge rejects.
	op.Num, _ = strconv.ParseUint(string(c.resp.Header.Peek(api.HeaderMsgNum)), 10, 64)
	body := c.resp.Body()
	if c.run.cfg.Model == Causal && op.Outcome == history.OK {
		body = c.takeSession(op, body)
	}
	if op.Kind == history.Get && op.Status == fasthttp.StatusOK {
		op.Value = c.read(body)
	}
	if c.resp.ConnectionClose() {
		c.disconnect()
	}
}

var wants = map[history.Kind]api.Op{history.Put: api.Put, history.Get: api.Read, history.Delete: api.Delete}

func outcome(kind history.Kind, status int) history.Outcome {
	switch api.OutcomeOf(wants[kind], status) {
	case api.Applied:
		return history.OK
	case api.NotApplied:
		return history.NotApplied
	}
	return history.Unknown
}

// read names the value in the body of the answer to a GET.
func (c *client) read(body []byte) history.Value {
	if c.run.cfg.Surface == Classic {
		if value, err := api.ParseValue(body); err == nil {
			body = value
		}
	}
	return parseValue(body, c.run.cfg.ValueSize, c.value)
}

// connected dials if there is no connection.
func (c *client) connected(ctx context.Context) bool {
	if c.conn != nil {
		return true
	}
	dialer := net.Dialer{Timeout: dialTimeout}
	conn, err := dialer.DialContext(ctx, "tcp", c.run.hosts[c.host])
	if err != nil {
		c.run.dials.Add(1)
		c.turn()
		c.pause(ctx, dialPause)
		return false
	}
	if c.run.encrypt != nil {
		encrypt := c.run.encrypt.Clone()
		encrypt.ServerName, _, _ = net.SplitHostPort(c.run.hosts[c.host])
		conn = tls.Client(conn, encrypt)
	}
	c.conn = conn
	c.detach = context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	c.in.Reset(conn)
	c.out.Reset(conn)
	return true
}

// leave changes to the next node, unless the client is pinned.
func (c *client) leave() {
	if !c.run.cfg.Pinned {
		c.disconnect()
		c.turn()
	}
}

// turn makes the next node the one to dial, unless the client is pinned.
func (c *client) turn() {
	if !c.run.cfg.Pinned {
		c.host = (c.host + 1) % len(c.run.hosts)
	}
}

func (c *client) disconnect() {
	if c.conn == nil {
		return
	}
	c.detach()
	_ = c.conn.Close() // an error of the connection was already seen by the request
	c.conn = nil
}

func (c *client) pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}
