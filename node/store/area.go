package store

import (
	"bytes"
	"strings"

	"github.com/cohortkv/cohort/node/kv"
	"github.com/cohortkv/cohort/node/wire"
)

// area is the state that one history has produced: its records, and the number of
// the next write.
type area struct {
	table[wire.Record]        // the place of a record is its key
	next               uint64 // number of the next write
}

// newArea returns an area without keys, whose next number follows from a ledger.
func newArea(l wire.Ledger) *area {
	return &area{table: newTable[wire.Record](), next: nextNumber(l)}
}

// nextNumber is the number of the next write after a history with this ledger.
func nextNumber(l wire.Ledger) uint64 { return max(l.MsgNum, 1) }

// apply applies committed entries in their order. To apply the same entries once more changes
// nothing.
func (a *area) apply(entries []wire.Entry) {
	for i := range entries {
		a.applyOne(&entries[i])
	}
}

func (a *area) applyOne(e *wire.Entry) {
	if kv.Changes(e.Result.Status) {
		if rec := kv.RecordOf(e); rec != nil {
			a.put(*rec)
		} else {
			a.drop(e.Op.Key)
		}
	}
	if kv.TakesNumber(e.Result.Status) {
		a.next = e.Result.MsgNum + 1
	}
}

// put keeps copies. A record that it is given shares memory with its whole batch, and one
// long-lived record would keep the batch in memory.
func (a *area) put(rec wire.Record) {
	rec.Value = bytes.Clone(rec.Value)
	c := a.index[rec.Key]
	if c == nil {
		rec.Key, rec.ContentType = strings.Clone(rec.Key), strings.Clone(rec.ContentType)
	} else {
		rec.Key = c.value.Key
		rec.ContentType = sameString(c.value.ContentType, rec.ContentType)
	}
	before := int64(0)
	if c != nil {
		before = recordBytes(&c.value)
	}
	a.set(c, rec.Key, rec.Key, rec, recordBytes(&rec), before)
}

func (a *area) drop(key string) {
	if c := a.index[key]; c != nil {
		a.remove(key, key, c, recordBytes(&c.value))
	}
}

// sameString returns a copy of fresh, or old if the two are equal.
func sameString(old, fresh string) string {
	if old == fresh {
		return old
	}
	return strings.Clone(fresh)
}

// meta is what a write to a key needs to know of the key's record.
func (a *area) meta(key string) wire.Meta {
	c, found := a.index[key]
	if !found {
		return wire.Meta{}
	}
	return wire.Meta{Exists: true, Version: c.value.Version}
}

func (a *area) snapshot() *Snapshot {
	return &Snapshot{tree: a.freeze(), next: a.next, pins: a.pins()}
}
