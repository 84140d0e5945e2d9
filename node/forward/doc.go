// Package forward recognises forwarded writes that are repeated, so that no receiver carries
// one out twice (I11). docs/forwarding.md has the rules, and both models use them.
//
//   - Open is the side of the forwarder. It numbers requests, and knows the lowest open
//     counter, below which no request will be repeated.
//   - Table is the side of a receiver. It keeps the results from the lowest open counter on,
//     and refuses what is below. No clock takes part.
//
// The promise holds within the bounds of a Table. Beyond them a write is answered *unknown*,
// or, for a forwarder that was forgotten, may be carried out again (docs/forwarding.md §4).
// Both types are plain values without I/O. One goroutine at a time may use them.
package forward
