// Package waiting has the requests that cannot be answered yet, and the questions that
// are asked on their behalf (docs/causal.md §3.4, §7.5). The tables know of a request
// only which key it is about. They may be used by one goroutine at a time.
package waiting

import (
	"cmp"
	"container/list"
	"slices"
)

// Table has the requests that wait, in the order in which they came. A request is
// looked at again when something has become true that it may wait for: its key was
// merged, or K, readiness or the view have changed. The first concerns few requests, which
// the table finds by their key; the others concern all of them.
//
// A key is noted when it is merged, and its requests are taken when that is durable: until
// then they would be shown nothing new.
type Table[R comparable] struct {
	order list.List // of *entry, by arrival
	at    map[R]*list.Element
	byKey map[string][]R
	came  uint64          // how many have come
	noted map[string]bool // keys that were merged while requests waited
}

type entry[R any] struct {
	request R
	key     string
	number  uint64 // ascends by arrival
}

// Add lists a request about a key; "" is about no key. It reports whether the request is
// new in the table.
func (t *Table[R]) Add(r R, key string) bool {
	if t.Has(r) {
		return false
	}
	if t.at == nil {
		t.at, t.byKey = map[R]*list.Element{}, map[string][]R{}
	}
	t.came++
	t.at[r] = t.order.PushBack(&entry[R]{r, key, t.came})
	t.byKey[key] = append(t.byKey[key], r)
	return true
}

// Remove takes a request off the table, if it is listed.
func (t *Table[R]) Remove(r R) {
	at := t.at[r]
	if at == nil {
		return
	}
	key := at.Value.(*entry[R]).key
	t.order.Remove(at)
	delete(t.at, r)
	t.byKey[key] = slices.DeleteFunc(t.byKey[key], func(o R) bool { return o == r })
	if len(t.byKey[key]) == 0 {
		delete(t.byKey, key)
	}
}

// Has reports that a request waits.
func (t *Table[R]) Has(r R) bool { return t.at[r] != nil }

// Len is how many requests wait.
func (t *Table[R]) Len() int { return len(t.at) }

// All are the requests that wait, by arrival. The caller may change the table while it
// goes through them.
func (t *Table[R]) All() []R {
	all := make([]R, 0, len(t.at))
	for at := t.order.Front(); at != nil; at = at.Next() {
		all = append(all, at.Value.(*entry[R]).request)
	}
	return all
}

// Note notes that a key was merged.
func (t *Table[R]) Note(key string) {
	if len(t.at) == 0 {
		return
	}
	if t.noted == nil {
		t.noted = map[string]bool{}
	}
	t.noted[key] = true
}

// Noted takes the requests that wait for the keys noted so far, by arrival. It forgets
// which keys these are.
func (t *Table[R]) Noted() []R {
	if len(t.noted) == 0 {
		return nil
	}
	var found []R
	for key := range t.noted { //maporder:ok put in order below
		found = append(found, t.byKey[key]...)
	}
	t.noted = nil
	number := func(r R) uint64 { return t.at[r].Value.(*entry[R]).number }
	slices.SortFunc(found, func(a, b R) int { return cmp.Compare(number(a), number(b)) })
	return found
}
