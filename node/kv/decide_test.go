package kv

import (
	"testing"

	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

func TestDecideReturnsTheEffectOfAWrite(t *testing.T) {
	stamp := ids.Stamp{Ballot: ids.Ballot{View: ids.View{Number: 3}, Round: 1}, Index: 9}
	present := wire.Meta{Exists: true, Version: wire.Version{MsgNum: 4, Fingerprint: 77}}
	absent := wire.Meta{}
	own := wire.Version{MsgNum: 10, Fingerprint: Fingerprint(stamp)}
	cases := []struct {
		name   string
		op     wire.Op
		cur    wire.Meta
		status wire.Status
		exists bool
	}{
		{"put of a new key", wire.Op{Kind: wire.OpPut}, absent, wire.Created, true},
		{"put over a value", wire.Op{Kind: wire.OpPut}, present, wire.Replaced, true},
		{"delete of a value", wire.Op{Kind: wire.OpDelete}, present, wire.Deleted, false},
		{"delete of nothing", wire.Op{Kind: wire.OpDelete}, absent, wire.Absent, false},
		{"create only, new", wire.Op{Kind: wire.OpPut, Condition: wire.IfAbsent}, absent, wire.Created, true},
		{"create only, there", wire.Op{Kind: wire.OpPut, Condition: wire.IfAbsent}, present, wire.PreconditionFailed, true},
		{"replace only, new", wire.Op{Kind: wire.OpPut, Condition: wire.IfPresent}, absent, wire.PreconditionFailed, false},
		{"replace only, there", wire.Op{Kind: wire.OpPut, Condition: wire.IfPresent}, present, wire.Replaced, true},
		{"right version", wire.Op{Kind: wire.OpPut, Condition: wire.IfVersion, Match: present.Version}, present, wire.Replaced, true},
		{"wrong number", wire.Op{Kind: wire.OpPut, Condition: wire.IfVersion, Match: wire.Version{MsgNum: 5, Fingerprint: 77}}, present, wire.PreconditionFailed, true},
		{"same number of another group", wire.Op{Kind: wire.OpDelete, Condition: wire.IfVersion, Match: wire.Version{MsgNum: 4, Fingerprint: 78}}, present, wire.PreconditionFailed, true},
		{"a version of nothing", wire.Op{Kind: wire.OpDelete, Condition: wire.IfVersion}, absent, wire.PreconditionFailed, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			res, after := Decide(&c.op, c.cur, 10, stamp)
			if res.Status != c.status || after.Exists != c.exists || res.MsgNum != 10 {
				t.Fatalf("got %+v, then %+v; want status %d, exists %t, number 10", res, after, c.status, c.exists)
			}
			if TakesNumber(res.Status) == (c.status == wire.PreconditionFailed) {
				t.Fatal("a failed condition takes no number, everything else does")
			}
			if c.status == wire.PreconditionFailed && after != c.cur {
				t.Fatalf("a failed condition changed %+v to %+v", c.cur, after)
			}
			if (c.status == wire.Created || c.status == wire.Replaced) && after.Version != own {
				t.Fatalf("version %+v, want %+v", after.Version, own)
			}
		})
	}
}

func TestFingerprintTellsGroupsApart(t *testing.T) {
	a := ids.Stamp{Ballot: ids.Ballot{View: ids.View{Number: 2, Author: 0, Boot: 5}, Round: 1, Boot: 5}, Index: 1}
	seen := map[uint32]bool{Fingerprint(a): true}
	for _, change := range []func(*ids.Stamp){
		func(s *ids.Stamp) { s.Ballot.View.Number++ }, func(s *ids.Stamp) { s.Ballot.View.Author++ },
		func(s *ids.Stamp) { s.Ballot.View.Boot++ }, func(s *ids.Stamp) { s.Ballot.Round++ },
		func(s *ids.Stamp) { s.Ballot.Boot++ }, func(s *ids.Stamp) { s.Index++ },
	} {
		b := a
		change(&b)
		if seen[Fingerprint(b)] {
			t.Fatalf("%+v has the fingerprint of another stamp", b)
		}
		seen[Fingerprint(b)] = true
	}
}
