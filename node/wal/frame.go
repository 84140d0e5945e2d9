package wal

import (
	"encoding/binary"
	"hash/crc32"
)

// A frame is a record as it is stored. All numbers are little-endian:
//
//	checksum  4 bytes  CRC32C of the rest of the frame
//	length    4 bytes  of the record
//	position  8 bytes
//	durable   8 bytes  all records up to here had been synced when the frame was written
//	record
//
// A frame without a record, whose position is equal to durable, is a mark: it only says that all
// records up to there are synced. Positions are used once in a log, so the remains of an earlier
// use of a recycled file have positions that are too low.
const headerSize = 24

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

type frame struct {
	position, durable Position
	record            []byte
}

// appendFrame adds a frame to dst.
func appendFrame(dst []byte, at, durable Position, rec []byte) []byte {
	begin := len(dst)
	dst = append(dst, 0, 0, 0, 0)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(rec)))
	dst = binary.LittleEndian.AppendUint64(dst, uint64(at))
	dst = binary.LittleEndian.AppendUint64(dst, uint64(durable))
	dst = append(dst, rec...)
	binary.LittleEndian.PutUint32(dst[begin:], crc32.Checksum(dst[begin+4:], castagnoli))
	return dst
}

// readFrame reads the frame at the beginning of b, and returns its size. If there is no whole
// frame, the size is 0.
func readFrame(b []byte) (frame, int) {
	if len(b) < headerSize {
		return frame{}, 0
	}
	size := headerSize + int(binary.LittleEndian.Uint32(b[4:]))
	if size > len(b) || crc32.Checksum(b[4:size], castagnoli) != binary.LittleEndian.Uint32(b) {
		return frame{}, 0
	}
	f := header(b)
	f.record = b[headerSize:size]
	return f, size
}

// header reads the positions of a frame, without a check.
func header(b []byte) frame {
	return frame{
		position: Position(binary.LittleEndian.Uint64(b[8:])),
		durable:  Position(binary.LittleEndian.Uint64(b[16:])),
	}
}

// synced looks in what follows an unreadable frame for proof that the record next was once
// synced: a frame, at any offset, that says so. It looks at the positions first, because a
// checksum costs more.
func synced(b []byte, next Position) bool {
	for ; len(b) >= headerSize; b = b[1:] {
		if f := header(b); f.durable < next || f.durable > f.position {
			continue
		}
		if _, size := readFrame(b); size > 0 {
			return true
		}
	}
	return false
}
