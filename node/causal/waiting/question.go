package waiting

import (
	"slices"

	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// Patience is how long a question for one key is open (docs/causal.md §7.5, rule 6).
const Patience = 50 * wire.Millisecond

// Question asks other nodes for one key whose slot is not ready here. So a request need not
// wait until the whole slot was brought in. The question is over when a ready holder has
// answered, when all nodes have answered, or when its time is over.
type Question[R any] struct {
	Session  uint64 // names the question in its answers
	Key      string
	Until    wire.Instant // when its time is over
	Requests []R          // the requests that share it; some may have been answered meanwhile
	silent   []ids.Node   // nodes that were asked and have not answered
}

// Questions has the open questions, at most one for each key.
type Questions[R any] struct{ open []*Question[R] }

// Join lets a request share the open question for a key; false: none is open.
func (t *Questions[R]) Join(key string, r R) bool {
	for _, q := range t.open {
		if q.Key == key {
			q.Requests = append(q.Requests, r)
			return true
		}
	}
	return false
}

// Ask opens a question to some nodes for the key of a request. None may be open for the key.
func (t *Questions[R]) Ask(session uint64, key string, r R, nodes []ids.Node, now wire.Instant) *Question[R] {
	q := &Question[R]{Session: session, Key: key, Until: now + Patience, Requests: []R{r}, silent: nodes}
	t.open = append(t.open, q)
	return q
}

// Find is the question that a node answers; nil: the node was not asked, or has answered.
func (t *Questions[R]) Find(session uint64, key string, from ids.Node) *Question[R] {
	for _, q := range t.open {
		if q.Session == session && q.Key == key && slices.Contains(q.silent, from) {
			return q
		}
	}
	return nil
}

// Answered notes that a node has answered, and reports whether all nodes have.
func (q *Question[R]) Answered(from ids.Node) bool {
	q.silent = slices.DeleteFunc(q.silent, func(id ids.Node) bool { return id == from })
	return q.Complete()
}

// Complete reports that all nodes have answered, or that none was asked.
func (q *Question[R]) Complete() bool { return len(q.silent) == 0 }

// Close takes a question off the list.
func (t *Questions[R]) Close(q *Question[R]) {
	t.open = slices.DeleteFunc(t.open, func(o *Question[R]) bool { return o == q })
}

// Open are the open questions. The caller may close them while it goes through them.
func (t *Questions[R]) Open() []*Question[R] { return slices.Clone(t.open) }
