package history

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
)

// The file is a magic line, then blocks, then an empty block. A block is
//
//	uvarint length of payload · payload · CRC32C of payload, little endian
//
// A payload is a run of operations. Each start is the difference to the start of the
// operation before. A key is written in full where it first occurs, and by its number after
// that. The empty block marks the end, so a file that was cut between two blocks is
// detected.
const magic = "cohort history 2\n"

const (
	blockOps = 1 << 12
	maxBlock = 1 << 26
	maxKey   = 1 << 20
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// ErrCorrupt is wrapped by every error that means that Save did not write the file in this
// form: the file was cut or changed, or is no history.
var ErrCorrupt = errors.New("history is corrupt")

// Save writes the operations to w.
func Save(w io.Writer, ops []Op) error {
	bw := bufio.NewWriterSize(w, 1<<16)
	enc := encoder{keys: map[string]uint64{}}
	if _, err := bw.WriteString(magic); err != nil {
		return fmt.Errorf("save history: %w", err)
	}
	for len(ops) > 0 {
		n := min(len(ops), blockOps)
		if err := writeBlock(bw, enc.block(ops[:n])); err != nil {
			return fmt.Errorf("save history: %w", err)
		}
		ops = ops[n:]
	}
	if err := errors.Join(writeBlock(bw, nil), bw.Flush()); err != nil {
		return fmt.Errorf("save history: %w", err)
	}
	return nil
}

func writeBlock(w *bufio.Writer, payload []byte) error {
	var head [binary.MaxVarintLen64]byte
	sum := binary.LittleEndian.AppendUint32(nil, crc32.Checksum(payload, castagnoli))
	_, err1 := w.Write(head[:binary.PutUvarint(head[:], uint64(len(payload)))])
	_, err2 := w.Write(payload)
	_, err3 := w.Write(sum)
	return errors.Join(err1, err2, err3)
}

// encoder holds the values that later operations refer to.
type encoder struct {
	keys map[string]uint64
	prev int64
	buf  []byte
}

func (e *encoder) block(ops []Op) []byte {
	e.buf = e.buf[:0]
	for i := range ops {
		e.op(&ops[i])
	}
	return e.buf
}

func (e *encoder) op(o *Op) {
	b := append(e.buf, byte(o.Kind), byte(o.Outcome))
	b = binary.AppendUvarint(b, uint64(o.Client))
	b = binary.AppendUvarint(b, uint64(o.Status))
	n, seen := e.keys[o.Key]
	if !seen {
		n = uint64(len(e.keys))
		e.keys[o.Key] = n
	}
	b = binary.AppendUvarint(b, n)
	if !seen {
		b = binary.AppendUvarint(b, uint64(len(o.Key)))
		b = append(b, o.Key...)
	}
	b = binary.AppendUvarint(b, uint64(o.Value))
	b = binary.AppendUvarint(b, o.Num)
	b = binary.AppendVarint(b, o.Start-e.prev)
	b = binary.AppendVarint(b, o.End-o.Start)
	for _, id := range [...]OpID{o.ID, o.Parent, o.Part} {
		b = binary.AppendUvarint(b, uint64(id))
	}
	e.buf, e.prev = b, o.Start
}

// Load reads a file of Save. If the file differs in any way from what Save wrote, the error
// wraps ErrCorrupt.
func Load(r io.Reader) ([]Op, error) {
	br := bufio.NewReaderSize(r, 1<<16)
	head := make([]byte, len(magic))
	if _, err := io.ReadFull(br, head); err != nil || string(head) != magic {
		return nil, fmt.Errorf("load history: %w: no magic line", ErrCorrupt)
	}
	var dec decoder
	for n := 0; ; n++ {
		payload, err := readBlock(br)
		if err != nil {
			return nil, fmt.Errorf("load history: block %d: %w", n, err)
		}
		if len(payload) == 0 {
			return dec.ops, nil
		}
		if err := dec.block(payload); err != nil {
			return nil, fmt.Errorf("load history: block %d: %w", n, err)
		}
	}
}

func readBlock(r *bufio.Reader) ([]byte, error) {
	n, err := binary.ReadUvarint(r)
	if err != nil || n > maxBlock {
		return nil, fmt.Errorf("%w: no length, or one above %d", ErrCorrupt, maxBlock)
	}
	// The length may be false, so memory grows only as bytes arrive.
	buf, err := io.ReadAll(io.LimitReader(r, int64(n)+crc32.Size))
	if err != nil {
		return nil, err
	}
	if uint64(len(buf)) < n+crc32.Size {
		return nil, fmt.Errorf("%w: cut short", ErrCorrupt)
	}
	payload, sum := buf[:n], binary.LittleEndian.Uint32(buf[n:])
	if crc32.Checksum(payload, castagnoli) != sum {
		return nil, fmt.Errorf("%w: checksum differs", ErrCorrupt)
	}
	return payload, nil
}
