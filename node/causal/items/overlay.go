package items

import (
	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/node/causal/slots"
	"github.com/cohortkv/cohort/node/wire"
)

// overlay has the items that this step has written, and, while reads of the store are under
// way, all that were written since those reads began. Inputs come with items as the store
// had them, and reads are asynchronous, so either may be older than the overlay. Every use
// of a stored item goes through current.
type overlay struct {
	items map[string]*wire.Item // by key; a nil item: the key was removed
}

// reset empties the overlay at the beginning of a step, unless reads are under way.
func (o *overlay) reset(reads int) {
	if reads == 0 && len(o.items) > 0 {
		clear(o.items)
	}
}

// set notes the item that a key holds from now on; nil: none.
func (o *overlay) set(key string, item *wire.Item) {
	if o.items == nil {
		o.items = map[string]*wire.Item{}
	}
	o.items[key] = item
}

// current is the item that a key holds now, given the item that the store had when it was
// read; nil: none.
func (o *overlay) current(key string, stored *wire.Item) *wire.Item {
	if item, ok := o.items[key]; ok {
		return item
	}
	return stored
}

// free notes that slots were released: their keys hold nothing from now on.
func (o *overlay) free(space hashing.Space, list []wire.SlotRange) {
	for key := range o.items { //maporder:ok each is looked at by itself
		if slots.In(list, space.Slot(hashing.Hash(key))) {
			o.items[key] = nil
		}
	}
}
