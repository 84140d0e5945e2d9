package causal

import (
	"testing"

	"github.com/cohortkv/cohort/benchmark/history"
)

func TestARecordedHistoryIsChecked(t *testing.T) {
	put := func(id, parent history.OpID, key string, value history.Value, at int64) history.Op {
		return history.Op{Client: 1, Kind: history.Put, Outcome: history.OK, Status: 200, Key: key, Value: value, Start: at, End: at + 1, ID: id, Parent: parent}
	}
	get := func(parent history.OpID, key string, value history.Value, at int64) history.Op {
		o := history.Op{Client: 2, Kind: history.Get, Outcome: history.OK, Status: 200, Key: key, Value: value, Start: at, End: at + 1, Parent: parent}
		if value == 0 {
			o.Status = 404
		}
		return o
	}
	list := func(id, parent history.OpID, at int64, items ...history.Op) []history.Op {
		all := []history.Op{{Client: 2, Kind: history.List, Outcome: history.OK, Status: 200, Start: at, End: at + 1, ID: id, Parent: parent}}
		for _, item := range items {
			item.Start, item.End, item.Part = at, at+1, id
			all = append(all, item)
		}
		return all
	}
	held := func(replica uint64, key string, value history.Value) history.Op {
		return history.Op{Kind: history.Held, Outcome: history.OK, Num: replica, Key: key, Value: value, Start: 99, End: 99}
	}
	listed := append([]history.Op{put(1, 0, "x", 1, 0), put(2, 1, "x", 2, 2)}, list(9, 0, 4, get(0, "x", 2, 0))...)
	tests := []struct {
		name string
		ops  []history.Op
		want Rule
	}{
		{"a session reads what it wrote", []history.Op{put(1, 0, "x", 1, 0), get(1, "x", 1, 2)}, ""},
		{"operations that take no time stand in order", []history.Op{get(1, "x", 1, 1), put(1, 0, "x", 1, 0)}, ""},
		{"a fresh client reads what is old", []history.Op{put(1, 0, "x", 1, 0), put(2, 1, "x", 2, 2), get(0, "x", 1, 4)}, ""},
		{"a session reads what it overwrote", []history.Op{put(1, 0, "x", 1, 0), put(2, 1, "x", 2, 2), get(2, "x", 1, 4)}, ReadYourWrites},
		{"a listing's context counts", append(listed, get(9, "x", 1, 6)), MonotonicReads},
		{"a listing's context is kept", append(listed, get(9, "x", 2, 6)), ""},
		{"replicas differ at the end", []history.Op{put(1, 0, "x", 1, 0), held(0, "x", 1), held(1, "x", 0)}, Divergence},
		{"a write is gone at the end", []history.Op{put(1, 0, "x", 1, 0), held(0, "x", 0), held(1, "x", 0)}, LostWrite},
		{"a write is there at the end", []history.Op{put(1, 0, "x", 1, 0), held(0, "x", 1), held(1, "x", 1)}, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			h, err := Recorded(test.ops)
			if err != nil {
				t.Fatal(err)
			}
			expect(t, Check(h), test.want, "")
		})
	}
}

func TestARecordThatContradictsItselfIsNotJudged(t *testing.T) {
	lost := []history.Op{{Kind: history.Get, Outcome: history.OK, Status: 404, Key: "x", Parent: 7}}
	if _, err := Recorded(lost); err == nil {
		t.Error("the context of an answer that nobody had was accepted")
	}
}
