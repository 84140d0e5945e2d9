package wire

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strings"
	"testing"

	"github.com/cohortkv/cohort/node/ids"
)

// full is the encoding of a message of a kind without an empty field.
func full(k Kind) []byte {
	src := &counting{}
	return AppendMessage(nil, filledHeader(src), filled(src, k))
}

func TestEveryFlippedBitIsRefused(t *testing.T) {
	for _, k := range Kinds() {
		payload := full(k)
		for i := range len(payload) * 8 {
			payload[i/8] ^= 1 << (i % 8)
			if _, _, err := DecodeMessage(payload); err == nil {
				t.Errorf("%v: bit %d flipped and nobody saw it", k, i)
			}
			payload[i/8] ^= 1 << (i % 8)
		}
	}
}

func TestEveryCutMessageIsRefused(t *testing.T) {
	for _, k := range Kinds() {
		payload := full(k)
		for n := range payload {
			if _, _, err := DecodeMessage(payload[:n]); err == nil {
				t.Errorf("%v: %d of %d bytes decode", k, n, len(payload))
			}
		}
		body := unseal(payload)
		for n := range body {
			if _, m, err := DecodeMessage(seal(body[:n])); err == nil {
				t.Errorf("%v: %d of %d bytes decode under their own checksum: %+v", k, n, len(body), m)
			}
		}
	}
}

func TestWhatIsNotAMessageIsRefusedWithAReason(t *testing.T) {
	ack := AppendMessage(nil, Header{}, &Ack{})
	covered := AppendMessage(nil, Header{}, &BaseCheckReply{})
	prepare := AppendMessage(nil, Header{}, &Prepare{})
	batch := AppendMessage(nil, Header{}, &Batch{})
	taken := AppendMessage(nil, Header{}, &HandoffAck{})
	for _, c := range []struct {
		name    string
		payload []byte
		want    string
	}{
		{"nothing", nil, "only 0 bytes"},
		{"too short for a checksum", []byte{1, 2, 3, 4, 5}, "only 5 bytes"},
		{"another version", seal(slices.Concat([]byte{codecVersion + 1}, unseal(ack)[1:])), "version 4, this node speaks 3"},
		{"a damaged checksum", slices.Concat(unseal(ack), []byte{0, 0, 0, 0}), "decode ack: checksum"},
		{"kind 0", seal([]byte{codecVersion, 0, 0}), "unknown kind 0"},
		{"a later kind", seal([]byte{codecVersion, 200, 0}), "unknown kind 200"},
		{"bytes behind the end", ending(ack, 0, 7), "1 bytes more than the message has"},
		{"a number without end", ending(ack, 9, bytes.Repeat([]byte{0xff}, 12)...), "no whole number"},
		{"a reference to no slot", ending(ack, 10, append([]byte{recentSlots + 1, 0}, make([]byte, 8)...)...), "unknown reference 17"},
		{"a bool that is 2", ending(covered, 2, 2, 0), "unknown bool 2"},
		{"a count for which there are no bytes", ending(prepare, 1, binary.AppendUvarint(nil, 1<<30)...), "1073741824 entries cannot be in the 0 bytes"},
		{"a count that is no int", ending(prepare, 1, binary.AppendUvarint(nil, 1<<63)...), "9223372036854775808 entries cannot be"},
		{"a round that leaves no room above", AppendMessage(nil, Header{}, &Active{Ballot: ids.Ballot{Round: 1 << 62}}), "leaves no room"},
		{"an unknown part", AppendMessage(nil, Header{}, &Fetch{Part: FetchEntries + 1}), "unknown part 5"},
		{"an unknown fate", AppendMessage(nil, Header{}, &PullReply{}), "unknown fate 0"},
		{"an unknown status", AppendMessage(nil, Header{}, &ForwardReply{Answers: make([]Answer, 1)}), "unknown status 0"},
		{"an unknown operation", forward(Op{Key: "k"}), "unknown operation 0"},
		{"an unknown condition", forward(Op{Kind: OpPut, Key: "k", Condition: IfVersion + 1}), "unknown condition 4"},
		{"an operation without key", forward(Op{Kind: OpPut, Value: []byte("v")}), "empty key"},
		{"a record without key", AppendMessage(nil, Header{}, &Chunk{Part: FetchRecords, Records: make([]Record, 1)}), "empty key"},
		{"a fate of a request that is not known", AppendMessage(nil, Header{}, &CausalForwardReply{Fate: ForwardFinished + 1}), "unknown fate of a request 7"},
		{"a forwarded write of no kind", AppendMessage(nil, Header{}, &CausalForward{Op: Op{Key: "k"}}), "unknown operation 0"},
		{"a forwarded read without key", AppendMessage(nil, Header{}, &CausalForward{Read: true}), "empty key"},
		{"a question without key", AppendMessage(nil, Header{}, &KeyRequest{}), "empty key"},
		{"an answer without key", AppendMessage(nil, Header{}, &KeyReply{}), "empty key"},
		{"an item without key", AppendMessage(nil, Header{}, &Batch{Items: make([]Item, 1)}), "empty key"},
		{"more items than there are bytes", ending(batch, 1, binary.AppendUvarint(nil, 1<<20)...), "1048576 items cannot be in the 0 bytes"},
		{"more streams than are remembered", ending(batch, 1, slices.Concat([]byte{1, 1, 'k', 0, streamSlots + 1}, make([]byte, 20))...), "unknown reference 65"},
		{"a counter that leaves no room above", AppendMessage(nil, Header{}, &Items{Items: []Item{{Key: "k", Version: CausalVersion{Counter: 1 << 62}}}}), "leaves no room"},
		{"a dot that leaves no room above", AppendMessage(nil, Header{}, &Digest{Held: Holdings{Vectors: []Vector{{{N: 1 << 62}}}}}), "leaves no room"},
		{"a range that begins before slot 0", ending(taken, 1, 1, 1, 0), "is more than 32 bits hold"},
	} {
		_, m, err := DecodeMessage(c.payload)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %+v, error %v, want one with %q", c.name, m, err, c.want)
		}
	}
}

// ending replaces the last n bytes before the checksum.
func ending(payload []byte, n int, with ...byte) []byte {
	body := unseal(payload)
	return seal(slices.Concat(body[:len(body)-n], with))
}

func forward(op Op) []byte {
	return AppendMessage(nil, Header{}, &Forward{Ops: []ForwardedOp{{Op: op}}})
}
