package wire

import (
	"bytes"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func filledCheckpoint(src source) *Checkpoint {
	p := new(Checkpoint)
	fill(src, "", reflect.ValueOf(p).Elem())
	for i := range p.History.Staged {
		if s := &p.History.Staged[i]; !s.Fresh {
			s.Ledger = Ledger{}
		}
	}
	return p
}

// checkCheckpoint also writes over the data, which its caller uses again.
func checkCheckpoint(t fataler, p *Checkpoint) {
	t.Helper()
	data := AppendCheckpoint(nil, p)
	got, err := DecodeCheckpoint(data)
	if err != nil {
		t.Fatalf("decode what was encoded: %v", err)
	}
	for i := range data {
		data[i] = 0xff
	}
	if diff := cmp.Diff(p, got); diff != "" {
		t.Fatalf("checkpoint (-written +read):\n%s", diff)
	}
}

func TestACheckpointIsReadAsItWasWritten(t *testing.T) {
	checkCheckpoint(t, new(Checkpoint))
	checkCheckpoint(t, filledCheckpoint(&counting{}))
	checkCheckpoint(t, filledCheckpoint(shortest{}))
	rapid.Check(t, func(t *rapid.T) { checkCheckpoint(t, filledCheckpoint(drawn{t})) })
}

// A database of one build is read by later ones: a golden file that changes needs another version.
func TestTheCheckpointIsTheGoldenOne(t *testing.T) {
	p := filledCheckpoint(&counting{})
	data := AppendCheckpoint(nil, p)
	var file strings.Builder
	fmt.Fprintf(&file, "# checkpoint, written by go test ./node/wire -run Golden -update\n")
	for _, part := range []any{&p.Meta, &p.Areas, &p.History, &p.Causal} {
		v := reflect.ValueOf(part).Elem()
		for i := range v.NumField() {
			describe(&file, v.Type().Name()+"."+v.Type().Field(i).Name, v.Field(i))
		}
	}
	fmt.Fprintf(&file, "\n# version and checkpoint\n%s", hexLines(data))
	got, err := DecodeCheckpoint(checkGolden(t, "checkpoint", data, []byte(file.String())))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(p, got); diff != "" {
		t.Errorf("decoded from the file (-written +read):\n%s", diff)
	}
}

func TestACutOrForeignCheckpointIsRefused(t *testing.T) {
	data := AppendCheckpoint(nil, filledCheckpoint(&counting{}))
	for n := range data {
		if _, err := DecodeCheckpoint(data[:n]); err == nil {
			t.Errorf("%d of %d bytes decode", n, len(data))
		}
	}
	for _, c := range []struct {
		name string
		data []byte
		want string
	}{
		{"nothing", nil, "empty"},
		{"another version", []byte{checkpointVersion + 1}, "version 2, this build reads 1"},
		{"bytes behind the end", append(data, 0), "1 bytes more than the checkpoint has"},
	} {
		if p, err := DecodeCheckpoint(c.data); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %+v, error %v, want one with %q", c.name, p, err, c.want)
		}
	}
}

func FuzzDecodeCheckpoint(f *testing.F) {
	f.Add(AppendCheckpoint(nil, new(Checkpoint)))
	f.Add(AppendCheckpoint(nil, filledCheckpoint(&counting{})))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := DecodeCheckpoint(data)
		if err != nil {
			return
		}
		data = AppendCheckpoint(nil, p)
		again, err := DecodeCheckpoint(data)
		if err != nil {
			t.Fatalf("what was decoded does not decode again: %v", err)
		}
		if !bytes.Equal(AppendCheckpoint(nil, again), data) {
			t.Fatalf("decoded, encoded and decoded again (-first +second):\n%s", cmp.Diff(p, again))
		}
	})
}
