// Package core is what goes into the Step of a protocol core and what comes out: inputs,
// writes, messages with their addresses, replies, reads and events. An Outbox collects the
// output of one Step, and holds back what depends on a write until that write is durable.
// It has no protocol rules; these are in docs/views.md, docs/strong.md and docs/causal.md.
//
// Everything here is a value that may be copied. Slices are shared, and never written to
// after they were handed over, unless a comment says otherwise.
package core
