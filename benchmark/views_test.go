package benchmark

import (
	"io"
	"os"
	"strings"
	"testing"
)

// The nodes of this test take any view and do not replicate.
func TestAMemberThatJoinsWithoutTheDataIsFound(t *testing.T) {
	var out strings.Builder
	cfg := DefaultViews(&out)
	cfg.Binary, cfg.LogDir, cfg.Members, cfg.Keys, cfg.Rounds = os.Args[0], t.TempDir(), []int{2}, []int{3}, 1
	if _, err := Views(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), `"views/2" has 0 bytes at node 1, not 128`) {
		t.Errorf("err %v\n%s", err, out.String())
	}
}

func TestViewMeasurementsThatMakeNoSense(t *testing.T) {
	for want, spoil := range map[string]func(*ViewsConfig){
		"give numbers": func(c *ViewsConfig) { c.Members = nil },
		"members: 1":   func(c *ViewsConfig) { c.Members = []int{3, 1} },
		"keys: 0":      func(c *ViewsConfig) { c.Keys = []int{0} },
		"value size":   func(c *ViewsConfig) { c.ValueSize = 1 },
		"rounds: 0":    func(c *ViewsConfig) { c.Rounds = 0 },
		"no writer":    func(c *ViewsConfig) { c.Out = nil },
	} {
		cfg := DefaultViews(io.Discard)
		spoil(&cfg)
		if _, err := Views(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("err %v, want %q in it", err, want)
		}
	}
}
