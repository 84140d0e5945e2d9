package wire

// Instant is a reading of the driver's monotonic clock in nanoseconds. Cores
// subtract instants and never look at a clock themselves.
type Instant int64

// Microsecond, Millisecond and Second are durations to add to an Instant.
const (
	Microsecond Instant = 1_000
	Millisecond Instant = 1_000_000
	Second      Instant = 1_000_000_000
)
