package harness

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"

	"github.com/cohortkv/cohort/client"
)

// randomKeys is the number of keys of random operations. It is small, so that operations
// overwrite, delete and miss.
const randomKeys = 24

// RandomOperations sends n puts, gets and deletes through all nodes of the group, one after
// another. It checks every answer and number against a single copy, and compares all
// replicas at the end. All groups use the same keys.
func (g *Group) RandomOperations(n int) Contents {
	g.lab.t.Helper()
	seed := rand.Uint64()
	w := walk{group: g, rng: rand.New(rand.NewPCG(seed, 0)), model: g.Contents().clone()}
	for range n {
		if !w.step() {
			g.lab.t.Fatalf("random operations with seed %d", seed)
		}
	}
	g.Holds(w.model)
	g.lab.say("%d random operations on %v (seed %d)", n, g.members, seed)
	return w.model
}

// walk is a run of random operations, with the single copy that they are checked against.
type walk struct {
	group *Group
	rng   *rand.Rand
	model Contents
}

// step sends one operation. It reports whether the answer was right.
func (w *walk) step() bool {
	w.group.lab.t.Helper()
	ctx, cancel := w.group.lab.withTimeout()
	defer cancel()
	key := fmt.Sprintf("random-%d", w.rng.IntN(randomKeys))
	h := w.group.client(w.group.members[w.rng.IntN(len(w.group.members))])
	switch n := w.rng.IntN(10); {
	case n < 5:
		return w.put(ctx, h, key)
	case n < 8:
		return w.delete(ctx, h, key)
	default:
		answer, err := h.get(ctx, key)
		return w.right(h, "GET "+key, answer, err, w.status(key, http.StatusOK, http.StatusNotFound), w.model.Next)
	}
}

func (w *walk) put(ctx context.Context, h *nodeClient, key string) bool {
	w.group.lab.t.Helper()
	value := fmt.Sprintf("%x", rand.Uint64())
	status := w.status(key, http.StatusOK, http.StatusCreated)
	answer, err := h.put(ctx, key, value)
	w.model.Data[key] = value
	w.model.Next++
	return w.right(h, "PUT "+key, answer, err, status, w.model.Next-1)
}

func (w *walk) delete(ctx context.Context, h *nodeClient, key string) bool {
	w.group.lab.t.Helper()
	status := w.status(key, http.StatusOK, http.StatusNotFound)
	answer, err := h.delete(ctx, key)
	delete(w.model.Data, key)
	w.model.Next++
	return w.right(h, "DELETE "+key, answer, err, status, w.model.Next-1)
}

// status returns the status for a key that exists or is absent.
func (w *walk) status(key string, there, absent int) int {
	if _, is := w.model.Data[key]; is {
		return there
	}
	return absent
}

// right compares an answer with that of the single copy.
func (w *walk) right(h *nodeClient, what string, answer *client.Answer, err error, status int, number uint64) bool {
	w.group.lab.t.Helper()
	if err != nil || answer.Status != status || answer.MsgNum != number {
		w.group.lab.t.Errorf("%s through node %d: %+v, %v; want %d with number %d", what, h.node, answer, err, status, number)
		return false
	}
	if value := string(answer.Value); what[:3] == "GET" && value != w.model.Data[what[4:]] {
		w.group.lab.t.Errorf("%s through node %d: %q, want %q", what, h.node, value, w.model.Data[what[4:]])
		return false
	}
	return true
}
