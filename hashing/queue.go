package hashing

// queue is a binary heap with the highest bid on top. container/heap would allocate
// for every bid.
type queue []bid

func newQueue(bids []bid) queue {
	q := queue(bids)
	for i := len(q)/2 - 1; i >= 0; i-- {
		q.down(i)
	}
	return q
}

// pop removes the highest bid.
func (q *queue) pop() {
	h := *q
	last := len(h) - 1
	h[0] = h[last]
	*q = h[:last]
	q.down(0)
}

// down restores the order after the bid at i became lower.
func (q *queue) down(i int) {
	h := *q
	for {
		child := 2*i + 1
		if child >= len(h) {
			return
		}
		if right := child + 1; right < len(h) && h[right].before(h[child]) {
			child = right
		}
		if !h[child].before(h[i]) {
			return
		}
		h[i], h[child] = h[child], h[i]
		i = child
	}
}

// before is a total order, because there is one bid for each slot.
func (b bid) before(o bid) bool {
	return b.score > o.score || b.score == o.score && b.slot < o.slot
}
