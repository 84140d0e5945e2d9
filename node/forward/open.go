package forward

import (
	"iter"
	"maps"
	"slices"
)

// Open numbers the requests of this node's clients, in one boot, and holds those that are open
// (docs/forwarding.md §2). Numbers begin at 1 and have no gaps. The zero value is ready to use.
//
// The invariant is closed < n for each open n, and closed+1 is open unless closed = last. So
// Lowest is right at any time, and a receiver may forget everything below.
type Open[T any] struct {
	last   uint64       // the number that was given last; 0: none was
	closed uint64       // all numbers up to here are finished; at most last
	open   map[uint64]T // open requests, by number; unbounded: one for each client that waits
}

// Add gives a request the next number. The request is open until Close, wherever it is sent.
func (o *Open[T]) Add(request T) (counter uint64) {
	if o.open == nil {
		o.open = map[uint64]T{}
	}
	o.last++
	o.open[o.last] = request
	return o.last
}

// Skip gives the next number to a request that may be carried out twice, a read. The number
// is finished at once.
func (o *Open[T]) Skip() (counter uint64) {
	o.last++
	o.advance()
	return o.last
}

// Get finds an open request by number; false: the number is finished, or was never given.
func (o *Open[T]) Get(counter uint64) (request T, ok bool) {
	request, ok = o.open[counter]
	return request, ok
}

// Close finishes a request; a finished or unknown number changes nothing. The forwarder must
// send no copy of the request from then on: a receiver may have forgotten its result.
func (o *Open[T]) Close(counter uint64) {
	delete(o.open, counter)
	o.advance()
}

// advance moves closed up to just below the first open number. Over the life of an Open it
// looks at each number about once.
func (o *Open[T]) advance() {
	for o.closed < o.last {
		if _, open := o.open[o.closed+1]; open {
			return
		}
		o.closed++
	}
}

// Lowest is the lowest open counter: the lowest open number or, if none is open, the next
// number that will be given.
func (o *Open[T]) Lowest() uint64 { return o.closed + 1 }

// Len is how many requests are open.
func (o *Open[T]) Len() int { return len(o.open) }

// All yields the open requests, in no order.
func (o *Open[T]) All() iter.Seq[T] { return maps.Values(o.open) } //maporder:ok the caller is told

// Ascending yields the open requests in the order of their numbers. Requests may be closed
// meanwhile: a closed one is not yielded.
func (o *Open[T]) Ascending() iter.Seq[T] {
	return func(yield func(T) bool) {
		for _, n := range slices.Sorted(maps.Keys(o.open)) {
			if request, open := o.open[n]; open && !yield(request) {
				return
			}
		}
	}
}
