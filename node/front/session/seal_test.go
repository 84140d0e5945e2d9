package session

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"sync"
	"testing"

	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

var (
	oldKey = bytes.Repeat([]byte{1}, 32)
	newKey = bytes.Repeat([]byte{2}, 32)
)

var seenOnce = wire.Context{Exact: []wire.Dependency{{Hash: 7, Version: wire.CausalVersion{Counter: 1, Dot: wire.Dot{N: 1}}}}}

// TestASessionIsGoodWhereItsKeyIsKnown presents each kind of session to each kind
// of node.
func TestASessionIsGoodWhereItsKeyIsKnown(t *testing.T) {
	sealers := map[string]wire.Sealer{
		"no key":         newSealer("c", nil),
		"old":            newSealer("c", [][]byte{oldKey}),
		"old, new":       newSealer("c", [][]byte{oldKey, newKey}),
		"new, old":       newSealer("c", [][]byte{newKey, oldKey}),
		"new":            newSealer("c", [][]byte{newKey}),
		"another's, new": newSealer("d", [][]byte{newKey}),
	}
	good := map[[2]string]bool{} // maker, reader
	for _, pair := range [][2]string{
		{"old", "old, new"}, {"old", "new, old"}, {"old, new", "old"}, {"old, new", "new, old"},
		{"new, old", "old, new"}, {"new, old", "new"}, {"new", "old, new"}, {"new", "new, old"},
	} {
		good[pair] = true
	}
	for maker, made := range sealers {
		text := string(wire.AppendContextText(nil, "c", made, seenOnce))
		for reader, sealer := range sealers {
			_, err := wire.ParseContext("c", sealer, text)
			if want := maker == reader || good[[2]string{maker, reader}]; (err == nil) != want {
				t.Errorf("made with %s, read with %s: %v, want good %t", maker, reader, err, want)
			}
		}
	}
}

func TestSessionKeysAreReplaced(t *testing.T) {
	c := New("c", [][]byte{oldKey})
	old := c.Append(nil, seenOnce)
	for _, step := range []struct {
		keys [][]byte
		good bool // whether the session of the old key is accepted
	}{{[][]byte{oldKey, newKey}, true}, {[][]byte{newKey, oldKey}, true}, {nil, true}, {[][]byte{newKey}, false}} {
		c.Renew(step.keys)
		if _, err := c.Parse(old); (err == nil) != step.good {
			t.Errorf("under the keys %x: %v", step.keys, err)
		}
	}
	if _, err := New("c", [][]byte{newKey}).Parse(c.Append(nil, seenOnce)); err != nil {
		t.Errorf("a session of the new key: %v", err)
	}
	if seen, err := c.Parse(nil); err != nil || !seen.IsZero() {
		t.Errorf("a client that has seen nothing: %+v, %v", seen, err)
	}
}

func TestACodecWithoutKeysStaysWithout(t *testing.T) {
	c := New("c", nil)
	c.Renew([][]byte{newKey})
	if _, err := New("c", nil).Parse(c.Append(nil, seenOnce)); err != nil {
		t.Error(err)
	}
}

func TestAChangedSessionIsNotTheSealedOne(t *testing.T) {
	sealer := newSealer("c", [][]byte{newKey})
	data := wire.AppendContext(nil, "c", sealer, seenOnce)
	for i := range len(data) * 8 {
		data[i/8] ^= 1 << (i % 8)
		if _, err := wire.DecodeContext("c", sealer, data); err == nil {
			t.Errorf("bit %d flipped, and nobody saw it", i)
		}
		data[i/8] ^= 1 << (i % 8)
	}
	for n := range data {
		if _, err := wire.DecodeContext("c", sealer, data[:n]); err == nil {
			t.Errorf("%d of %d bytes are taken", n, len(data))
		}
	}
}

// A seal is the HMAC, by a key of the cluster's own, of all bytes before the seal.
func TestASealIsHMACOfAllBeforeIt(t *testing.T) {
	of := func(key, data []byte) []byte {
		m := hmac.New(sha256.New, key)
		m.Write(data)
		return m.Sum(nil)
	}
	data := wire.AppendContext(nil, "c", newSealer("c", [][]byte{newKey}), seenOnce)
	covered, seal := data[:len(data)-wire.SealSize], data[len(data)-wire.SealSize:]
	if want := of(of(newKey, []byte("c")), covered)[:wire.SealSize]; !bytes.Equal(seal, want) {
		t.Errorf("the seal is %x, want %x", seal, want)
	}
}

func TestSealsAreMadeByManyAtOnce(t *testing.T) {
	sealer := newSealer("c", [][]byte{oldKey, newKey})
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			c := wire.Context{Ceil: uint64(i + 1)}
			for range 200 {
				if got, err := wire.DecodeContext("c", sealer, wire.AppendContext(nil, "c", sealer, c)); err != nil || got.Ceil != c.Ceil {
					t.Errorf("%+v, %v", got, err)
				}
			}
		})
	}
	all.Wait()
}

// BenchmarkSession reads and writes a session of 16 entries, as a request and its
// answer do.
func BenchmarkSession(b *testing.B) {
	c := wire.Context{}
	for i := range uint64(16) {
		dot := wire.Dot{Stream: wire.Stream{View: ids.View{Number: 3, Boot: 9}, Node: ids.Node(i % 3), Boot: 5}, N: 1000 + i}
		c.Exact = append(c.Exact, wire.Dependency{Hash: i * 0x9e3779b97f4a7c15, Version: wire.CausalVersion{Counter: i + 1, Dot: dot}})
	}
	for _, row := range []struct {
		name string
		keys [][]byte
	}{{"checksum", nil}, {"sealed", [][]byte{newKey}}, {"sealed by the second of two", [][]byte{oldKey, newKey}}} {
		b.Run(row.name, func(b *testing.B) {
			b.ReportAllocs()
			sealer := newSealer("c", row.keys)
			maker := sealer
			if len(row.keys) > 0 {
				maker = newSealer("c", row.keys[len(row.keys)-1:])
			}
			text := wire.AppendContextText(nil, "c", maker, c)
			came := string(text)
			for b.Loop() {
				got, err := wire.ParseContext("c", sealer, came)
				if err != nil {
					b.Fatal(err)
				}
				text = wire.AppendContextText(text[:0], "c", sealer, got)
			}
		})
	}
}
