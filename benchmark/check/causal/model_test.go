package causal

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"

	"github.com/cohortkv/cohort/benchmark/history"
)

// model is the reference. Replicas hold sets of writes and pass them on at random. A
// replica answers a read when it has what the read's context names of the key. A context is
// a set of writes, so the model needs no proof. Its histories are correct by construction.
type model struct {
	replicas, sessions, keys, ops int
	lost                          float64 // share of operations without an answer
	fresh                         float64 // share of operations with a new or an older context
	crash                         float64 // share of events after which a replica loses its state
	end                           bool    // replicas are read at the end
	seed                          uint64
}

// written is one write of the model.
type written struct {
	op      OpID // none: not in the history yet
	key     string
	version Version
	value   history.Value // 0: a delete
	deps    map[*written]bool
}

type replica struct {
	id   int
	has  map[*written]bool
	n    int // number of writes since its last crash
	boot int
}

// session is a context, with the operation whose answer carried it.
type session struct {
	knows map[*written]bool
	last  OpID // none: a fresh session
}

type world struct {
	m        model
	rng      *rand.Rand
	h        *History
	replicas []*replica
	sessions []session
	old      []session
	writes   []*written
	gone     map[*written]bool
	value    uint32
	now      int64
}

func (m model) history() *History {
	w := &world{m: m, rng: rand.New(rand.NewPCG(m.seed, 1)), h: &History{}, gone: map[*written]bool{}}
	for i := range m.replicas {
		w.replicas = append(w.replicas, &replica{id: i, has: map[*written]bool{}})
	}
	w.sessions = slices.Repeat([]session{{last: none}}, m.sessions)
	for range m.ops {
		w.now += 10
		w.step()
		for w.chance(0.4) {
			w.deliver(w.anyReplica(), w.anyReplica())
		}
		if w.chance(m.crash) {
			w.crashed(w.anyReplica())
		}
	}
	w.finish()
	return w.h
}

func (w *world) chance(p float64) bool { return w.rng.Float64() < p }

func (w *world) anyReplica() *replica { return w.replicas[w.rng.IntN(len(w.replicas))] }

func (w *world) anyKey() string { return fmt.Sprint("k", w.rng.IntN(w.m.keys)) }

// deliver passes some writes from one replica to another.
func (w *world) deliver(from, to *replica) {
	for _, x := range w.writes {
		if from.has[x] && w.chance(0.5) {
			to.has[x] = true
		}
	}
}

// step is one operation of one session, or a listing.
func (w *world) step() {
	i := w.rng.IntN(len(w.sessions))
	s := w.sessions[i]
	if w.chance(w.m.fresh) {
		s = session{last: none}
		if len(w.old) > 0 && w.chance(0.7) {
			s = w.old[w.rng.IntN(len(w.old))]
		}
	}
	switch r := w.anyReplica(); w.rng.IntN(8) {
	case 0, 1, 2:
		s = w.get(r, s, w.anyKey())
	case 3, 4:
		s = w.write(r, s, true)
	case 5:
		s = w.write(r, s, false)
	case 6:
		s = w.list(r, s)
	default:
		s = w.join(s, w.sessions[w.rng.IntN(len(w.sessions))])
	}
	w.sessions[i] = s
	w.old = append(w.old, s)
}

func (w *world) add(op Op, parents ...OpID) OpID {
	op.Client, op.Start, op.End = 1, w.now, w.now+1
	parents = slices.DeleteFunc(parents, func(p OpID) bool { return p == none })
	slices.Sort(parents)
	return w.h.Add(op, slices.Compact(parents)...)
}

func (w *world) join(a, b session) session {
	id := w.add(Op{Kind: Join, Outcome: history.OK}, a.last, b.last)
	return session{knows: union(a.knows, b.knows), last: id}
}

func union(a, b map[*written]bool) map[*written]bool {
	c := maps.Clone(a)
	if c == nil {
		c = map[*written]bool{}
	}
	maps.Copy(c, b)
	return c
}

// wait gives a replica the writes that a context names of a key, as anti-entropy would.
func (w *world) wait(r *replica, s session, key string) {
	for _, x := range w.writes {
		if s.knows[x] && x.key == key && !w.gone[x] {
			r.has[x] = true
		}
	}
}

func (w *world) winner(r *replica, key string) *written {
	var best *written
	for _, x := range w.writes {
		if r.has[x] && x.key == key && (best == nil || x.version.Compare(best.version) > 0) {
			best = x
		}
	}
	return best
}

func (w *world) get(r *replica, s session, key string) session {
	w.wait(r, s, key)
	x := w.winner(r, key)
	op := Op{Kind: Get, Outcome: history.OK, Status: 404, Key: key}
	switch {
	case x == nil, x.value == 0 && w.chance(0.3): // the tombstone may be collected
		return session{knows: s.knows, last: w.add(op, s.last)}
	case x.value != 0:
		op.Status, op.Value = 200, x.value
	}
	op.Version = x.version
	knows := union(s.knows, x.deps)
	knows[x] = true
	return session{knows: knows, last: w.add(op, s.last)}
}

func (w *world) list(r *replica, s session) session {
	all := session{knows: s.knows, last: none}
	var reads []OpID
	for k := range w.m.keys {
		one := w.get(r, s, fmt.Sprint("k", k))
		all.knows = union(all.knows, one.knows)
		reads = append(reads, one.last)
	}
	w.now++ // a join comes after the operations that it joins
	all.last = w.add(Op{Kind: Join, Outcome: history.OK}, reads...)
	return all
}

func (w *world) write(r *replica, s session, put bool) session {
	x := &written{op: none, key: w.anyKey(), deps: maps.Clone(s.knows)}
	op := Op{Kind: Delete, Outcome: history.OK, Status: 200, Key: x.key}
	if put {
		w.value++
		x.value = history.NewValue(1, w.value)
		op.Kind, op.Value = Put, x.value
	}
	answered := !w.chance(w.m.lost)
	if !answered && w.chance(0.5) { // the request does not reach the replica
		op.Outcome, op.Status = history.Unknown, 0
		w.add(op, s.last)
		return s
	}
	r.n++
	x.version = Version{Counter: w.counter(r, s, x.key), Node: uint64(r.id), Dot: fmt.Sprintf("%d.%d.%d", r.id, r.boot, r.n)}
	r.has[x] = true
	w.writes = append(w.writes, x)
	if !answered {
		op.Outcome, op.Status = history.Unknown, 0
		x.op = w.add(op, s.last)
		return s
	}
	op.Version = x.version
	x.op = w.add(op, s.last)
	knows := union(s.knows, nil)
	knows[x] = true
	return session{knows: knows, last: x.op}
}

func (w *world) counter(r *replica, s session, key string) uint64 {
	counter := uint64(0)
	for _, x := range w.writes {
		if x.key == key && (r.has[x] || s.knows[x]) {
			counter = max(counter, x.version.Counter)
		}
	}
	return counter + 1
}

// crashed empties a replica. A write is lost if no other replica holds it or a write that
// won over it.
func (w *world) crashed(r *replica) {
	r.has, r.n, r.boot = map[*written]bool{}, 0, r.boot+1
	lost := map[OpID]bool{}
	for _, x := range w.writes {
		held := slices.ContainsFunc(w.replicas, func(r *replica) bool {
			best := w.winner(r, x.key)
			return best != nil && best.version.Compare(x.version) >= 0
		})
		if w.gone[x] = w.gone[x] || !held; w.gone[x] {
			lost[x.op] = true
		}
	}
	w.h.Lost = func(id OpID) bool { return lost[id] }
}

// finish gives every replica all writes, and reads the replicas.
func (w *world) finish() {
	if !w.m.end {
		return
	}
	w.h.Final = []Held{}
	for _, a := range w.replicas {
		for _, b := range w.replicas {
			maps.Copy(a.has, b.has)
		}
	}
	for _, a := range w.replicas {
		maps.Copy(a.has, w.replicas[0].has)
	}
	for k := range w.m.keys {
		key := fmt.Sprint("k", k)
		for _, r := range w.replicas {
			held := Held{Replica: uint64(r.id), Key: key}
			if x := w.winner(r, key); x != nil && (x.value != 0 || w.chance(0.5)) {
				held.Value, held.Version = x.value, x.version
			}
			w.h.Final = append(w.h.Final, held)
		}
	}
}
