package main

import (
	"fmt"
	"strings"
	"testing"
)

func TestANodeThatIsFullRefusesWritesAndTakesDeletions(t *testing.T) {
	clearEnvironment(t)
	address, bus := freeAddress(t), freeAddress(t)
	served(t, "--id", "0", "--http", address, "--bus", bus, "--max-bytes", "32KiB")
	to := "http://" + address
	if o := cohort(t, "view", "set", "0="+address+",bus="+bus, "--to", to); o.status != 0 {
		t.Fatal(o)
	}
	value := strings.Repeat("x", 1000)
	for _, bucket := range []string{"causal", "strong"} {
		put := func(i int) outcome {
			return cohort(t, "kv", "put", fmt.Sprint("k", i), value, "--bucket", bucket, "--to", to)
		}
		most := 0
		for ; put(most).status == 0; most++ {
			if most == 32 {
				t.Fatal("32 KiB hold 32 values of 1000 bytes and their keys")
			}
		}
		o := put(most)
		t.Logf("%s: %d values of 1000 bytes: %s", bucket, most, o.err)
		if !strings.Contains(o.err, "507") || !strings.Contains(o.err, "32768") || !strings.Contains(o.err, "nothing was written") {
			t.Errorf("beyond the bound: %+v", o)
		}
		if most < 10 && bucket == "causal" {
			t.Errorf("only %d values fit", most)
		}
		for i := range most {
			if o := cohort(t, "kv", "del", fmt.Sprint("k", i), "--bucket", bucket, "--to", to); o.status != 0 {
				t.Errorf("a deletion: %+v", o)
			}
		}
		if o := put(0); o.status != 0 {
			t.Errorf("after deletions: %+v", o)
		}
	}
}

func TestSizesHaveUnits(t *testing.T) {
	for text, want := range map[string]byteSize{"0": 0, "17": 17, "64KiB": 64 << 10, "256 MiB": 256 << 20, "4GiB": 4 << 30, "1TiB": 1 << 40} {
		var got byteSize
		if err := got.UnmarshalText([]byte(text)); err != nil || got != want {
			t.Errorf("%s: %d, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "x", "-1", "1MB", "MiB", "9999999TiB"} {
		var got byteSize
		if err := got.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is %d", text, got)
		}
	}
}
