package forward

import (
	"iter"
	"maps"
	"slices"
)

// Open numbers the requests of this node's clients, in one boot, and holds those that are
// not finished. Numbers begin at 1 and have no gaps. The zero value is ready to use.
type Open[T any] struct {
	last   uint64       // number that was given last
	closed uint64       // all numbers up to here are finished
	open   map[uint64]T // requests that are not finished
}

// Add gives a request the next number. The request is open until Close.
func (o *Open[T]) Add(request T) (counter uint64) {
	if o.open == nil {
		o.open = map[uint64]T{}
	}
	o.last++
	o.open[o.last] = request
	return o.last
}

// Skip gives a number to a request that may be carried out twice. It is never open.
func (o *Open[T]) Skip() (counter uint64) {
	o.last++
	o.advance()
	return o.last
}

// Get finds an open request.
func (o *Open[T]) Get(counter uint64) (request T, ok bool) {
	request, ok = o.open[counter]
	return request, ok
}

// Close finishes a request. From then on its forwarder must not send it again.
func (o *Open[T]) Close(counter uint64) {
	delete(o.open, counter)
	o.advance()
}

// advance moves closed to the first open number. Over the life of an Open this takes one
// look at each number.
func (o *Open[T]) advance() {
	for o.closed < o.last {
		if _, open := o.open[o.closed+1]; open {
			return
		}
		o.closed++
	}
}

// Lowest is the lowest number that is open; if none is, the next one that will be given.
func (o *Open[T]) Lowest() uint64 { return o.closed + 1 }

// Len is how many requests are open.
func (o *Open[T]) Len() int { return len(o.open) }

// All yields the open requests, in no order.
func (o *Open[T]) All() iter.Seq[T] { return maps.Values(o.open) } //maporder:ok the caller is told

// Ascending yields the open requests in the order of their numbers.
func (o *Open[T]) Ascending() iter.Seq[T] {
	return func(yield func(T) bool) {
		for _, n := range slices.Sorted(maps.Keys(o.open)) {
			if request, open := o.open[n]; open && !yield(request) {
				return
			}
		}
	}
}
