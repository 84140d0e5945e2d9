package linear

import (
	"math"
	"slices"
)

// explain looks for a linearization that uses as few as possible of the optional
// writes, which are the unknown writes that no operation read. Each optional write
// doubles Porcupine's work from its start until it is used, and hardly any is ever
// needed. A history that is explained without them is linearizable, because an
// unknown write may never take effect.
//
// The search begins with no optional write. If that does not suffice, it adds the
// one with which the judge gets furthest, and tries again. These tries end at the
// first slice that fails. If no added write gets the judge further, the search
// takes all of them, and the verdict is then exact again.
func explain(items []*item, size int) *cutter {
	var left []*item // optional, not assumed to have taken effect
	for _, it := range items {
		if it.optional {
			left = append(left, it)
		}
	}
	for best := int64(math.MinInt64); len(left) > 0; {
		c := try(items, left, size)
		if len(c.list) == 0 {
			return c
		}
		best = max(best, c.stuck)
		next := -1
		for i := range left {
			c := try(items, slices.Delete(slices.Clone(left), i, i+1), size)
			if len(c.list) == 0 {
				return c
			}
			if c.stuck > best {
				next, best = i, c.stuck
			}
		}
		if next < 0 {
			break
		}
		left = slices.Delete(left, next, next+1)
	}
	c := newCutter(items, nil, size)
	c.judge()
	return c
}

// try judges the items with some optional ones left out. It stops at the first
// slice that fails, and gathers no evidence.
func try(items, left []*item, size int) *cutter {
	c := newCutter(items, left, size)
	c.fastPath = true
	c.judge()
	return c
}

func newCutter(items, left []*item, size int) *cutter {
	c := &cutter{size: size, stuck: math.MaxInt64}
	for _, it := range items {
		if it.optional && slices.Contains(left, it) {
			continue
		}
		c.items = append(c.items, it)
		if !it.optional {
			c.ends = append(c.ends, it.end)
		}
	}
	slices.Sort(c.ends)
	return c
}
