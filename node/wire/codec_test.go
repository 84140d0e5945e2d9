package wire

import (
	"bytes"
	"encoding/binary"
	"go/ast"
	"go/parser"
	"go/token"
	"hash/crc32"
	"math"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/cohortkv/cohort/node/ids"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// seal ends version, kind, header and body with their checksum.
func seal(b []byte) []byte {
	return binary.LittleEndian.AppendUint32(bytes.Clone(b), crc32.Checksum(b, castagnoli))
}

func unseal(b []byte) []byte { return b[:len(b)-checksumSize] }

type fataler interface {
	Helper()
	Fatalf(string, ...any)
}

// checkRoundTrip also writes over the payload, which the bus uses again.
func checkRoundTrip(t fataler, h Header, m Message) {
	t.Helper()
	payload := AppendMessage(nil, h, m)
	gotHeader, got, err := DecodeMessage(payload)
	if err != nil {
		t.Fatalf("decode what was encoded: %v", err)
	}
	for i := range payload {
		payload[i] = 0xff
	}
	if diff := cmp.Diff(h, gotHeader); diff != "" {
		t.Fatalf("header (-sent +received):\n%s", diff)
	}
	if diff := cmp.Diff(m, got); diff != "" {
		t.Fatalf("message (-sent +received):\n%s", diff)
	}
}

func TestEveryFieldOfEveryMessageArrives(t *testing.T) {
	for _, k := range Kinds() {
		t.Run(k.String(), func(t *testing.T) {
			src := &counting{}
			checkRoundTrip(t, filledHeader(src), filled(src, k))
			checkRoundTrip(t, Header{}, zeroMessage(k))
		})
	}
}

// zeroMessage is empty but for keys, and enumerators without a valid zero.
func zeroMessage(k Kind) Message {
	m := NewMessage(k)
	switch m := m.(type) {
	case *Fetch:
		m.Part = FetchHead
	case *Chunk:
		m.Part = FetchHead
	case *PullReply:
		m.Fate = FateLost
	case *KeyRequest:
		m.Key = "k"
	case *KeyReply:
		m.Key = "k"
	case *CausalForward:
		m.Op = Op{Kind: OpPut, Key: "k"}
	case *CausalForwardReply:
		m.Fate = ForwardDone
	}
	return m
}

func TestAnyMessageArrivesAsItWasSent(t *testing.T) {
	for _, k := range Kinds() {
		t.Run(k.String(), rapid.MakeCheck(func(t *rapid.T) {
			checkRoundTrip(t, filledHeader(drawn{t}), filled(drawn{t}, k))
		}))
	}
}

func TestMoreDistinctValuesThanTheCodecRemembersArrive(t *testing.T) {
	const distinct = 3*recentSlots + 1
	m := &Prepare{}
	for i := range uint64(4 * distinct) {
		b := ids.Ballot{View: ids.View{Number: i % distinct, Boot: 7}, Round: i % distinct}
		m.Entries = append(m.Entries, Entry{
			Stamp:  ids.Stamp{Ballot: b, Index: i},
			ID:     ids.Request{Node: ids.Node(i % distinct), Boot: ids.Boot(i % (distinct - 1)), Counter: i},
			Op:     Op{Kind: OpPut, Key: "k", ContentType: strings.Repeat("t", int(i%distinct))},
			Result: Result{Status: Created, MsgNum: -i},
		})
	}
	checkRoundTrip(t, Header{}, m)
}

func TestAppendMessageKeepsWhatIsThere(t *testing.T) {
	h, m := Header{From: 3}, &Ack{Index: 9}
	alone := AppendMessage(nil, h, m)
	behind := AppendMessage([]byte("before"), h, m)
	if want := append([]byte("before"), alone...); !bytes.Equal(behind, want) {
		t.Errorf("got %x, want %x", behind, want)
	}
}

func TestAValueFromTheDecoderEndsWhereItEnds(t *testing.T) {
	src := &counting{}
	_, m, err := DecodeMessage(AppendMessage(nil, filledHeader(src), filled(src, KindPrepare)))
	if err != nil {
		t.Fatal(err)
	}
	op := m.(*Prepare).Entries[0].Op
	behind := strings.Clone(op.ContentType) // in its own memory: the other might change under it
	_ = append(op.Value, "12345678"...)
	if op.ContentType != behind {
		t.Errorf("an append to a value wrote into what is behind it: %q, was %q", op.ContentType, behind)
	}
}

// The race detector sees a description that sets a field while it writes.
func TestAMessageMayBeEncodedByTwoAtOnce(t *testing.T) {
	for _, k := range Kinds() {
		src := &counting{}
		h, m := filledHeader(src), filled(src, k)
		var two sync.WaitGroup
		for range 2 {
			two.Go(func() { AppendMessage(nil, h, m) })
		}
		two.Wait()
	}
}

// Lists of the shortest elements fill a message to its end, so that a bound that is too large
// for one of them refuses it.
func TestListsOfTheShortestElementsArrive(t *testing.T) {
	for _, k := range Kinds() {
		t.Run(k.String(), func(t *testing.T) {
			m := filled(shortest{}, k)
			fields := reflect.ValueOf(m).Elem()
			for i := range fields.NumField() {
				alone := reflect.ValueOf(zeroMessage(k)).Elem()
				alone.Field(i).Set(fields.Field(i))
				checkRoundTrip(t, Header{}, alone.Addr().Interface().(Message))
			}
		})
	}
}

func TestAMessageOfAnotherPackageIsABug(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic for a message that has no encoding")
		}
	}()
	AppendMessage(nil, Header{}, foreign{})
}

type foreign struct{}

func (foreign) Kind() Kind { return KindAck }

// The sources are the only complete list of what there is to encode.
func TestTheCodecKnowsEveryMessageAndEnumerator(t *testing.T) {
	declared := map[string]int{}
	methods := 0
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range file.Decls {
			switch decl := decl.(type) {
			case *ast.GenDecl:
				countConstants(declared, decl)
			case *ast.FuncDecl:
				if decl.Name.Name == "Kind" && !strings.HasSuffix(name, "_test.go") {
					methods++
				}
			}
		}
	}
	for typ, limits := range enumerators {
		if want := int(limits[1] - limits[0] + 1); declared[typ.Name()] != want {
			t.Errorf("%d constants of %v are declared, the codec knows %d", declared[typ.Name()], typ, want)
		}
	}
	if got := len(Kinds()); got != declared["Kind"] || got != methods {
		t.Errorf("%d kinds and %d messages are declared, the codec knows %d", declared["Kind"], methods, got)
	}
	for _, k := range Kinds() {
		if m := NewMessage(k); m.Kind() != k || kindTable[k].name == "" {
			t.Errorf("kind %d makes a %T and is named %q", k, m, k)
		}
	}
}

// countConstants adds the constants of an iota block under its type.
func countConstants(declared map[string]int, decl *ast.GenDecl) {
	if decl.Tok != token.CONST {
		return
	}
	if typ, ok := decl.Specs[0].(*ast.ValueSpec).Type.(*ast.Ident); ok {
		declared[typ.Name] += len(decl.Specs)
	}
}

// Each bound of the decoder must accept its last enumerator, which enumerators
// says again; that both name the same one is seen here.
func TestEveryEnumeratorArrives(t *testing.T) {
	for s := Created; s <= Unknown; s++ {
		checkRoundTrip(t, Header{}, &ForwardReply{Answers: []Answer{{Result: Result{Status: s}}}})
	}
	for c := Always; c <= IfVersion; c++ {
		for k := OpPut; k <= OpDelete; k++ {
			checkRoundTrip(t, Header{}, &Forward{Ops: []ForwardedOp{{Op: Op{Kind: k, Key: "k", Condition: c}}}})
		}
	}
	for f := ForwardDone; f <= ForwardFinished; f++ {
		checkRoundTrip(t, Header{}, &CausalForwardReply{Fate: f})
	}
	for p := FetchHead; p <= FetchEntries; p++ {
		checkRoundTrip(t, Header{}, &Fetch{Part: p})
	}
}

func TestSizesBoundWhatIsEncoded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		chunk := filled(drawn{t}, KindChunk).(*Chunk)
		items := filled(drawn{t}, KindItems).(*Items)
		checkBound(t, items, &items.Items, ItemSize)
		checkBound(t, chunk, &chunk.Records, RecordSize)
		for i := range items.Items {
			if sum, described := ItemSize(items.Items[i]), itemBound(&items.Items[i]); sum != described {
				t.Fatalf("the bound of %+v is %d, and %d by its description", items.Items[i], sum, described)
			}
		}
	})
	checkBoundsOfTheLongest(t)
}

// No number, id or string here is short, and nothing repeats.
func checkBoundsOfTheLongest(t *testing.T) {
	const far = 1 << 63 // no distance takes more bytes
	ballot := ids.Ballot{View: ids.View{Number: math.MaxUint64, Author: math.MaxUint64, Boot: 1}, Round: math.MaxUint64, Boot: 2}
	version := Version{MsgNum: far, Fingerprint: 3}
	text := func(c string) string { return strings.Repeat(c, 1<<15) }
	chunk := &Chunk{Records: []Record{{
		Key:         text("k"),
		Value:       []byte(text("v")),
		ContentType: text("t"),
		Stamp:       ids.Stamp{Ballot: ballot, Index: far},
		Version:     version,
	}}}
	checkBound(t, chunk, &chunk.Records, RecordSize)
	checkBoundOfTheLongestItem(t)
}

// checkBound compares the encoding with the one without the list.
func checkBound[T any](t fataler, m Message, list *[]T, size func(T) int) {
	t.Helper()
	whole := len(AppendMessage(nil, Header{}, m))
	bound := 0
	for _, element := range *list {
		bound += size(element)
	}
	*list = nil
	if added := whole - len(AppendMessage(nil, Header{}, m)); added > bound {
		t.Fatalf("%v: the list adds %d bytes, bound %d", reflect.TypeOf(m), added, bound)
	}
}
