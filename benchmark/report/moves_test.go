package report

import (
	"strings"
	"testing"
	"time"
)

func TestMovesAreOneTable(t *testing.T) {
	var out strings.Builder
	ms := time.Millisecond
	moves := []Move{
		{Step: "one becomes two", Keys: 1000, Moved: 500, Took: []time.Duration{20 * ms, 10 * ms, 40 * ms}, CPU: []time.Duration{5 * ms, 6 * ms, 7 * ms}},
		{Step: "nothing", Keys: 1000, Took: []time.Duration{3 * ms}, CPU: []time.Duration{0}, Repeated: 2},
	}
	if err := PrintMoves(&out, moves); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(out.String(), "\n")
	for i, want := range []string{
		"keys view rounds moved to the last 200 min…max keys/s server CPU repeated",
		"1000 one becomes two 3 500 20.0ms 10.0ms…40.0ms 25000 6.0ms 0",
		"1000 nothing 1 0 3.0ms 3.0ms…3.0ms - 0.0ms 2",
	} {
		if got := strings.Join(strings.Fields(lines[i]), " "); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}
