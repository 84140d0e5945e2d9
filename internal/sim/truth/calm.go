package truth

import (
	"fmt"
	"slices"

	"github.com/cohortkv/cohort/node/wire"
)

// calm is the time after all faults. All nodes can be reached, so none may lack a write
// that was answered long before.
type calm struct {
	since    wire.Instant // when the faults ended
	long     wire.Instant // so long after an answer every owner must have a write
	there    func(wire.Member) bool
	answered wire.Instant // when all PUTs of the last list were answered; 0: not yet
}

// Calm records that all faults are over. From now on an owner must have a write so long after
// its answer. there reports whether a member can be reached.
func (t *Truth) Calm(long wire.Instant, there func(wire.Member) bool) {
	t.calm = &calm{since: t.world.Now(), long: long, there: there}
}

// Storm ends the calm time: faults may happen again.
func (t *Truth) Storm() { t.calm = nil }

// Put records that the last list was put to all its members and all have answered.
func (t *Truth) Put() {
	if t.calm != nil && t.calm.answered == 0 {
		t.calm.answered = t.world.Now()
	}
}

// stranger checks that a write in calm time wins over every write that was answered long
// before, even if its client knew nothing of that write. Otherwise the owner took the write
// before it asked the previous holders of the slot, and the older write will replace the
// new one.
func (t *Truth) stranger(l *Incarnation, w *Write) {
	if v := t.old(l, w.Op, w.Key); v != nil && !above(w.Version, v.Version) {
		t.fail("hand-over", "node %d writes %s, which loses to %s, answered %s before", l.Node, w, v, ago(w.Op.Asked-v.Acked))
	}
}

// fresh checks the same of a read. Until the last list has been put to all its members, an
// owner elsewhere may answer for another view.
func (t *Truth) fresh(l *Incarnation, o *Op, w *Write) {
	if !l.Owns(o.Key) && (t.calm == nil || t.calm.answered == 0 || o.Asked < t.calm.answered) {
		return
	}
	v, c := t.old(l, o, o.Key), t.keys[o.Key].collected
	switch {
	case v == nil || w != nil && !above(v.Version, w.Version):
	case w == nil && (v.Item.Deleted || c != nil && !above(v.Version, c.Version)):
	default:
		t.fail("hand-over", "node %d shows %v; %s was answered %s before", l.Node, w, v, ago(o.Asked-v.Acked))
	}
}

// old returns the largest version of a key that was answered long before a request in calm
// time, and that a node holds which the answering node must have asked.
func (t *Truth) old(l *Incarnation, o *Op, key int) *Write {
	if t.calm == nil || o.Asked < t.calm.since+t.calm.long {
		return nil
	}
	var most *Write
	for _, v := range t.keys[key].writes {
		if v.Acked == 0 || v.Acked > o.Asked-t.calm.long || v.Excused() || !exceeds(v, most) {
			continue
		}
		if t.heldNear(l, v) {
			most = v
		}
	}
	return most
}

// heldNear reports whether a member of an incarnation's view holds a write durably and has
// done so for long. The member must have the same view or one that this view replaces, and
// must have had one of those for long. Otherwise it comes from another cluster, and the author
// of the view did not know of its data. All members of these views must be reachable at the
// addresses that the views have.
func (t *Truth) heldNear(l *Incarnation, v *Write) bool {
	before := t.world.Now() - t.calm.long
	if l.view == nil || !t.reaches(l.view) || !t.reaches(l.viewAt(before)) {
		return false
	}
	for _, m := range l.view.members {
		o := t.incarnations[m.ID]
		if o == nil || o.view == nil || o.born > v.Acked || o.since[v.Key] > before {
			continue
		}
		if l.view.follows(o.view) && l.view.follows(o.viewAt(before)) && t.reaches(o.viewAt(before)) && o.durable.keeps(t, v) {
			return true
		}
	}
	return false
}

// reaches reports whether all members of a view can be reached.
func (t *Truth) reaches(v *view) bool {
	return !slices.ContainsFunc(v.members, func(m wire.Member) bool { return !t.calm.there(m) })
}

// follows reports whether a view is another one, or replaces it.
func (v *view) follows(other *view) bool { return other == v || other != nil && v.ancestors[other.id] }

func ago(d wire.Instant) string { return fmt.Sprintf("%.3fs", float64(d)/float64(wire.Second)) }
