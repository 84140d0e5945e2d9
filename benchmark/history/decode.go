package history

import (
	"encoding/binary"
	"fmt"
)

// decoder reverses encoder. It fails on the first byte that encoder would not write, and
// never reads beyond its input.
type decoder struct {
	ops  []Op
	keys []string
	prev int64
	rest []byte
	bad  bool
}

func (d *decoder) block(payload []byte) error {
	d.rest = payload
	for len(d.rest) > 0 {
		op := d.op()
		if d.bad {
			return fmt.Errorf("%w: operation %d", ErrCorrupt, len(d.ops))
		}
		d.ops = append(d.ops, op)
		d.prev = op.Start
	}
	return nil
}

func (d *decoder) op() Op {
	op := Op{Kind: Kind(d.byte()), Outcome: Outcome(d.byte())}
	op.Client = ClientID(d.upTo(1<<32 - 1))
	op.Status = uint16(d.upTo(1<<16 - 1))
	op.Key = d.key()
	op.Value = Value(d.uvarint())
	op.Num = d.uvarint()
	op.Start = d.prev + d.varint()
	op.End = op.Start + d.varint()
	op.ID, op.Parent, op.Part = OpID(d.uvarint()), OpID(d.uvarint()), OpID(d.uvarint())
	if op.Kind < Put || op.Kind > Held || op.Outcome < OK || op.Outcome > Unknown {
		d.bad = true
	}
	return op
}

func (d *decoder) key() string {
	n := d.upTo(uint64(len(d.keys)))
	if d.bad {
		return ""
	}
	if n == uint64(len(d.keys)) {
		size := d.upTo(min(maxKey, uint64(len(d.rest))))
		if d.bad || size > uint64(len(d.rest)) {
			d.bad = true
			return ""
		}
		d.keys = append(d.keys, string(d.rest[:size]))
		d.rest = d.rest[size:]
	}
	return d.keys[n]
}

func (d *decoder) byte() byte {
	if len(d.rest) == 0 {
		d.bad = true
		return 0
	}
	b := d.rest[0]
	d.rest = d.rest[1:]
	return b
}

func (d *decoder) upTo(limit uint64) uint64 {
	v := d.uvarint()
	if v > limit {
		d.bad = true
		return 0
	}
	return v
}

func (d *decoder) uvarint() uint64 {
	v, n := binary.Uvarint(d.rest)
	return advance(d, v, n)
}

func (d *decoder) varint() int64 {
	v, n := binary.Varint(d.rest)
	return advance(d, v, n)
}

func advance[T any](d *decoder, v T, n int) T {
	var zero T
	if n <= 0 {
		d.bad, d.rest = true, nil
		return zero
	}
	d.rest = d.rest[n:]
	return v
}
