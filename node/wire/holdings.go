package wire

import "slices"

// Of is what holdings say of a slot; nil: nothing that makes sense. A run whose vector is
// not in the table does not.
func (h *Holdings) Of(slot uint32) *HeldSlots {
	i, found := slices.BinarySearchFunc(h.Held, slot, func(run HeldSlots, slot uint32) int {
		switch {
		case run.Slots.First+run.Slots.Count <= slot:
			return -1
		case run.Slots.First > slot:
			return 1
		}
		return 0
	})
	if !found || int(h.Held[i].Vector) >= len(h.Vectors) {
		return nil
	}
	return &h.Held[i]
}
