package store

import (
	"bytes"
	"strings"

	"github.com/cohortkv/cohort/node/kv"
	"github.com/cohortkv/cohort/node/wire"
)

// area is one state of the history.
type area struct {
	table[wire.Record]        // places are keys
	next               uint64 // number of the next write
}

// newArea returns an area without keys, at the counter of a ledger.
func newArea(l wire.Ledger) *area {
	return &area{table: newTable[wire.Record](), next: nextNumber(l)}
}

// nextNumber is the number of the next write after a history with this ledger.
func nextNumber(l wire.Ledger) uint64 { return max(l.MsgNum, 1) }

// apply brings in committed entries. The same ones a second time change nothing.
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

// put keeps copies: what it is given shares memory with the whole batch that it
// came in, which one record that lives on would keep alive.
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

// sameString is a copy of the new string, or the old one if they are equal.
func sameString(old, fresh string) string {
	if old == fresh {
		return old
	}
	return strings.Clone(fresh)
}

// meta is what a write to a key must know of it.
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
