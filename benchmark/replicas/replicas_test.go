package replicas

import (
	"strings"
	"testing"

	"github.com/cohortkv/cohort/benchmark/history"
)

func TestReplicasOfAShardAreCompared(t *testing.T) {
	items := func(pairs ...string) map[string]string {
		m := map[string]string{}
		for i := 0; i < len(pairs); i += 2 {
			m[pairs[i]] = pairs[i+1]
		}
		return m
	}
	tests := []struct {
		name string
		all  []Replica
		want string
	}{
		{"nothing", nil, ""},
		{"equal", []Replica{{0, 0, items("a", "1")}, {1, 0, items("a", "1")}, {2, 1, items("b", "2")}}, ""},
		{"another value", []Replica{{0, 0, items("a", "1")}, {1, 0, items("a", "2")}}, `key "a" is "1" at node 0 and "2" (there: true) at node 1`},
		{"one lacks a key", []Replica{{0, 0, items("a", "1")}, {1, 0, nil}}, `key "a" is "1" at node 0 and "" (there: false) at node 1`},
		{"the first lacks a key", []Replica{{0, 0, nil}, {1, 0, items("a", "1")}}, `key "a" is missing at node 0 and "1" at node 1`},
		{"two shards have a key", []Replica{{0, 0, items("a", "1")}, {1, 1, items("a", "1")}}, `key "a" is in two shards, at nodes 0 and 1`},
	}
	for _, test := range tests {
		if got := strings.Join(Disagreements(test.all), "; "); got != test.want {
			t.Errorf("%s: got %s, want %s", test.name, got, test.want)
		}
	}
}

func TestTheItemsOfReplicasAreRecorded(t *testing.T) {
	all := []Replica{{7, 0, map[string]string{"a": "x"}}, {8, 0, nil}, {9, 1, map[string]string{"b": "y"}}}
	ops := Held(all, []string{"a", "b", "c"}, func(text string) history.Value { return history.Value(text[0]) }, 5)
	var got []string
	for _, o := range ops {
		got = append(got, o.Key+":"+string(rune('0'+o.Num))+":"+string(rune(o.Value)))
	}
	want := "a:7:x a:8:\x00 b:9:y c:7:\x00 c:8:\x00 c:9:\x00"
	if strings.Join(got, " ") != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
