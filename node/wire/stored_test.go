package wire

import (
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// checkStored also writes over the bytes, which their caller uses again, and tries every part.
func checkStored[T any](t *rapid.T, encode func([]byte, *T) []byte, decode func([]byte) (T, error)) {
	var v T
	fill(drawn{t}, "", reflect.ValueOf(&v).Elem())
	b := encode(nil, &v)
	for n := range b {
		if _, err := decode(b[:n:n]); err == nil {
			t.Fatalf("%d of %d bytes are enough", n, len(b))
		}
	}
	if _, err := decode(append(b, 0)); err == nil {
		t.Fatal("a byte more is not noticed")
	}
	got, err := decode(b)
	if err != nil {
		t.Fatal(err)
	}
	for i := range b {
		b[i] = 0xff
	}
	if diff := cmp.Diff(v, got); diff != "" {
		t.Fatalf("-encoded +decoded:\n%s", diff)
	}
}

func TestRecordsAndItemsAreStoredByThemselves(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) { checkStored(t, AppendRecord, DecodeRecord) })
	rapid.Check(t, func(t *rapid.T) { checkStored(t, AppendItem, DecodeItem) })
}
