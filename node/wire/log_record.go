package wire

import "fmt"

// A log record is what one step of a node makes durable (docs/durability.md §1):
//
//	version   1 byte
//	writes    their number, and each in the order of the struct Write
//
// Values are encoded as in messages. There is no checksum: the log has one for each record.
const logRecordVersion = 1

// AppendLogRecord appends the encoding of the writes of one step to dst. It allocates only when
// dst has no room.
func AppendLogRecord(dst []byte, writes []Write) []byte {
	var c codec
	c.buf = append(dst, logRecordVersion)
	c.writes(&writes)
	return c.buf
}

// DecodeLogRecord is the inverse of AppendLogRecord, except that empty slices come back nil, and
// that Seq is lost. It refuses what AppendLogRecord cannot have made; the record may be anything.
//
// The record may be reused afterwards. Strings and slices of the writes share one copy of it.
func DecodeLogRecord(record []byte) ([]Write, error) {
	switch {
	case len(record) == 0:
		return nil, fmt.Errorf("decode log record: empty")
	case record[0] != logRecordVersion:
		return nil, fmt.Errorf("decode log record: version %d, this build reads %d", record[0], logRecordVersion)
	}
	c := codec{way: reading, buf: record, at: 1}
	var writes []Write
	c.writes(&writes)
	if err := c.end("log record"); err != nil {
		return nil, fmt.Errorf("decode log record: %w", err)
	}
	return writes, nil
}

func (c *codec) writes(s *[]Write) {
	for i := range list(c, s, &writeList) {
		(*s)[i].fields(c)
	}
}
