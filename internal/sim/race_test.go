//go:build race

package sim

// raced says that the race detector is on: then hours take too long to simulate.
const raced = true
