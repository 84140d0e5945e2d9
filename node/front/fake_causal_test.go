package front

import (
	"hash/fnv"
	"iter"
	"maps"
	"slices"

	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/wire"
)

func hashOf(key string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(key))
	return h.Sum64()
}

// CausalWrite implements Backend. The new version follows the key's current version
// and the version that the client has seen.
func (f *fake) CausalWrite(w *Waiter, op wire.Op, c wire.Context) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.answerCausal(w, func() *core.CausalResult {
		item := &wire.Item{Key: op.Key, Deleted: op.Kind == wire.OpDelete, Value: op.Value, ContentType: op.ContentType}
		item.Version.Counter = 1 + named(c, op.Key).Counter
		old := f.items[op.Key]
		if old != nil {
			item.Version.Counter = 1 + max(item.Version.Counter-1, old.Version.Counter)
		}
		f.next++
		item.Version.Dot = wire.Dot{Stream: wire.Stream{View: f.status.View.ID, Node: 3, Boot: 5}, N: f.next}
		f.items[op.Key] = item
		return &core.CausalResult{Item: item, Existed: old != nil && !old.Deleted, Context: with(c, item)}
	})
}

// CausalRead implements Backend.
func (f *fake) CausalRead(w *Waiter, key string, c wire.Context) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.answerCausal(w, func() *core.CausalResult {
		item := f.items[key]
		if item != nil {
			c = with(c, item)
		}
		return &core.CausalResult{Item: item, Context: c}
	})
}

// CausalList implements Backend.
func (f *fake) CausalList(w *Waiter, c wire.Context) {
	f.mu.Lock()
	defer f.mu.Unlock()
	w.Listing = &frozenItems{c, maps.Clone(f.items)}
	f.answerCausal(w, func() *core.CausalResult { return nil })
}

// answerCausal holds the request, or answers it. The caller holds f.mu.
func (f *fake) answerCausal(w *Waiter, do func() *core.CausalResult) {
	f.answer(w, core.Done, func() core.Reply { return core.Reply{Causal: do()} })
}

func named(c wire.Context, key string) wire.CausalVersion {
	for _, d := range c.Exact {
		if d.Hash == hashOf(key) {
			return d.Version
		}
	}
	return wire.CausalVersion{}
}

func with(c wire.Context, item *wire.Item) wire.Context {
	d := wire.Dependency{Hash: hashOf(item.Key), Version: item.Version}
	others := slices.DeleteFunc(slices.Clone(c.Exact), func(o wire.Dependency) bool { return o.Hash == d.Hash })
	c.Exact = append(others, d)
	return c
}

// frozenItems lists items in the order of their reversed keys, an order that is not
// by key.
type frozenItems struct {
	context wire.Context
	items   map[string]*wire.Item
}

func reversed(key string) string {
	b := []byte(key)
	slices.Reverse(b)
	return string(b)
}

func (f *frozenItems) Pinned() int64 { return 0 }

func (f *frozenItems) From(after *string) iter.Seq[*wire.Item] {
	return func(yield func(*wire.Item) bool) {
		keys := slices.SortedFunc(maps.Keys(f.items), func(a, b string) int {
			if reversed(a) < reversed(b) {
				return -1
			}
			return 1
		})
		for _, key := range keys {
			if (after == nil || reversed(key) > reversed(*after)) && !yield(f.items[key]) {
				return
			}
		}
	}
}

func (f *frozenItems) Context(shown iter.Seq[*wire.Item]) wire.Context {
	c := f.context
	for item := range shown {
		c = with(c, item)
	}
	return c
}
