package waiting

import (
	"slices"

	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// Patience is how long other nodes are asked for one key.
const Patience = 50 * wire.Millisecond

// Question asks other nodes for one key, while its slot is not ready here. It is over when
// a ready holder has answered, all have, or its time is.
type Question[R any] struct {
	Session  uint64
	Key      string
	Until    wire.Instant
	Requests []R        // on whose behalf it is asked
	silent   []ids.Node // those that have not answered
}

// Questions has the open questions, at most one for a key.
type Questions[R any] struct{ open []*Question[R] }

// Join has a request share the open question for a key; false: there is none.
func (t *Questions[R]) Join(key string, r R) bool {
	for _, q := range t.open {
		if q.Key == key {
			q.Requests = append(q.Requests, r)
			return true
		}
	}
	return false
}

// Ask opens a question to nodes for the key of a request.
func (t *Questions[R]) Ask(session uint64, key string, r R, nodes []ids.Node, now wire.Instant) *Question[R] {
	q := &Question[R]{Session: session, Key: key, Until: now + Patience, Requests: []R{r}, silent: nodes}
	t.open = append(t.open, q)
	return q
}

// Find is the question that a node answers; nil: it was not asked that, or has answered.
func (t *Questions[R]) Find(session uint64, key string, from ids.Node) *Question[R] {
	for _, q := range t.open {
		if q.Session == session && q.Key == key && slices.Contains(q.silent, from) {
			return q
		}
	}
	return nil
}

// Answered notes that a node has answered. It reports whether all have.
func (q *Question[R]) Answered(from ids.Node) bool {
	q.silent = slices.DeleteFunc(q.silent, func(id ids.Node) bool { return id == from })
	return q.Complete()
}

// Complete reports that no answer is to be waited for.
func (q *Question[R]) Complete() bool { return len(q.silent) == 0 }

// Close ends a question.
func (t *Questions[R]) Close(q *Question[R]) {
	t.open = slices.DeleteFunc(t.open, func(o *Question[R]) bool { return o == q })
}

// Open are the open questions. The caller may close them while it goes through them.
func (t *Questions[R]) Open() []*Question[R] { return slices.Clone(t.open) }
