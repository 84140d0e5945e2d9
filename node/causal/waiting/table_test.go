package waiting

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestATableIsAListOfRequestsByArrival compares a table with a list that is searched.
func TestATableIsAListOfRequestsByArrival(t *testing.T) {
	type waits struct {
		request int
		key     string
	}
	rapid.Check(t, func(t *rapid.T) {
		var table Table[int]
		var model []waits
		var noted []string
		for range rapid.IntRange(0, 60).Draw(t, "steps") {
			r, key := rapid.IntRange(0, 9).Draw(t, "request"), rapid.SampledFrom([]string{"", "a", "b", "c"}).Draw(t, "key")
			listed := slices.ContainsFunc(model, func(w waits) bool { return w.request == r })
			switch rapid.SampledFrom([]string{"add", "add", "remove", "note", "take"}).Draw(t, "step") {
			case "add":
				if table.Add(r, key) == listed {
					t.Fatalf("request %d is new: %t", r, !listed)
				}
				if !listed {
					model = append(model, waits{r, key})
				}
			case "remove":
				table.Remove(r)
				model = slices.DeleteFunc(model, func(w waits) bool { return w.request == r })
			case "note":
				table.Note(key)
				if len(model) > 0 {
					noted = append(noted, key)
				}
			case "take":
				var want []int
				for _, w := range model {
					if slices.Contains(noted, w.key) {
						want = append(want, w.request)
					}
				}
				if got := table.Noted(); !slices.Equal(got, want) {
					t.Fatalf("of the keys %q: %v, want %v", noted, got, want)
				}
				noted = nil
			}
			var all []int
			for _, w := range model {
				all = append(all, w.request)
			}
			if got := table.All(); !slices.Equal(got, all) || table.Len() != len(all) {
				t.Fatalf("%v of %d, want %v", got, table.Len(), all)
			}
			if table.Len() != len(table.at) || len(table.byKey) > len(model) {
				t.Fatalf("%d requests, and indexes of %d and %d", len(model), len(table.at), len(table.byKey))
			}
		}
	})
}
