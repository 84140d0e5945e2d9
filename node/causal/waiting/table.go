// Package waiting has the requests that cannot be answered yet, and the questions that are
// asked on their behalf (docs/causal.md §3.4, §7.5). The tables know only the key of a
// request. The caller tries a request again on each occasion that may end its wait: a missed
// occasion leaves the client waiting until its timeout.
//
// The types are values without I/O. One goroutine at a time may use them.
package waiting

import (
	"cmp"
	"container/list"
	"slices"
)

// Table has the requests that wait, in the order in which they came. A request may be ended by
// a merge of its key, or by a change of K, readiness or the view. A merge concerns few
// requests, and the table finds them by key. The other changes concern all requests.
//
// A key is noted when it is merged, and its requests are taken when the merge is durable.
// Before that they could be shown nothing new. The order of arrival makes a step the same in
// each replay of one schedule.
type Table[R comparable] struct {
	order list.List           // of *entry, by arrival
	at    map[R]*list.Element // place of each request in order
	byKey map[string][]R      // requests of each key, by arrival; no list is empty
	came  uint64              // how many requests have ever been added
	noted map[string]bool     // keys that were merged while requests waited, and not taken yet
}

// entry is one waiting request.
type entry[R any] struct {
	request R
	key     string
	number  uint64 // ascends by arrival
}

// Add lists a request about a key, or about no key (""). It reports false if the request is
// listed already.
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

// Remove takes a request off the table. A request that is not listed changes nothing.
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

// All are the requests that wait, by arrival. The caller may change the table while going
// through the list, and must ask Has before using an entry.
func (t *Table[R]) All() []R {
	all := make([]R, 0, len(t.at))
	for at := t.order.Front(); at != nil; at = at.Next() {
		all = append(all, at.Value.(*entry[R]).request)
	}
	return all
}

// Note notes that a key was merged. With no request waiting there is nothing to note.
func (t *Table[R]) Note(key string) {
	if len(t.at) == 0 {
		return
	}
	if t.noted == nil {
		t.noted = map[string]bool{}
	}
	t.noted[key] = true
}

// Noted takes the requests of the keys that were noted so far, by arrival. They stay listed;
// the notes are cleared.
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
