package hashing

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// randomKeys draws keys of 8 to 40 bytes, and calls f with the slot of each.
func randomKeys(seed uint64, n int, f func(Slot)) {
	r := rand.New(rand.NewPCG(seed, 1))
	var b [40]byte
	for range n {
		key := b[:8+r.IntN(33)]
		for i := range key {
			key[i] = byte(r.Uint32())
		}
		f(Standard.Slot(Hash(string(key))))
	}
}

// furthest is the largest distance of a shard from the mean, as a fraction of the
// mean.
func furthest(keys []int) float64 {
	sum, off := 0, 0.0
	for _, k := range keys {
		sum += k
	}
	for _, k := range keys {
		off = max(off, math.Abs(float64(k*len(keys))/float64(sum)-1))
	}
	return off
}

// Slots are even, but keys fall into slots by chance. With 5,000 keys over four
// shards, chance alone makes a difference of 6 % in one of twenty cases.
func TestFiveThousandKeysSpreadWithinATenthOverUpToFourShards(t *testing.T) {
	for n := 2; n <= 4; n++ {
		var offs []float64
		for k := range uint64(*lists) {
			r, keys := New(Standard, shardsOf(randomNames(k, n))), make([]int, n)
			randomKeys(k, 5000, func(s Slot) {
				o, _ := r.Owner(s)
				keys[o]++
			})
			offs = append(offs, furthest(keys))
		}
		slices.Sort(offs)
		t.Logf("%d shards: the furthest is off by %.1f %% (median), %.1f %% (95 of 100), %.1f %% (worst of %d)", n,
			100*offs[len(offs)/2], 100*offs[len(offs)*95/100], 100*offs[len(offs)-1], len(offs))
		if worst := offs[len(offs)-1]; promised() && worst > 0.1 {
			t.Errorf("%d shards: the furthest is off by %.1f %%", n, 100*worst)
		}
	}
}

func TestAMillionKeysSpreadWithinTwoHundredths(t *testing.T) {
	bySlot := make([]int, Standard.Slots())
	randomKeys(7, 1e6, func(s Slot) { bySlot[s]++ })
	for _, n := range []int{2, 3, 4, 6, 8, 11} {
		r, keys := New(Standard, shardsOf(randomNames(7, n))), make([]int, n)
		for i := range n {
			for _, s := range r.Slots(i) {
				keys[i] += bySlot[s]
			}
		}
		t.Logf("%d shards: the furthest is off by %.2f %%", n, 100*furthest(keys))
		if off := furthest(keys); off > 0.02 {
			t.Errorf("%d shards: the furthest is off by %.2f %%", n, 100*off)
		}
	}
}

// TestTheEleventhShardMovesFewOfEightHundredKeys counts keys, not slots. Of 800
// keys over ten shards, the eleventh shard may take up to 1.5 times its part.
func TestTheEleventhShardMovesFewOfEightHundredKeys(t *testing.T) {
	worst := 0
	for k := range uint64(*lists) {
		names := randomNames(k, 11)
		moves := make([]bool, Standard.Slots())
		for _, m := range Between(New(Standard, shardsOf(names[:10])), New(Standard, shardsOf(names))) {
			for _, s := range m.Slots {
				moves[s] = true
			}
		}
		moved := 0
		randomKeys(k, 800, func(s Slot) {
			if moves[s] {
				moved++
			}
		})
		worst = max(worst, moved)
	}
	t.Logf("at most %d keys of 800 move; 800/11 is %d", worst, 800/11)
	if promised() && worst > 109 {
		t.Errorf("%d keys of 800 move, more than 1.5/11", worst)
	}
}

const letters = "a b …" // of which there are 26

// spellings are names of keys that people commonly use when they try a store.
var spellings = [...]struct {
	name string
	key  func(i int) string
}{
	{letters, func(i int) string { return string(rune('a' + i)) }},
	{"0 1 …", func(i int) string { return fmt.Sprint(i) }},
	{"key0 key1 …", func(i int) string { return fmt.Sprint("key", i) }},
	{"key1 key2 …", func(i int) string { return fmt.Sprint("key", i+1) }},
	{"key-0 key-1 …", func(i int) string { return fmt.Sprint("key-", i) }},
	{"key_1 key_2 …", func(i int) string { return fmt.Sprint("key_", i+1) }},
	{"k0 k1 …", func(i int) string { return fmt.Sprint("k", i) }},
	{"x1 x2 …", func(i int) string { return fmt.Sprint("x", i+1) }},
	{"test0 test1 …", func(i int) string { return fmt.Sprint("test", i) }},
	{"user:1 user:2 …", func(i int) string { return fmt.Sprint("user:", i+1) }},
	{"proxy0 proxy1 …", func(i int) string { return fmt.Sprint("proxy", i) }},
	{"proxy1 proxy2 …", func(i int) string { return fmt.Sprint("proxy", i+1) }},
	{"proxy-0 proxy-1 …", func(i int) string { return fmt.Sprint("proxy-", i) }},
}

var shardSpellings = []struct {
	name  string
	shard func(i int) string
}{
	{"shard1 shard2 …", func(i int) string { return fmt.Sprint("shard", i+1) }},
	{"shard0 shard1 …", func(i int) string { return fmt.Sprint("shard", i) }},
	{"shard-1 shard-2 …", func(i int) string { return fmt.Sprint("shard-", i+1) }},
	{"shardA shardB …", func(i int) string { return "shard" + string(rune('A'+i)) }},
	{"Shard1 Shard2 …", func(i int) string { return fmt.Sprint("Shard", i+1) }},
	{"s0 s1 …", func(i int) string { return fmt.Sprint("s", i) }},
	{"s1 s2 …", func(i int) string { return fmt.Sprint("s", i+1) }},
	{"A B …", func(i int) string { return string(rune('A' + i)) }},
	{"a b …", func(i int) string { return string(rune('a' + i)) }},
	{"0 1 …", func(i int) string { return fmt.Sprint(i) }},
	{"1 2 …", func(i int) string { return fmt.Sprint(i + 1) }},
}

// TestFewKeysLandOnEveryShard places small sets of keys that people would try
// first. By chance, one of 150 sets of fifteen keys over three shards leaves a
// shard empty. The file therefore records a result that is partly luck.
func TestFewKeysLandOnEveryShard(t *testing.T) {
	sets := []struct{ keys, shards int }{{11, 2}, {15, 3}, {20, 2}, {40, 4}, {100, 3}}
	var out strings.Builder
	out.WriteString("# keys on each shard, by how shards and keys are called\n")
	for _, s := range shardSpellings {
		fmt.Fprintf(&out, "\nshards %s\n", s.name)
		var lines [len(spellings)]strings.Builder
		for _, set := range sets {
			r := New(Standard, spelled(set.shards, s.shard))
			for i, k := range spellings {
				if k.name == letters && set.keys > 26 {
					continue
				}
				counts := assignKeys(r, set.keys, k.key)
				fmt.Fprintf(&lines[i], "  %d/%d: %-12s", set.keys, set.shards, strings.Trim(fmt.Sprint(counts), "[]"))
				if slices.Contains(counts, 0) {
					t.Errorf("a shard of %s has none of %d keys %s: %v", s.name, set.keys, k.name, counts)
				}
			}
		}
		for i, k := range spellings {
			fmt.Fprintf(&out, "  %-17s%s\n", k.name, strings.TrimRight(lines[i].String(), " "))
		}
	}
	golden(t, "few.txt", out.String())
}

func spelled(n int, name func(int) string) []Shard {
	shards := make([]Shard, n)
	for i := range shards {
		shards[i].Name = name(i)
	}
	return shards
}

func assignKeys(r *Ring, n int, key func(int) string) []int {
	counts := make([]int, r.Len())
	for i := range n {
		o, _ := r.Owner(Standard.Slot(Hash(key(i))))
		counts[o]++
	}
	return counts
}
