package disk

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/store"
	"github.com/cohortkv/cohort/node/wire"
)

// model writes what a machine might write, and remembers all of it.
type model struct {
	fs                *vfs.MemFS
	syncs             *gate
	cfg               func(*Config) // changes the configuration; nil: nothing is changed
	store             *Store
	steps             [][]wire.Write // all steps whose records the log may have
	seq               uint64         // of the last write of this boot
	base              int            // number of steps of earlier boots
	ballot            ids.Ballot     // of the history
	log               []wire.Entry   // of the ballot
	commit            int            // entries of log that are applied
	next              uint64         // Msg-Num of the next entry
	staged            *wire.Write    // nil: no base is staged
	rounds            uint64
	keepState         bool // await leaves the gate of the state as it is
	replayed, skipped int  // steps that were replayed from the log; that were not

	mu struct {
		sync.Mutex
		changed *sync.Cond
		durable uint64
		failed  []error
	}
}

func testConfig(fs vfs.FS) Config {
	return Config{FS: fs, Dir: "data", Cluster: "c", Node: 1, Mode: Fsync, BootID: "boot", CheckpointBytes: 1500, memTableBytes: 8000, segmentBytes: 1000, maxWaiting: 2000}
}

func (m *model) open(t rapid.TB) {
	t.Helper()
	m.syncs = newGate()
	cfg := testConfig(gatedFS{m.fs, m.syncs})
	if m.cfg != nil {
		m.cfg(&cfg)
	}
	s, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	m.store, m.seq = s, 0
	m.mu.Lock()
	m.mu.durable = 0
	m.mu.Unlock()
	s.Notify(func(seq uint64) {
		m.mu.Lock()
		m.mu.durable = seq
		m.mu.Unlock()
		m.mu.changed.Broadcast()
	}, func(err error) {
		m.mu.Lock()
		m.mu.failed = append(m.mu.failed, err)
		m.mu.Unlock()
		m.mu.changed.Broadcast()
	})
}

// step makes one step of the writes.
func (m *model) step(writes ...wire.Write) {
	for i := range writes {
		m.seq++
		writes[i].Seq = m.seq
	}
	m.steps = append(m.steps, writes)
	m.store.Write(writes)
}

// await waits until all steps are durable. The state may be what they wait for.
func (m *model) await(t rapid.TB) {
	m.syncs.set("log", true)
	if !m.keepState {
		m.syncs.set("state", true)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for m.mu.durable < m.seq && len(m.mu.failed) == 0 {
		m.mu.changed.Wait()
	}
	if len(m.mu.failed) > 0 {
		t.Fatal(m.mu.failed)
	}
}

// durable is the number of steps that were reported as durable.
func (m *model) durable() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := m.base
	for n < len(m.steps) && m.steps[n][len(m.steps[n])-1].Seq <= m.mu.durable {
		n++
	}
	return n
}

func genKey(t *rapid.T) string { return fmt.Sprintf("k%d", rapid.IntRange(0, 20).Draw(t, "key")) }
func genValue(t *rapid.T) []byte {
	return slices.Repeat([]byte{'v'}, rapid.IntRange(0, 200).Draw(t, "value"))
}

func (m *model) meta(*rapid.T) {
	m.rounds++
	m.step(wire.Write{Kind: wire.WriteMeta, Meta: &wire.NodeMeta{Inc: m.store.Incarnation(), Promised: ids.Ballot{Round: m.rounds}}})
}

// entries draws entries of a ballot from a position on.
func (m *model) entries(t *rapid.T, b ids.Ballot, first int) (all []wire.Entry) {
	for i := range rapid.IntRange(1, 8).Draw(t, "entries") {
		e := wire.Entry{Stamp: ids.Stamp{Ballot: b, Index: uint64(first + i)}, Op: wire.Op{Kind: wire.OpPut, Key: genKey(t), Value: genValue(t)}}
		e.ID = ids.Request{Node: 7, Boot: 77, Counter: m.next}
		e.LowestOpen = m.next
		e.Result = wire.Result{Status: wire.Created, MsgNum: m.next, Version: wire.Version{MsgNum: m.next}}
		if rapid.IntRange(0, 3).Draw(t, "delete") == 0 {
			e.Op.Kind, e.Op.Value, e.Result.Status = wire.OpDelete, nil, wire.Deleted
		}
		m.next++
		all = append(all, e)
	}
	return all
}

func (m *model) append(t *rapid.T) {
	if m.ballot == (ids.Ballot{}) || m.staged != nil {
		return
	}
	entries := m.entries(t, m.ballot, len(m.log)+1)
	m.log = append(m.log, entries...)
	m.step(wire.Write{Kind: wire.WriteAppend, Ballot: m.ballot, Entries: entries})
}

// apply commits entries that are durable.
func (m *model) apply(t *rapid.T) {
	m.await(t)
	if to := rapid.IntRange(m.commit, len(m.log)).Draw(t, "commit"); to > m.commit {
		m.store.Apply(m.log[m.commit:to])
		m.commit = to
	}
}

// build stages a base that was received.
func (m *model) build(t *rapid.T) {
	m.rounds++
	b := ids.Ballot{Round: m.rounds, Boot: 5}
	m.step(wire.Write{Kind: wire.WriteStageHead, Ballot: b})
	for range rapid.IntRange(0, 3).Draw(t, "pieces") {
		var records []wire.Record
		for range rapid.IntRange(1, 5).Draw(t, "records") {
			records = append(records, wire.Record{Key: genKey(t), Value: genValue(t), Version: wire.Version{MsgNum: m.next}})
		}
		m.step(wire.Write{Kind: wire.WriteStageRecords, Ballot: b, Records: records})
	}
	switch rapid.IntRange(0, 3).Draw(t, "end") {
	case 0: // it is not completed
	case 1:
		m.step(wire.Write{Kind: wire.WriteStageDrop, Ballot: b})
	default:
		ledger := wire.Ledger{MsgNum: m.next}
		m.stage(wire.Write{Kind: wire.WriteStaged, Ballot: b, Fresh: true, Ledger: ledger, Entries: m.entries(t, ids.Ballot{Round: 1, Boot: 9}, 1)})
	}
}

// extend stages a base that consists of the history, and of entries.
func (m *model) extend(t *rapid.T) {
	if m.staged != nil {
		return
	}
	m.rounds++
	tail := slices.Clone(m.log[m.commit:])
	w := wire.Write{Kind: wire.WriteStaged, Ballot: ids.Ballot{Round: m.rounds, Boot: 5}, Entries: tail}
	if m.ballot != (ids.Ballot{}) {
		w.Base = wire.Base{Source: m.ballot, Past: []wire.PastBallot{{Ballot: m.ballot, Count: uint64(len(m.log))}}}
	}
	m.stage(w)
}

func (m *model) stage(w wire.Write) {
	m.staged = &w
	m.step(w)
}

func (m *model) swap(*rapid.T) {
	if m.staged == nil {
		return
	}
	s := m.staged
	m.step(wire.Write{Kind: wire.WriteSwap, Ballot: s.Ballot, Fresh: s.Fresh, Ledger: s.Ledger})
	m.store.Apply(s.Entries)
	m.ballot, m.log, m.commit, m.staged = s.Ballot, nil, 0, nil
}

func (m *model) causal(t *rapid.T) {
	w := &wire.CausalWrite{}
	for range rapid.IntRange(0, 2).Draw(t, "ranges") {
		hash := hashing.Hash(genKey(t))
		w.Free = append(w.Free, wire.HashRange{First: hash, Last: hash})
	}
	slices.SortFunc(w.Free, func(a, b wire.HashRange) int { return int(a.First>>1) - int(b.First>>1) })
	w.Free = slices.Compact(w.Free)
	for range rapid.IntRange(1, 4).Draw(t, "items") {
		m.next++
		it := wire.Item{Key: genKey(t), Value: genValue(t), Version: wire.CausalVersion{Counter: m.next}}
		if rapid.Bool().Draw(t, "deleted") {
			it.Deleted, it.Value = true, nil
		}
		w.Put = append(w.Put, it)
	}
	w.Drop = []string{genKey(t)}
	m.step(wire.Write{Kind: wire.WriteCausal, Causal: w})
}

func (m *model) crash(t *rapid.T) {
	rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
	durable := m.durable()
	lost := m.fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: rapid.IntRange(0, 100).Draw(t, "kept"), RNG: rng})
	m.close(t)
	m.fs = lost
	m.reopen(t, durable)
}

func (m *model) close(t rapid.TB) {
	t.Helper()
	m.syncs.set("log", true)
	m.syncs.set("state", true)
	if err := m.store.Close(); err != nil {
		t.Fatal(err)
	}
}

// kill ends the process in the middle: what the operating system has is kept.
func (m *model) kill(t rapid.TB) {
	t.Helper()
	killed := vfs.NewMem()
	for _, name := range files(t, m.fs, "data") {
		if name != "data/LOCK" {
			copyFile(t, m.fs, killed, name)
		}
	}
	m.close(t)
	m.fs = killed
}

// reopen opens the store, which must have at least so many steps.
func (m *model) reopen(t rapid.TB, atLeast int) {
	t.Helper()
	m.open(t)
	n := int(m.store.log.Last())
	if n < atLeast || n > len(m.steps) {
		t.Fatalf("%d steps are left of %d, and %d were durable", n, len(m.steps), atLeast)
	}
	m.replayed += m.store.Found().Records
	m.skipped += n - m.store.Found().Records
	m.steps, m.base = m.steps[:n], n
	m.check(t)
}

// check compares the store with the steps, and takes up what they say.
func (m *model) check(t rapid.TB) {
	t.Helper()
	rec := m.store.Found().Recovered
	if rec == nil {
		if len(m.steps) > 0 {
			t.Fatal("all was forgotten")
		}
		rec = &core.Recovered{}
	}
	want := store.NewMemory()
	before := m.log
	m.ballot, m.log, m.staged = ids.Ballot{}, nil, nil
	for _, writes := range m.steps {
		for i := range writes {
			m.replay(want, &writes[i])
		}
	}
	if rec.Ballot != m.ballot {
		t.Fatalf("the ballot is %v, not %v", rec.Ballot, m.ballot)
	}
	commit := int(rec.Commit)
	if commit+len(rec.Log) != len(m.log) {
		t.Fatalf("%d entries are committed, %d are not, of %d", commit, len(rec.Log), len(m.log))
	}
	if commit > m.commit && len(before) > 0 && before[0].Stamp.Ballot == m.ballot {
		t.Fatalf("%d entries are committed, and %d were", commit, m.commit)
	}
	m.commit = commit
	want.Apply(m.log[:commit])
	if diff := cmp.Diff(contents(want, m.staged), contents(m.store.State(), m.staged), cmpopts.EquateEmpty()); diff != "" {
		t.Fatalf("ballot %v, commit %d (-want +got):\n%s", m.ballot, commit, diff)
	}
	if diff := cmp.Diff(m.log[commit:], rec.Log, cmpopts.EquateEmpty()); diff != "" {
		t.Fatalf("log (-want +got):\n%s", diff)
	}
}

// replay carries out a write on a store in memory, and follows the history.
func (m *model) replay(s *store.Memory, w *wire.Write) {
	s.Write([]wire.Write{*w})
	switch w.Kind {
	case wire.WriteAppend:
		m.log = append(m.log, w.Entries...)
	case wire.WriteStaged:
		m.staged = w
	case wire.WriteSwap:
		if !w.Fresh { // all of the log is in the base
			s.Apply(m.log)
			s.Apply(m.staged.Entries)
		}
		m.ballot, m.log, m.staged = w.Ballot, nil, nil
	}
}

// contents is all that a store holds.
func contents(s *store.Memory, staged *wire.Write) map[string]any {
	all := map[string]any{}
	snapshot := s.Snapshot()
	all["next"] = snapshot.Next()
	for rec := range snapshot.From(nil) {
		all["record "+rec.Key] = rec
	}
	for it := range s.CausalSnapshot().Items([]wire.HashRange{{Last: math.MaxUint64}}) {
		all["item "+it.Key] = it
	}
	if staged != nil && staged.Fresh {
		all["staged"] = s.Chunk(core.Read{Area: core.AreaStaged, First: true, Limit: math.MaxInt}).Records
	}
	return all
}

func newModel(t rapid.TB) *model {
	m := &model{fs: vfs.NewCrashableMem(), next: 1}
	m.mu.changed = sync.NewCond(&m.mu)
	m.open(t)
	return m
}

// TestNothingDurableIsLostInACrash cuts the power at any time. What was not synced may be lost in
// part.
func TestNothingDurableIsLostInACrash(t *testing.T) {
	replayed, skipped := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		m := newModel(t)
		t.Repeat(map[string]func(*rapid.T){
			"causal again": m.causal, "build again": m.build,
			"meta": m.meta, "append": m.append, "apply": m.apply, "build": m.build, "extend": m.extend, "swap": m.swap,
			"append again": m.append, "swap again": m.swap, "causal": m.causal, "crash": m.crash,
			"await": func(t *rapid.T) { m.await(t) },
			"stall": func(t *rapid.T) {
				m.syncs.set("log", rapid.Bool().Draw(t, "log"))
				m.syncs.set("state", rapid.Bool().Draw(t, "state"))
			},
			"close": func(t *rapid.T) {
				m.close(t)
				m.reopen(t, len(m.steps))
				if n := m.store.Found().Records; n > 0 {
					t.Fatalf("%d records were replayed after an orderly end", n)
				}
			},
		})
		m.close(t)
		replayed, skipped = replayed+m.replayed, skipped+m.skipped
	})
	if replayed == 0 || skipped == 0 {
		t.Errorf("%d steps were replayed, and %d were not", replayed, skipped)
	}
	t.Logf("%d steps were replayed, and %d were not", replayed, skipped)
}
