package harness

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"sync"

	"github.com/cohortkv/cohort/api"
	"github.com/cohortkv/cohort/benchmark/history"
	"github.com/cohortkv/cohort/client"
)

// recorder records every request of a scenario, and the node that the request went through.
type recorder struct {
	history *history.Recorder
	mu      struct {
		sync.Mutex
		values map[string]history.Value // by text: the value that was written
		node   map[history.ClientID]int // by client: its node
	}
}

func newRecorder() *recorder {
	b := &recorder{history: history.NewRecorder()}
	b.mu.values, b.mu.node = map[string]history.Value{}, map[history.ClientID]int{}
	return b
}

// name records the value that a text stands for. Values must be unique, or a history cannot
// be judged.
func (b *recorder) name(text string, value history.Value) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, twice := b.mu.values[text]; twice {
		panic(fmt.Sprintf("harness: the value %q is written twice", text))
	}
	b.mu.values[text] = value
}

// value returns the value that a text stands for.
func (b *recorder) value(text string) history.Value {
	b.mu.Lock()
	defer b.mu.Unlock()
	if value, ours := b.mu.values[text]; ours {
		return value
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(text)) // never fails
	return history.ForeignValue(h.Sum64())
}

func (b *recorder) setNode(id history.ClientID, node int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.mu.node[id] = node
}

// ops returns the recorded operations that keep accepts, by start time. No request may be
// open.
func (b *recorder) ops(keep func(op history.Op, node int) bool) []history.Op {
	b.mu.Lock()
	defer b.mu.Unlock()
	var ops []history.Op
	for _, op := range b.history.Ops() {
		if keep(op, b.mu.node[op.Client]) {
			ops = append(ops, op)
		}
	}
	return ops
}

// nodeClient is a client of one node. It sends one request at a time.
type nodeClient struct {
	recorder *recorder
	log      *history.Log
	node     int
	http     *client.Client
}

// newClient returns a new client of a node.
func (l *Lab) newClient(node int) *nodeClient {
	h := &nodeClient{recorder: l.recorder, log: l.recorder.history.Log(), node: node, http: l.nodes[node]}
	l.recorder.setNode(h.log.Client(), node)
	return h
}

// put writes a text that was not written before. An empty text stands for the name of its
// value.
func (h *nodeClient) put(ctx context.Context, key, text string) (*client.Answer, error) {
	value := h.log.NextValue()
	if text == "" {
		text = value.String()
	}
	h.recorder.name(text, value)
	return h.do(api.Put, history.Op{Kind: history.Put, Key: key, Value: value}, func() (*client.Answer, error) {
		return h.http.PutData(ctx, key, text)
	})
}

func (h *nodeClient) get(ctx context.Context, key string) (*client.Answer, error) {
	return h.do(api.Read, history.Op{Kind: history.Get, Key: key}, func() (*client.Answer, error) {
		return h.http.GetData(ctx, key)
	})
}

func (h *nodeClient) delete(ctx context.Context, key string) (*client.Answer, error) {
	return h.do(api.Delete, history.Op{Kind: history.Delete, Key: key}, func() (*client.Answer, error) {
		return h.http.DeleteData(ctx, key)
	})
}

// do sends a request, and records it with what is known of its effect.
func (h *nodeClient) do(what api.Op, op history.Op, send func() (*client.Answer, error)) (*client.Answer, error) {
	op.Start = h.log.Now()
	answer, err := send()
	op.End = h.log.Now()
	op.Outcome = outcomes[client.OutcomeOf(what, err)]
	var refusal *client.StatusError
	switch {
	case err == nil:
		op.Status, op.Num = uint16(answer.Status), answer.MsgNum
		if what == api.Read && answer.Found() {
			op.Value = h.recorder.value(string(answer.Value))
		}
	case errors.As(err, &refusal):
		op.Status = uint16(refusal.Status)
	}
	h.log.Append(op)
	if op.Outcome == history.Unknown {
		h.log.Retire()
		h.recorder.setNode(h.log.Client(), h.node)
	}
	return answer, err
}

var outcomes = map[api.Outcome]history.Outcome{
	api.Applied: history.OK, api.NotApplied: history.NotApplied, api.Unknown: history.Unknown,
}
