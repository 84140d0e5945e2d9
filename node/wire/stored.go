package wire

import "fmt"

// A record or an item is stored by itself (docs/durability.md §4):
//
//	version  1 byte
//	value    in the order of its struct
//
// It is encoded as in messages. There is no checksum: the files that have it check their blocks.
const storedVersion = 1

// AppendRecord appends the encoding of a record to dst. It allocates only when dst has no room.
func AppendRecord(dst []byte, r *Record) []byte {
	var c codec
	c.buf = append(dst, storedVersion)
	r.fields(&c)
	return c.buf
}

// DecodeRecord is the inverse of AppendRecord, except that empty slices come back nil. The bytes
// may be anything, and may be reused afterwards.
func DecodeRecord(b []byte) (Record, error) {
	var r Record
	c, err := stored(b)
	if err == nil {
		r.fields(&c)
		err = c.end("record")
	}
	if err != nil {
		return Record{}, fmt.Errorf("decode record: %w", err)
	}
	return r, nil
}

// AppendItem appends the encoding of an item to dst. It allocates only when dst has no room.
func AppendItem(dst []byte, it *Item) []byte {
	var c codec
	c.buf = append(dst, storedVersion)
	it.fields(&causalCodec{codec: &c})
	return c.buf
}

// DecodeItem is the inverse of AppendItem, as DecodeRecord is that of AppendRecord.
func DecodeItem(b []byte) (Item, error) {
	var it Item
	c, err := stored(b)
	if err == nil {
		it.fields(&causalCodec{codec: &c})
		err = c.end("item")
	}
	if err != nil {
		return Item{}, fmt.Errorf("decode item: %w", err)
	}
	return it, nil
}

// stored begins to read what was stored by itself.
func stored(b []byte) (codec, error) {
	switch {
	case len(b) == 0:
		return codec{}, fmt.Errorf("there are no bytes")
	case b[0] != storedVersion:
		return codec{}, fmt.Errorf("version %d, this build reads %d", b[0], storedVersion)
	}
	return codec{way: reading, buf: b, at: 1}, nil
}
