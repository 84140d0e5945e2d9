package kv

import (
	"cmp"
	"slices"

	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// Ledger is the part of a history besides its keys: the number of the next write,
// and the table of request ids (I11). Only Apply changes it, in the order of the
// log, so all members have equal ledgers at equal positions.
//
// Bounds: an origin (a forwarder in one boot) holds the answers from its lowest
// open counter on, so it holds about as many as the forwarder has requests open. A
// ledger holds at most limit origins. The least recently used one is dropped first.
type Ledger struct {
	next    uint64         // number of the next write, at least 1; never falls
	limit   int            // bound on origins, at least 1
	origins []*wire.Origin // ordered by node, then boot
}

// DefaultOrigins is the number of origins that a ledger remembers by default.
const DefaultOrigins = 1024

// NewLedger is the ledger of the empty history: the first write gets number 1.
func NewLedger(originLimit int) *Ledger {
	if originLimit <= 0 {
		originLimit = DefaultOrigins
	}
	return &Ledger{next: 1, limit: originLimit}
}

// Import makes a ledger from an exported one. It copies what it keeps.
func Import(w wire.Ledger, originLimit int) *Ledger {
	l := NewLedger(originLimit)
	l.next = max(w.MsgNum, 1)
	for _, o := range w.Origins {
		o.Answers = slices.Clone(o.Answers)
		l.origins = append(l.origins, &o)
	}
	return l
}

// Export is a deep copy of the ledger.
func (l *Ledger) Export() wire.Ledger {
	w := wire.Ledger{MsgNum: l.next}
	for _, o := range l.origins {
		c := *o
		c.Answers = slices.Clone(o.Answers)
		w.Origins = append(w.Origins, c)
	}
	return w
}

// Next is the number that the next write gets.
func (l *Ledger) Next() uint64 { return l.next }

// Lookup finds the answer of a request. forgotten says that the forwarder has finished with the
// request, so the request must not be ordered again.
func (l *Ledger) Lookup(id ids.Request) (res wire.Result, answered, forgotten bool) {
	i, found := l.find(id.Node, id.Boot)
	if !found {
		return wire.Result{}, false, false
	}
	o := l.origins[i]
	if j, ok := slices.BinarySearchFunc(o.Answers, id.Counter, compareCounter); ok {
		return o.Answers[j].Result, true, false
	}
	return wire.Result{}, false, id.Counter < o.LowestOpen
}

// Apply takes in one committed entry. Entries come in the order of the log.
func (l *Ledger) Apply(e *wire.Entry) {
	if TakesNumber(e.Result.Status) {
		l.next = e.Result.MsgNum + 1
	}
	o := l.origin(e.ID)
	o.Used = l.next
	if e.LowestOpen > o.LowestOpen {
		o.LowestOpen = e.LowestOpen
		j, _ := slices.BinarySearchFunc(o.Answers, o.LowestOpen, compareCounter)
		o.Answers = o.Answers[j:]
	}
	if e.ID.Counter < o.LowestOpen {
		return
	}
	a := wire.Answer{Counter: e.ID.Counter, Result: e.Result}
	j, found := slices.BinarySearchFunc(o.Answers, a.Counter, compareCounter)
	if found {
		o.Answers[j] = a
		return
	}
	o.Answers = slices.Insert(o.Answers, j, a)
}

// origin returns the answers of a forwarder in one boot. If the forwarder is new, it makes room.
func (l *Ledger) origin(id ids.Request) *wire.Origin {
	i, found := l.find(id.Node, id.Boot)
	if found {
		return l.origins[i]
	}
	o := &wire.Origin{Node: id.Node, Boot: id.Boot, Used: l.next}
	l.origins = slices.Insert(l.origins, i, o)
	if len(l.origins) > l.limit {
		l.dropOldest(o)
	}
	return o
}

// dropOldest makes room: it drops the least recently used origin, other than keep.
func (l *Ledger) dropOldest(keep *wire.Origin) {
	oldest := -1
	for j, c := range l.origins {
		if c != keep && (oldest < 0 || c.Used < l.origins[oldest].Used) {
			oldest = j
		}
	}
	l.origins = slices.Delete(l.origins, oldest, oldest+1)
}

// find returns the index of an origin, or the index at which it would be inserted.
func (l *Ledger) find(node ids.Node, boot ids.Boot) (int, bool) {
	return slices.BinarySearchFunc(l.origins, wire.Origin{Node: node, Boot: boot},
		func(o *wire.Origin, k wire.Origin) int {
			if c := cmp.Compare(o.Node, k.Node); c != 0 {
				return c
			}
			return cmp.Compare(o.Boot, k.Boot)
		})
}

func compareCounter(a wire.Answer, c uint64) int { return cmp.Compare(a.Counter, c) }
