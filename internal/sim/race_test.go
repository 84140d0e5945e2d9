//go:build race

package sim

// raced reports that the race detector is on. Runs of hours are skipped then: they take too
// long.
const raced = true
