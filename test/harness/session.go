package harness

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/cohortkv/cohort/api"
	"github.com/cohortkv/cohort/benchmark/history"
	"github.com/cohortkv/cohort/client"
)

// Session is a client of causal buckets: it carries its context from one node to the next.
// It sends one request at a time.
type Session struct {
	lab   *Lab
	log   *history.Log
	seen  json.RawMessage // the context that it carries; nil: none
	from  history.OpID    // the operation whose answer brought the context
	wrote map[string]string
}

// Session returns a client that has seen nothing.
func (l *Lab) Session() *Session {
	return &Session{lab: l, log: l.timeline.Log(), wrote: map[string]string{}}
}

// Fork returns another client with the present context of this one.
func (s *Session) Fork() *Session {
	f := s.lab.Session()
	f.seen, f.from, f.wrote = s.seen, s.from, maps.Clone(s.wrote)
	return f
}

// Put writes a key through a node.
func (s *Session) Put(node int, key, value string) *Session {
	s.lab.t.Helper()
	ctx, cancel := s.lab.withTimeout()
	defer cancel()
	_, err := s.put(ctx, node, key, value)
	s.answered("PUT "+key, node, err)
	return s
}

// Delete deletes a key, which may be absent, through a node.
func (s *Session) Delete(node int, key string) *Session {
	s.lab.t.Helper()
	ctx, cancel := s.lab.withTimeout()
	defer cancel()
	_, err := s.delete(ctx, node, key)
	s.answered("DELETE "+key, node, err)
	return s
}

// Reads fails the test unless a node answers with a key's value at once.
func (s *Session) Reads(node int, key, value string) *Session {
	s.lab.t.Helper()
	ctx, cancel := s.lab.withTimeout()
	defer cancel()
	answer, err := s.get(ctx, node, key)
	s.answered("GET "+key, node, err)
	if got := string(answer.Value); answer.Found() != (value != "") || got != value {
		s.lab.t.Errorf("GET %s through node %d: %d %q, want %q", key, node, answer.Status, got, value)
	}
	return s
}

// Misses fails the test unless a node answers at once that a key is absent.
func (s *Session) Misses(node int, key string) *Session {
	s.lab.t.Helper()
	return s.Reads(node, key, "")
}

// GetWaits sends a read from another client with the same context. It returns when the read
// waits at the node.
func (s *Session) GetWaits(node int, key string) *Waiting {
	s.lab.t.Helper()
	other := s.Fork()
	return s.lab.hold("GET "+key, node, func(ctx context.Context) (*client.Answer, error) {
		return other.get(ctx, node, key)
	})
}

// PutWaits does the same with a write. A write waits only while no owner of its key can be
// reached.
func (s *Session) PutWaits(node int, key, value string) *Waiting {
	s.lab.t.Helper()
	other := s.Fork()
	s.wrote[key] = value
	return s.lab.hold("PUT "+key, node, func(ctx context.Context) (*client.Answer, error) {
		return other.put(ctx, node, key, value)
	})
}

// Lists reads all keys of a node's shard.
func (s *Session) Lists(node int) map[string]string {
	s.lab.t.Helper()
	ctx, cancel := s.lab.withTimeout()
	defer cancel()
	items, err := s.list(ctx, node)
	s.answered("GET all data", node, err)
	return items
}

// Fill writes n keys, each once, through the nodes in turn.
func (s *Session) Fill(n int, name string, nodes ...int) *Session {
	s.lab.t.Helper()
	began := time.Now()
	for i := range n {
		key := fmt.Sprintf("%s-%d", name, i)
		s.Put(nodes[i%len(nodes)], key, s.lab.Unique(key))
	}
	s.lab.say("wrote %d keys in %v; the context has %d bytes", n, time.Since(began).Round(time.Millisecond), len(s.seen))
	return s
}

// ReadsBack fails the test unless the nodes, in turn, answer with all that this session
// wrote.
func (s *Session) ReadsBack(nodes ...int) *Session {
	s.lab.t.Helper()
	i := 0
	for key, value := range s.wrote {
		s.Reads(nodes[i%len(nodes)], key, value)
		i++
	}
	return s
}

// Wrote returns the keys that this session has written and not deleted, with their values.
func (s *Session) Wrote() map[string]string { return maps.Clone(s.wrote) }

// put writes a text that was not written before. An empty text stands for the name of its
// value.
func (s *Session) put(ctx context.Context, node int, key, text string) (*client.Answer, error) {
	value := s.log.NextValue()
	if text == "" {
		text = "session " + value.String()
	}
	s.lab.recorder.name(text, value)
	s.wrote[key] = text
	return s.do(ctx, node, api.Put, history.Op{Kind: history.Put, Key: key, Value: value}, func() (*client.Answer, error) {
		return s.lab.nodes[node].PutCausal(ctx, key, text, s.seen)
	})
}

func (s *Session) get(ctx context.Context, node int, key string) (*client.Answer, error) {
	return s.do(ctx, node, api.Read, history.Op{Kind: history.Get, Key: key}, func() (*client.Answer, error) {
		return s.lab.nodes[node].GetCausal(ctx, key, s.seen)
	})
}

func (s *Session) delete(ctx context.Context, node int, key string) (*client.Answer, error) {
	delete(s.wrote, key)
	return s.do(ctx, node, api.Delete, history.Op{Kind: history.Delete, Key: key}, func() (*client.Answer, error) {
		return s.lab.nodes[node].DeleteCausal(ctx, key, s.seen)
	})
}

// do sends a request on one key, and records it with what is known of its effect.
func (s *Session) do(ctx context.Context, node int, what api.Op, op history.Op, send func() (*client.Answer, error)) (*client.Answer, error) {
	op.Start = s.log.Now()
	answer, err := send()
	s.finish(&op, what, err)
	if err != nil {
		s.log.Append(op)
		if op.Outcome == history.Unknown {
			s.log.Retire()
		}
		return nil, err
	}
	op.Status = uint16(answer.Status)
	if what == api.Read && answer.Found() {
		op.Value = s.lab.recorder.value(string(answer.Value))
	}
	s.log.Append(op)
	s.seen, s.from = answer.Metadata, op.ID
	return answer, s.fits(node, answer)
}

// finish sets the fields that every operation has.
func (s *Session) finish(op *history.Op, what api.Op, err error) {
	op.End, op.Parent = s.log.Now(), s.from
	op.Outcome = outcomes[client.OutcomeOf(what, err)]
	if err == nil {
		op.ID = s.log.NextID()
	}
	var refusal *client.StatusError
	if errors.As(err, &refusal) {
		op.Status = uint16(refusal.Status)
	}
}

// maxSeen bounds the context that a client carries, in bytes.
const maxSeen = 4 << 10

// unfit is an error: an answer that no node may give.
type unfit string

// Error implements error.
func (u unfit) Error() string { return string(u) }

// fits checks every answer: it comes from the node that was asked, and its context is
// within maxSeen.
func (s *Session) fits(node int, answer *client.Answer) error {
	switch {
	case answer.Node != uint64(node):
		return unfit(fmt.Sprintf("node %d was asked and node %d answered", node, answer.Node))
	case len(answer.Metadata) == 0 || len(answer.Metadata) >= maxSeen:
		return unfit(fmt.Sprintf("the causal metadata has %d bytes", len(answer.Metadata)))
	}
	return nil
}

// list records a get for each item of a listing, and the listing that joins them.
func (s *Session) list(ctx context.Context, node int) (map[string]string, error) {
	op := history.Op{Kind: history.List, Start: s.log.Now()}
	items, answer, err := s.lab.nodes[node].AllCausal(ctx, s.seen)
	s.finish(&op, api.Read, err)
	if err != nil {
		s.log.Append(op)
		return nil, err
	}
	op.Status = uint16(answer.Status)
	for key, value := range items {
		item := op
		item.Kind, item.Key, item.Value, item.ID, item.Part = history.Get, key, s.lab.recorder.value(value), 0, op.ID
		s.log.Append(item)
	}
	s.log.Append(op)
	s.seen, s.from = answer.Metadata, op.ID
	return items, s.fits(node, answer)
}

// answered ends the test unless a request was answered.
func (s *Session) answered(what string, node int, err error) {
	s.lab.t.Helper()
	if err == nil {
		return
	}
	s.lab.explain(node)
	if errors.Is(err, context.DeadlineExceeded) {
		s.lab.t.Fatalf("%s through node %d is not answered within %v", what, node, patience)
	}
	s.lab.t.Fatalf("%s through node %d: %v", what, node, err)
}
