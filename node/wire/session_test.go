package wire

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/cohortkv/cohort/node/ids"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

const cluster = "orchard"

func contextText(c Context) string { return string(AppendContextText(nil, cluster, nil, c)) }

// drawnContext is one that a node might give out.
func drawnContext(t *rapid.T) Context {
	var c Context
	fill(drawn{t}, "", reflect.ValueOf(&c).Elem())
	count := rapid.Uint64Range(1, maxContextCount)
	for i := range c.Exact {
		v := &c.Exact[i].Version
		c.Exact[i].Hash, v.Counter, v.Dot.N = uint64(i)*0x9e3779b97f4a7c15, count.Draw(t, "counter"), count.Draw(t, "number")
	}
	for i := range c.Vector {
		c.Vector[i].N = count.Draw(t, "position")
	}
	byStream := func(a, b Position) int { return a.Stream.Compare(b.Stream) }
	slices.SortFunc(c.Vector, byStream)
	c.Vector = slices.CompactFunc(c.Vector, func(a, b Position) bool { return byStream(a, b) == 0 })
	slices.SortFunc(c.CutRefs, ids.View.Compare)
	c.CutRefs = slices.Compact(c.CutRefs)
	c.Ceil = count.Draw(t, "ceil")
	return c
}

func TestAContextComesBackAsItWasGivenOut(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := drawnContext(t)
		got, err := ParseContext(cluster, nil, contextText(c))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c, got); diff != "" {
			t.Fatalf("context (-given out +come back):\n%s", diff)
		}
		if _, err := ParseContext("vineyard", nil, contextText(c)); err == nil {
			t.Fatal("another cluster takes it")
		}
	})
}

// A golden file that changes means that clients lose their sessions when a node is
// replaced by one of the next build: raise contextVersion, and read both.
func TestAContextIsTheGoldenOne(t *testing.T) {
	_, m := goldenBatch()
	c := m.(*Batch).Items[1].Deps
	c.CutRefs = []ids.View{{Number: 2, Author: 1, Boot: boot1}, {Number: 4, Author: 2, Boot: 0x2222222222222222}}
	data := AppendContext(nil, cluster, nil, c)
	path := filepath.Join("testdata", "context.hex")
	if *update {
		text := fmt.Sprintf("# %+v\n# of the cluster %q; as text:\n# %s\n\n%s", c, cluster, contextText(c), hexLines(data))
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want := readHex(t, path)
	if !bytes.Equal(data, want) {
		t.Errorf("encoding is\n%swant\n%s", hexLines(data), hexLines(want))
	}
	got, err := DecodeContext(cluster, nil, want)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(c, got); diff != "" {
		t.Errorf("decoded from the file (-given out +come back):\n%s", diff)
	}
}

// JSON bodies and headers have room for 4 KiB (docs/causal.md).
func TestTheTextOfAFullContextStaysBelow4KiB(t *testing.T) {
	for _, c := range []struct{ entries, exactStreams, vectorStreams int }{
		{0, 0, 0}, {1, 1, 0}, {16, 3, 2}, {128, 4, 0}, {128, 4, 25}, {128, 25, 25},
	} {
		ctx := session(c.entries, c.exactStreams, c.vectorStreams)
		got := len(contextText(ctx))
		t.Logf("%d entries of %d streams, %d folded streams: %d bytes, %d characters", c.entries, c.exactStreams, c.vectorStreams, len(AppendContext(nil, cluster, nil, ctx)), got)
		if got >= 4<<10 {
			t.Errorf("%d characters", got)
		}
	}
}

func TestEveryFlippedBitOfAContextIsRefused(t *testing.T) {
	data := AppendContext(nil, cluster, nil, session(16, 3, 2))
	for i := range len(data) * 8 {
		data[i/8] ^= 1 << (i % 8)
		if _, err := DecodeContext(cluster, nil, data); err == nil {
			t.Errorf("bit %d flipped and nobody saw it", i)
		}
		data[i/8] ^= 1 << (i % 8)
	}
	for n := range data {
		if _, err := DecodeContext(cluster, nil, data[:n]); err == nil {
			t.Errorf("%d of %d bytes decode", n, len(data))
		}
	}
}

func TestAContextThatNoNodeGaveOutIsRefusedWithAReason(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*Context)
		want   string
	}{
		{"too many entries", func(c *Context) { *c = session(MaxExact+1, 1, 0) }, "129 entries, at most 128"},
		{"a hash twice", func(c *Context) { c.Exact[3].Hash = c.Exact[9].Hash }, "two entries for one hash"},
		{"no counter", func(c *Context) { c.Exact[3].Version.Counter = 0 }, "entry 3 has counter 0"},
		{"a huge counter", func(c *Context) { c.Exact[3].Version.Counter = 1<<60 + 1 }, "counter 1152921504606846977"},
		{"no number", func(c *Context) { c.Exact[3].Version.Dot.N = 0 }, "number 0"},
		{"a huge number", func(c *Context) { c.Exact[3].Version.Dot.N = 1<<60 + 1 }, "number 1152921504606846977"},
		{"a number that leaves no room", func(c *Context) { c.Exact[3].Version.Dot.N = 1 << 62 }, "leaves no room"},
		{"no position", func(c *Context) { c.Vector[1].N = 0 }, "position 1 is 0"},
		{"a huge position", func(c *Context) { c.Vector[1].N = 1<<60 + 1 }, "position 1 is 1152921504606846977"},
		{"streams out of order", func(c *Context) { slices.Reverse(c.Vector) }, "position 1 is not in order"},
		{"a stream twice", func(c *Context) { c.Vector[1] = c.Vector[0] }, "position 1 is not in order"},
		{"names out of order", func(c *Context) { c.CutRefs = []ids.View{{Number: 2}, {Number: 1}} }, "name 1 is not in order"},
		{"a name twice", func(c *Context) { c.CutRefs = []ids.View{{Number: 2}, {Number: 2}} }, "name 1 is not in order"},
		{"a huge ceil", func(c *Context) { c.Ceil = 1<<60 + 1 }, "counter 1152921504606846977 of what was folded"},
		{"too many streams", func(c *Context) { *c = session(16, 1, MaxPositions+1) }, "257 streams and 0 views, at most 256 and 64"},
		{"too many views", func(c *Context) {
			for i := range uint64(MaxCutRefs + 1) {
				c.CutRefs = append(c.CutRefs, ids.View{Number: i + 1})
			}
		}, "65 views, at most 256 and 64"},
		{"too many bytes", func(c *Context) { *c = session(MaxExact, 1, 600) }, "14754 characters, at most 10923"},
	} {
		ctx := session(16, 3, 2)
		c.change(&ctx)
		_, err := ParseContext(cluster, nil, contextText(ctx))
		if _, err2 := DecodeContext(cluster, nil, AppendContext(nil, cluster, nil, ctx)); err2 == nil {
			t.Errorf("%s: its bytes are taken", c.name)
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", c.name, err, c.want)
		}
	}
}

func TestWhatIsNoContextIsRefusedWithAReason(t *testing.T) {
	whole := AppendContext(nil, cluster, nil, Context{})
	body := whole[:len(whole)-checksumSize]
	for _, c := range []struct {
		name string
		text string
		want string
	}{
		{"nothing", "", "only 0 bytes"},
		{"another alphabet", "+///", "illegal base64"},
		{"JSON", `{"x":1}`, "illegal base64"},
		{"a line end inside", "AQEj\nEQ", "a line end"},
		{"another version", sealedContext(slices.Concat([]byte{2}, body[1:])...), "version 2, this node takes 1"},
		{"bytes behind the end", sealedContext(slices.Concat(body, []byte{7})...), "1 bytes more than the context has"},
		{"a count that exceeds it", sealedContext(1, 0xff, 0xff, 0x03), "dependencies cannot be in"},
		{"too long", strings.Repeat("A", 11_000), "at most 10923"},
	} {
		_, err := ParseContext(cluster, nil, c.text)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", c.name, err, c.want)
		}
	}
}

// sealedContext is the text of anything under its right checksum.
func sealedContext(b ...byte) string {
	sealed := binary.LittleEndian.AppendUint32(slices.Clone(b), contextSum(cluster, b))
	return base64.RawURLEncoding.EncodeToString(sealed)
}

// The fuzzer is given all but the checksum, as in FuzzDecode.
func FuzzDecodeContext(f *testing.F) {
	for _, c := range []Context{{}, session(1, 1, 0), session(16, 3, 2), session(MaxExact, 4, 25)} {
		data := AppendContext(nil, cluster, nil, c)
		f.Add(data[:len(data)-checksumSize])
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		_, _ = DecodeContext(cluster, nil, data) // must not panic without one either
		_, _ = ParseContext(cluster, nil, string(data))
		c, err := ParseContext(cluster, nil, sealedContext(data...))
		if err != nil {
			if !c.IsZero() {
				t.Fatalf("an error, and yet %+v", c)
			}
			return
		}
		again, err := ParseContext(cluster, nil, contextText(c))
		if err != nil {
			t.Fatalf("what was decoded does not decode again: %v", err)
		}
		if diff := cmp.Diff(c, again); diff != "" {
			t.Fatalf("decoded, encoded and decoded again (-first +second):\n%s", diff)
		}
	})
}

func BenchmarkParseAFullContext(b *testing.B) {
	text := contextText(session(MaxExact, 4, 25))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ParseContext(cluster, nil, text); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkTextOfAFullContext(b *testing.B) {
	c := session(MaxExact, 4, 25)
	text := AppendContextText(nil, cluster, nil, c)
	b.ReportAllocs()
	for b.Loop() {
		text = AppendContextText(text[:0], cluster, nil, c)
	}
}
