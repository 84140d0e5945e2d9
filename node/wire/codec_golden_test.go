package wire

import (
	"bytes"
	"encoding/hex"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/cohortkv/cohort/node/ids"
	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files anew")

// A golden file that changes means that two builds do not understand each other:
// raise codecVersion.
func TestEncodingsAreTheGoldenOnes(t *testing.T) {
	for _, k := range Kinds() {
		t.Run(k.String(), func(t *testing.T) {
			h, m := golden(k)
			encoded := AppendMessage(nil, h, m)
			want := checkGolden(t, k.String(), encoded, annotate(h, m, encoded))
			gotHeader, got, err := DecodeMessage(want)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(h, gotHeader) + cmp.Diff(m, got); diff != "" {
				t.Errorf("decoded from the file (-sent +received):\n%s", diff)
			}
		})
	}
}

// checkGolden compares an encoding with that of the golden file, and returns the latter.
func checkGolden(t *testing.T, name string, encoded, file []byte) []byte {
	path := filepath.Join("testdata", "golden", strings.ReplaceAll(name, " ", "-")+".hex")
	if *update {
		if err := os.WriteFile(path, file, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want := readHex(t, path)
	if !bytes.Equal(encoded, want) {
		t.Errorf("encoding is\n%swant\n%s", hexLines(encoded), hexLines(want))
	}
	return want
}

// golden is the message of a golden file: filled by counting, but for a Prepare
// and a Batch as a cluster sends them, which show how little an entry and an item
// add, and for a CausalForward that is a write.
func golden(k Kind) (Header, Message) {
	switch k {
	case KindPrepare:
		return goldenPrepare()
	case KindBatch:
		return goldenBatch()
	}
	src := &counting{}
	h, m := filledHeader(src), filled(src, k)
	if forward, ok := m.(*CausalForward); ok {
		forward.Read, forward.Op = false, Op{Kind: OpPut, Key: "apple", Value: []byte("red"), ContentType: "text/plain"}
	}
	return h, m
}

// The boots of the nodes of golden messages.
const boot1, boot3 = 0x1111111111111111, 0x3333333333333333

func goldenPrepare() (Header, Message) {
	b := ids.Ballot{View: ids.View{Number: 4, Author: 2, Boot: 0x2222222222222222}, Round: 1, Boot: boot1}
	return Header{From: 1, Inc: 0xaaaaaaaaaaaaaaaa, Boot: boot1, View: b.View}, &Prepare{
		Ballot: b,
		First:  41,
		Commit: 40,
		Entries: []Entry{{
			Stamp:      ids.Stamp{Ballot: b, Index: 41},
			ID:         ids.Request{Node: 1, Boot: boot1, Counter: 1000},
			LowestOpen: 998,
			Op:         Op{Kind: OpPut, Key: "apple", Value: []byte("red"), ContentType: "text/plain"},
			Result:     Result{Status: Created, MsgNum: 81, Version: Version{MsgNum: 81, Fingerprint: 0xf1f1f1f1}},
		}, {
			Stamp:      ids.Stamp{Ballot: b, Index: 42},
			ID:         ids.Request{Node: 3, Boot: boot3, Counter: 77},
			LowestOpen: 77,
			Op:         Op{Kind: OpPut, Key: "apple", Value: []byte("green"), ContentType: "text/plain"},
			Result:     Result{Status: Replaced, MsgNum: 82, Version: Version{MsgNum: 82, Fingerprint: 0xf2f2f2f2}},
		}, {
			Stamp:      ids.Stamp{Ballot: b, Index: 43},
			ID:         ids.Request{Node: 1, Boot: boot1, Counter: 1001},
			LowestOpen: 998,
			Op:         Op{Kind: OpDelete, Key: "apple"},
			Result:     Result{Status: Deleted, MsgNum: 83},
		}},
	}
}

// goldenBatch is of a client that wrote apple, then pear.
func goldenBatch() (Header, Message) {
	view := ids.View{Number: 4, Author: 2, Boot: 0x2222222222222222}
	mine, other := Stream{View: view, Node: 1, Boot: boot1}, Stream{View: view, Node: 3, Boot: boot3}
	plum := Dependency{Hash: 0xaaaaaaaaaaaaaaaa, Version: CausalVersion{Counter: 1, Dot: Dot{Stream: other, N: 7}}}
	apple := Dependency{Hash: 0xbbbbbbbbbbbbbbbb, Version: CausalVersion{Counter: 3, Dot: Dot{Stream: mine, N: 41}}}
	return Header{From: 1, Inc: 0xaaaaaaaaaaaaaaaa, Boot: boot1, View: view}, &Batch{
		View:  view,
		First: 41,
		Items: []Item{{
			Key:         "apple",
			Version:     apple.Version,
			Value:       []byte("red"),
			ContentType: "text/plain",
			Deps:        Context{Exact: []Dependency{plum}, Vector: Vector{{Stream: other, N: 6}}, Ceil: 2},
		}, {
			Key:         "pear",
			Version:     CausalVersion{Counter: 1, Dot: Dot{Stream: mine, N: 42}},
			Value:       []byte("green"),
			ContentType: "text/plain",
			Deps:        Context{Exact: []Dependency{plum, apple}, Vector: Vector{{Stream: other, N: 6}}, Ceil: 2},
			ID:          ids.Request{Node: 3, Boot: boot3, Counter: 77},
		}},
	}
}

// annotate writes an encoding as hex with what it stands for.
func annotate(h Header, m Message, encoded []byte) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "# %v, written by go test ./node/wire -run Golden -update\n", m.Kind())
	fmt.Fprintf(&b, "# Header: %+v\n", h)
	body := reflect.ValueOf(m).Elem()
	for i := range body.NumField() {
		describe(&b, body.Type().Field(i).Name, body.Field(i))
	}
	var c codec
	h.fields(&c)
	bodyAt, sumAt := 2+len(c.buf), len(encoded)-checksumSize
	fmt.Fprintf(&b, "\n# version and kind\n%s", hexLines(encoded[:2]))
	fmt.Fprintf(&b, "\n# header\n%s", hexLines(encoded[2:bodyAt]))
	fmt.Fprintf(&b, "\n# body\n%s", hexLines(encoded[bodyAt:sumAt]))
	fmt.Fprintf(&b, "\n# checksum\n%s", hexLines(encoded[sumAt:]))
	return []byte(b.String())
}

// describe shows a field, a list with a line for each element.
func describe(b *strings.Builder, name string, v reflect.Value) {
	if v.Kind() != reflect.Slice {
		fmt.Fprintf(b, "# %s: %+v\n", name, v)
		return
	}
	for i := range v.Len() {
		fmt.Fprintf(b, "# %s[%d]: %+v\n", name, i, v.Index(i))
	}
}

// hexLines shows 16 bytes a line, and as text what is text.
func hexLines(data []byte) string {
	var b strings.Builder
	for line := range slices.Chunk(data, 16) {
		text := slices.Clone(line)
		for i, c := range text {
			if c < ' ' || c > '~' {
				text[i] = '.'
			}
		}
		fmt.Fprintf(&b, "%-48s# %s\n", fmt.Sprintf("% x", line), text)
	}
	return b.String()
}

func readHex(t *testing.T, path string) []byte {
	t.Helper()
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var digits strings.Builder
	for line := range strings.Lines(string(file)) {
		line, _, _ = strings.Cut(line, "#")
		digits.WriteString(strings.Join(strings.Fields(line), ""))
	}
	data, err := hex.DecodeString(digits.String())
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return data
}
