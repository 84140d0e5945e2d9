package machine

import (
	"testing"

	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// solo is the only member of its view, with a disk that makes writes durable at once.
type solo struct {
	m    *Machine
	done int // requests that may be answered
}

func newSolo(b *testing.B) *solo {
	s := &solo{m: New(Config{Inc: 1, Boot: 1, Now: wire.Second, Gate: GateStrong})}
	layout := wire.Layout{Shards: []wire.Shard{{Name: "0", Members: []wire.Member{{Address: "a:1"}}}}}
	s.step(&core.PutView{Token: 1, Layout: layout})
	if !s.m.strong.Serving() {
		b.Fatal("the node does not serve")
	}
	s.done = 0
	return s
}

func (s *solo) step(in core.Input) {
	out := s.m.Step(wire.Second, in)
	s.done += len(out.Replies) + len(out.Reads)
	var own []wire.Message
	for _, e := range out.Messages {
		own = append(own, e.Message)
	}
	if n := len(out.Writes); n > 0 {
		s.step(&core.Durable{Seq: out.Writes[n-1].Seq})
	}
	for _, m := range own {
		s.step(&core.Received{Header: s.m.Header(), Message: m})
	}
}

// BenchmarkStrongWrite is the work of a core for a write: order, log, commit, answer.
func BenchmarkStrongWrite(b *testing.B) {
	s, in := newSolo(b), core.Submit{Op: wire.Op{Kind: wire.OpPut, Key: "key", Value: make([]byte, 100)}}
	b.ReportAllocs()
	for b.Loop() {
		in.Token++
		s.step(&in)
	}
	if s.done != int(in.Token) {
		b.Fatalf("%d of %d writes are answered", s.done, in.Token)
	}
}

// BenchmarkStrongRead is the work of a core for a read.
func BenchmarkStrongRead(b *testing.B) {
	s, n := newSolo(b), ids.Token(0)
	b.ReportAllocs()
	for b.Loop() {
		n++
		s.step(&core.SubmitRead{Token: n})
	}
	if s.done != int(n) {
		b.Fatalf("%d of %d reads are answered", s.done, n)
	}
}
