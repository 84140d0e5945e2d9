package wire

import (
	"fmt"
	"testing"

	"github.com/cohortkv/cohort/node/ids"
)

// prepare64x128 is the Prepare of 64 clients that write values of 128 bytes
// through three nodes.
func prepare64x128() (Header, *Prepare) {
	b := ids.Ballot{View: ids.View{Number: 4, Author: 2, Boot: 0x2222222222222222}, Round: 1, Boot: 0x1111111111111111}
	m := &Prepare{Ballot: b, First: 1_000_001, Commit: 1_000_000}
	for i := range uint64(64) {
		stamp := ids.Stamp{Ballot: b, Index: m.First + i}
		node := 1 + i%3
		number := 2_000_000 + i
		m.Entries = append(m.Entries, Entry{
			Stamp:      stamp,
			ID:         ids.Request{Node: ids.Node(node), Boot: ids.Boot(node * 0x1111111111111111), Counter: 300_000*node + i/3},
			LowestOpen: 300_000*node + i/3 - 20,
			Op:         Op{Kind: OpPut, Key: fmt.Sprintf("key-%05d", i*7919%100_000), Value: make([]byte, 128), ContentType: "application/octet-stream"},
			Result:     Result{Status: Replaced, MsgNum: number, Version: Version{MsgNum: number, Fingerprint: uint32(i) * 0x9e3779b9}},
		})
	}
	return Header{From: 1, Inc: 0xaaaaaaaaaaaaaaaa, Boot: b.Boot, View: b.View}, m
}

func TestEncodingAllocatesNothing(t *testing.T) {
	dst := make([]byte, 0, 1<<20)
	for _, k := range Kinds() {
		src := &counting{}
		h, m := filledHeader(src), filled(src, k)
		if n := testing.AllocsPerRun(100, func() { AppendMessage(dst, h, m) }); n != 0 {
			t.Errorf("%v: %v allocations", k, n)
		}
	}
}

// A Prepare takes three allocations: one copy of the payload, its struct, its
// entries. What has no strings takes only the struct.
func TestDecodingAllocatesOncePerPart(t *testing.T) {
	h, prepare := prepare64x128()
	for _, c := range []struct {
		message Message
		want    float64
	}{
		{prepare, 3},
		{&Ack{Ballot: prepare.Ballot, Index: 7}, 1},
		{&Hello{Ballot: prepare.Ballot, Promised: prepare.Ballot}, 1},
	} {
		payload := AppendMessage(nil, h, c.message)
		got := testing.AllocsPerRun(100, func() {
			if _, _, err := DecodeMessage(payload); err != nil {
				t.Fatal(err)
			}
		})
		if got != c.want {
			t.Errorf("%v: %v allocations, want %v", c.message.Kind(), got, c.want)
		}
	}
}

// An entry of a batch costs 7 bytes for its result, 3 for its request id and
// mark, and 7 for all the rest but the bytes of key and value themselves.
func TestAnEntryOfABatchCostsAFewBytes(t *testing.T) {
	h, m := prepare64x128()
	const perEntry = 7 + 3 + 7
	whole := len(AppendMessage(nil, h, m))
	half := *m
	half.Entries = m.Entries[:32]
	added := whole - len(AppendMessage(nil, h, &half))
	for i := range m.Entries[32:] {
		added -= len(m.Entries[32+i].Op.Key) + len(m.Entries[32+i].Op.Value)
	}
	if added > 32*perEntry {
		t.Errorf("32 more entries add %d bytes beside keys and values, want at most %d each", added, perEntry)
	}
}

func BenchmarkEncodePrepare64x128(b *testing.B) {
	h, m := prepare64x128()
	dst := AppendMessage(nil, h, m)
	b.SetBytes(int64(len(dst)))
	b.ReportAllocs()
	for b.Loop() {
		dst = AppendMessage(dst[:0], h, m)
	}
}

func BenchmarkDecodePrepare64x128(b *testing.B) {
	h, m := prepare64x128()
	payload := AppendMessage(nil, h, m)
	b.SetBytes(int64(len(payload)))
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := DecodeMessage(payload); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEncodeAck(b *testing.B) {
	h, m := prepare64x128()
	ack := &Ack{Ballot: m.Ballot, Index: m.First}
	dst := AppendMessage(nil, h, ack)
	b.ReportAllocs()
	for b.Loop() {
		dst = AppendMessage(dst[:0], h, ack)
	}
}

func BenchmarkDecodeAck(b *testing.B) {
	h, m := prepare64x128()
	payload := AppendMessage(nil, h, &Ack{Ballot: m.Ballot, Index: m.First})
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := DecodeMessage(payload); err != nil {
			b.Fatal(err)
		}
	}
}
