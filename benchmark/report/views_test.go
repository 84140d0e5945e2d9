package report

import (
	"strings"
	"testing"
	"time"
)

func TestAViewIsOneLine(t *testing.T) {
	var out strings.Builder
	took := []time.Duration{30 * time.Millisecond, 10 * time.Millisecond, 2 * time.Second}
	err := PrintViewPuts(&out, []ViewPut{
		{Step: "first view", Members: 3, Keys: 10, Took: took[:1], CPU: took[:1]},
		{Step: "it joins", Members: 3, Keys: 10, Took: took, CPU: took[:2], Repeated: 1},
	})
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	for i, want := range []string{
		"members keys view rounds to the last 200 min…max server CPU repeated",
		"3 10 first view 1 30.0ms 30.0ms…30.0ms 30.0ms 0",
		"3 10 it joins 3 30.0ms 10.0ms…2.00s 30.0ms 1",
	} {
		if got := strings.Join(strings.Fields(lines[i]), " "); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}
