package kv

import (
	"reflect"
	"testing"

	"github.com/cohortkv/cohort/node/wire"
)

func TestASumCoversAllThatAnEntryHas(t *testing.T) {
	e := wire.Entry{Op: wire.Op{Kind: wire.OpPut, Key: "k", Value: []byte("v"), ContentType: "t"}}
	sums := map[uint64]string{Sum(0, &e): "unchanged", Sum(1, &e): "after another one"}
	change := func(name string, do func(*wire.Entry)) {
		x := e
		do(&x)
		if was, again := sums[Sum(0, &x)]; again {
			t.Errorf("%s has the sum of %s", name, was)
		}
		sums[Sum(0, &x)] = name
	}
	change("index", func(e *wire.Entry) { e.Stamp.Index++ })
	change("mark", func(e *wire.Entry) { e.LowestOpen++ })
	change("value", func(e *wire.Entry) { e.Op.Value = []byte("w") })
	change("value moved into the type", func(e *wire.Entry) { e.Op.ContentType, e.Op.Value = "tv", nil })
	change("type moved into the key", func(e *wire.Entry) { e.Op.Key, e.Op.ContentType = "kt", "" })
	change("kind", func(e *wire.Entry) { e.Op.Kind = wire.OpDelete })
	for _, of := range []string{"ID", "Result"} {
		for i := range reflect.ValueOf(e).FieldByName(of).NumField() {
			change(of, func(e *wire.Entry) {
				f := reflect.ValueOf(e).Elem().FieldByName(of).Field(i)
				for f.Kind() == reflect.Struct {
					f = f.Field(f.NumField() - 1)
				}
				f.SetUint(f.Uint() + 77)
			})
		}
	}
}

func BenchmarkSum(b *testing.B) {
	e := wire.Entry{Op: wire.Op{Kind: wire.OpPut, Key: "a key of 16 byte", Value: make([]byte, 100)}}
	sum := uint64(0)
	b.ReportAllocs()
	for b.Loop() {
		sum = Sum(sum, &e)
	}
}
