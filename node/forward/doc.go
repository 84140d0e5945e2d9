// Package forward recognises forwarded requests (docs/forwarding.md). Open is the side of
// the forwarder: it numbers requests and knows the lowest number that is not finished.
// Table is the side of a receiver: it keeps results from there on, so that no request is
// carried out twice.
//
// Both are plain values without goroutines, clocks or locks. Their owner calls them from one
// goroutine at a time.
package forward
