package wire

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func writeKindsTested(t *testing.T, test func(t *testing.T, k WriteKind)) {
	for k := WriteMeta; k <= WriteCausal; k++ {
		t.Run(fmt.Sprintf("kind %d", k), func(t *testing.T) { test(t, k) })
	}
}

// filledWrite returns a write of a kind with every field that the kind has given by src.
func filledWrite(src source, k WriteKind) Write {
	w := Write{Kind: k}
	for _, name := range fieldsOfWrites[k] {
		v := reflect.ValueOf(&w).Elem().FieldByName(name)
		if v.Kind() == reflect.Pointer { // the pointers of a kind are never nil
			v.Set(reflect.New(v.Type().Elem()))
			v = v.Elem()
		}
		fill(src, name, v)
	}
	if !w.Fresh {
		w.Ledger = Ledger{}
	}
	return w
}

// fieldsOfWrites says again which kinds have which fields.
var fieldsOfWrites = map[WriteKind][]string{
	WriteMeta:         {"Meta"},
	WriteAppend:       {"Ballot", "Entries"},
	WriteStageHead:    {"Ballot"},
	WriteStageRecords: {"Ballot", "Records"},
	WriteStaged:       {"Ballot", "Entries", "Ledger", "Fresh", "Base", "Under", "Bound", "Members"},
	WriteSwap:         {"Ballot", "Ledger", "Fresh"},
	WriteStageDrop:    {"Ballot"},
	WriteCausal:       {"Causal"},
}

// checkLogRecord also writes over the record, which its caller uses again.
func checkLogRecord(t fataler, writes ...Write) {
	t.Helper()
	record := AppendLogRecord(nil, writes)
	got, err := DecodeLogRecord(record)
	if err != nil {
		t.Fatalf("decode what was encoded: %v", err)
	}
	for i := range record {
		record[i] = 0xff
	}
	for i := range writes {
		writes[i].Seq = 0 // a log record does not have it
	}
	if diff := cmp.Diff(writes, got); diff != "" {
		t.Fatalf("writes (-written +read):\n%s", diff)
	}
}

func TestEveryFieldOfEveryWriteIsInTheLog(t *testing.T) {
	for i := range reflect.TypeFor[Write]().NumField() {
		name := reflect.TypeFor[Write]().Field(i).Name
		inSome := name == "Seq" || name == "Kind"
		for _, fields := range fieldsOfWrites {
			inSome = inSome || slices.Contains(fields, name)
		}
		if !inSome {
			t.Errorf("no kind of write has %s", name)
		}
	}
	writeKindsTested(t, func(t *testing.T, k WriteKind) {
		w := filledWrite(&counting{}, k)
		w.Seq = 9
		checkLogRecord(t, w)
	})
}

func TestAnyLogRecordIsReadAsItWasWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var writes []Write
		for range rapid.IntRange(0, 4).Draw(t, "writes") {
			k := WriteKind(rapid.Uint8Range(uint8(WriteMeta), uint8(WriteCausal)).Draw(t, "kind"))
			writes = append(writes, filledWrite(drawn{t}, k))
		}
		checkLogRecord(t, writes...)
	})
}

func TestListsOfTheShortestElementsAreInALogRecord(t *testing.T) {
	writeKindsTested(t, func(t *testing.T, k WriteKind) {
		checkLogRecord(t, filledWrite(shortest{}, k))
		checkLogRecord(t, slices.Repeat([]Write{{Kind: WriteStageDrop}}, 20)...)
	})
	all := filledWrite(shortest{}, WriteCausal).Causal
	for i := range reflect.ValueOf(all).Elem().NumField() {
		alone := new(CausalWrite)
		reflect.ValueOf(alone).Elem().Field(i).Set(reflect.ValueOf(all).Elem().Field(i))
		checkLogRecord(t, Write{Kind: WriteCausal, Causal: alone})
	}
}

// A log of one build is read by later ones: a golden file that changes needs another version.
func TestLogRecordsAreTheGoldenOnes(t *testing.T) {
	writeKindsTested(t, func(t *testing.T, k WriteKind) {
		written := []Write{filledWrite(&counting{}, k)}
		record := AppendLogRecord(nil, written)
		name := fmt.Sprintf("log-record-%d", k)
		got, err := DecodeLogRecord(checkGolden(t, name, record, annotateWrite(name, &written[0], record)))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(written, got); diff != "" {
			t.Errorf("decoded from the file (-written +read):\n%s", diff)
		}
	})
}

// annotateWrite writes a log record as hex with what it stands for.
func annotateWrite(name string, w *Write, record []byte) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s, written by go test ./node/wire -run Golden -update\n", name)
	for _, field := range fieldsOfWrites[w.Kind] {
		v := reflect.ValueOf(w).Elem().FieldByName(field)
		if v.Kind() != reflect.Pointer {
			describe(&b, field, v)
			continue
		}
		for i := range v.Elem().NumField() {
			describe(&b, field+"."+v.Elem().Type().Field(i).Name, reflect.Indirect(v.Elem().Field(i)))
		}
	}
	fmt.Fprintf(&b, "\n# version, number of writes, and the write\n%s", hexLines(record))
	return []byte(b.String())
}

func TestACutOrForeignLogRecordIsRefused(t *testing.T) {
	writeKindsTested(t, func(t *testing.T, k WriteKind) {
		record := AppendLogRecord(nil, []Write{filledWrite(&counting{}, k)})
		for n := range record {
			if _, err := DecodeLogRecord(record[:n]); err == nil {
				t.Errorf("%d of %d bytes decode", n, len(record))
			}
		}
	})
	for _, c := range []struct {
		name   string
		record []byte
		want   string
	}{
		{"nothing", nil, "empty"},
		{"another version", []byte{logRecordVersion + 1, 0}, "version 2, this build reads 1"},
		{"bytes behind the end", []byte{logRecordVersion, 0, 0}, "1 bytes more than the log record has"},
		{"kind 0", []byte{logRecordVersion, 1, 0, 0}, "unknown kind of write 0"},
		{"a later kind", []byte{logRecordVersion, 1, 9, 0}, "unknown kind of write 9"},
		{"more writes than there are bytes", []byte{logRecordVersion, 100, 1}, "100 writes cannot be in the 1 bytes"},
		{"a dropped key that is empty", AppendLogRecord(nil, []Write{{Kind: WriteCausal, Causal: &CausalWrite{Drop: []string{""}}}}), "empty key"},
	} {
		writes, err := DecodeLogRecord(c.record)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %+v, error %v, want one with %q", c.name, writes, err, c.want)
		}
	}
}

func TestAppendLogRecordKeepsWhatIsThere(t *testing.T) {
	writes := []Write{filledWrite(&counting{}, WriteAppend)}
	alone := AppendLogRecord(nil, writes)
	if got := AppendLogRecord([]byte("before"), writes); !bytes.Equal(got, append([]byte("before"), alone...)) {
		t.Errorf("got %x", got)
	}
}

func FuzzDecodeLogRecord(f *testing.F) {
	for k := WriteMeta; k <= WriteCausal; k++ {
		f.Add(AppendLogRecord(nil, []Write{filledWrite(&counting{}, k)}))
		f.Add(AppendLogRecord(nil, []Write{{Kind: k, Meta: new(NodeMeta), Causal: new(CausalWrite)}}))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		writes, err := DecodeLogRecord(data)
		if err != nil {
			return
		}
		again, err := DecodeLogRecord(AppendLogRecord(nil, writes))
		if err != nil {
			t.Fatalf("what was decoded does not decode again: %v", err)
		}
		if diff := cmp.Diff(writes, again); diff != "" {
			t.Fatalf("decoded, encoded and decoded again (-first +second):\n%s", diff)
		}
	})
}

func TestEncodingALogRecordAllocatesNothing(t *testing.T) {
	dst := make([]byte, 0, 1<<20)
	for k := WriteMeta; k <= WriteCausal; k++ {
		writes := []Write{filledWrite(&counting{}, k), filledWrite(&counting{}, k)}
		if n := testing.AllocsPerRun(100, func() { AppendLogRecord(dst, writes) }); n != 0 {
			t.Errorf("kind %d: %v allocations", k, n)
		}
	}
}

// append64x128 is what a member writes for the Prepare of 64 clients.
func append64x128() []Write {
	_, m := prepare64x128()
	return []Write{{Kind: WriteAppend, Ballot: m.Ballot, Entries: m.Entries}}
}

func BenchmarkAppendLogRecord64x128(b *testing.B) { benchmarkAppendLogRecord(b, append64x128()) }

func BenchmarkAppendLogRecordCausal(b *testing.B) {
	_, m := goldenBatch()
	items := m.(*Batch).Items
	live := Vector{{Stream: items[0].Version.Dot.Stream, N: 42}}
	benchmarkAppendLogRecord(b, []Write{{Kind: WriteCausal, Causal: &CausalWrite{Put: items, Live: live}}})
}

func benchmarkAppendLogRecord(b *testing.B, writes []Write) {
	dst := AppendLogRecord(nil, writes)
	b.SetBytes(int64(len(dst)))
	b.ReportAllocs()
	for b.Loop() {
		dst = AppendLogRecord(dst[:0], writes)
	}
}

func BenchmarkDecodeLogRecord64x128(b *testing.B) {
	record := AppendLogRecord(nil, append64x128())
	b.SetBytes(int64(len(record)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := DecodeLogRecord(record); err != nil {
			b.Fatal(err)
		}
	}
}
