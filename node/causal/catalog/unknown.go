package catalog

import (
	"slices"

	"github.com/cohortkv/cohort/node/ids"
)

// MaxUnknown is how many views are asked for at a time.
const MaxUnknown = 64

// unknown lists views that are to be asked for: they were met and are not known, or their
// stable cuts are not.
type unknown []ids.View

// note adds a view. Beyond MaxUnknown views nothing is noted: whatever needs the view notes
// it again later.
func (u *unknown) note(id ids.View) {
	if len(*u) < MaxUnknown && !slices.Contains(*u, id) {
		*u = append(*u, id)
	}
}

// remove takes a view off the list: it need not be asked for any more.
func (u *unknown) remove(id ids.View) {
	*u = slices.DeleteFunc(*u, func(o ids.View) bool { return o == id })
}
