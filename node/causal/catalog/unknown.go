package catalog

import (
	"slices"

	"github.com/cohortkv/cohort/node/ids"
)

// MaxUnknown bounds the views that are asked for at a time. Contexts of clients may name any
// number of views that do not exist (docs/causal.md §2.1).
const MaxUnknown = 64

// unknown lists the views to be asked for: vectors or references name them, and their layouts
// or common stable cuts are not known. At most MaxUnknown, each once.
type unknown []ids.View

// note adds a view, unless the list is full. A request that needs the view notes it again when
// the request is tried again.
func (u *unknown) note(id ids.View) {
	if len(*u) < MaxUnknown && !slices.Contains(*u, id) {
		*u = append(*u, id)
	}
}

// remove takes a view off the list, because it is known by now.
func (u *unknown) remove(id ids.View) {
	*u = slices.DeleteFunc(*u, func(o ids.View) bool { return o == id })
}
