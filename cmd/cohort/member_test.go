package main

import (
	"strconv"
	"testing"
)

// Members of a view as they stand on the command line.
func FuzzMembersOnTheCommandLine(f *testing.F) {
	for _, text := range []string{"0=127.0.0.1:8081", "eu/1=node1:8081,bus=node1:9081", "a/b/2=[::1]:80", "=", "0=h:1,bus="} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var m memberArg
		if m.parse(text) != nil {
			return
		}
		written := strconv.FormatUint(m.member.ID, 10) + "=" + m.member.Address
		if m.shard != "" {
			written = m.shard + "/" + written
		}
		if m.member.Bus != "" {
			written += ",bus=" + m.member.Bus
		}
		var again memberArg
		if err := again.parse(written); err != nil || again != m {
			t.Fatalf("%q is %+v, written as %q, which is %+v: %v", text, m, written, again, err)
		}
	})
}
