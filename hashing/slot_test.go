package hashing

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares with a file in testdata. The hashes of keys and names must never
// change, because stored data would not be found. A difference is therefore a bug,
// unless a line was added.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s says something else now (-update writes it anew):\n%s", file, d)
	}
}

// TestHashIsXXHash64 compares the library with sums that the author of xxHash
// publishes.
func TestHashIsXXHash64(t *testing.T) {
	for key, want := range map[string]uint64{
		"":    0xef46db3751d8e999,
		"a":   0xd24ec4f1a98c6e5b,
		"abc": 0x44bc2cf5ad770999,
		"Nobody inspects the spammish repetition": 0xfbcea83c8a378bf1,
	} {
		if got := Hash(key); got != want {
			t.Errorf("%q hashes to %#x, want %#x", key, got, want)
		}
	}
}

func TestKeysStayInTheirSlots(t *testing.T) {
	var out strings.Builder
	out.WriteString("# hash and standard slot of a key\n")
	for _, key := range []string{
		"", "a", "b", "key1", "key2", "key10", "Key1", "x y", "ключ", "鍵", "\x00", "\xff\xfe",
		strings.Repeat("7", 8), strings.Repeat("31", 31), strings.Repeat("long ", 200),
	} {
		h := Hash(key)
		fmt.Fprintf(&out, "%016x %5d %.40q\n", h, Standard.Slot(h), key)
	}
	golden(t, "keys.txt", out.String())
}

func TestASlotIsTheTopBitsOfTheHash(t *testing.T) {
	for _, c := range []struct {
		space Space
		hash  uint64
		want  Slot
	}{
		{0, 1<<64 - 1, 0},
		{2, 1<<64 - 1, 3},
		{2, 0x7fff_ffff_ffff_ffff, 1},
		{Standard, 1<<64 - 1, 16_383},
		{Standard, 1 << 50, 1},
		{Standard, 1<<50 - 1, 0},
		{MaxSpace, 1<<64 - 1, 65_535},
	} {
		if got := c.space.Slot(c.hash); got != c.want || int(got) >= c.space.Slots() {
			t.Errorf("slot of %#x among %d is %d, want %d", c.hash, c.space.Slots(), got, c.want)
		}
	}
}

// TestScoresAreTheSameBitsOnEveryMachine shows all 64 bits. Two scores that differ
// only in the last bit may assign a slot to different shards.
func TestScoresAreTheSameBitsOnEveryMachine(t *testing.T) {
	var out strings.Builder
	out.WriteString("# slot, name: score of the first draw\n")
	for _, slot := range []Slot{0, 1, 16_383, 65_535} {
		for _, name := range []string{"", "s0", "s1", "осколок"} {
			fmt.Fprintf(&out, "%5d %q: %016x\n", slot, name, score(seed(name), salt(slot)))
		}
	}
	golden(t, "scores.txt", out.String())
}

// TestOwnersAreTheSameBitsOnEveryMachine pins the owners that follow from the
// scores (I20).
func TestOwnersAreTheSameBitsOnEveryMachine(t *testing.T) {
	var out bytes.Buffer
	out.WriteString("# names, weights, slots: hash of all owners' names, owners of the first slots\n")
	for _, c := range []struct {
		space  Space
		shards []Shard
	}{
		{2, named(2)},
		{2, named(3)},
		{4, named(5)},
		{Standard, named(1)},
		{Standard, named(2)},
		{Standard, named(3)},
		{Standard, named(24)},
		{Standard, []Shard{{Name: ""}, {Name: "shard A"}, {Name: "осколок"}}},
		{Standard, []Shard{{Name: "s0", Weight: 1}, {Name: "s1", Weight: 2}, {Name: "s2", Weight: 5}}},
		{MaxSpace, named(24)},
	} {
		r := New(c.space, c.shards)
		var owners []string
		for slot := range Slot(c.space.Slots()) {
			o, _ := r.Owner(slot)
			owners = append(owners, r.Name(o))
		}
		var names []string
		for _, s := range c.shards[:min(len(c.shards), 5)] {
			names = append(names, fmt.Sprintf("%q×%d", s.Name, max(s.Weight, 1)))
		}
		fmt.Fprintf(&out, "%s of %d, %d: %016x %q\n", strings.Join(names, " "), len(c.shards), c.space.Slots(),
			Hash(strings.Join(owners, "\n")), owners[:min(len(owners), 8)])
	}
	golden(t, "owners.txt", out.String())
}
