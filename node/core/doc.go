// Package core defines what goes into the Step of a protocol core and what comes out: inputs,
// writes, messages with addresses, replies, reads and events. An Outbox collects the output of
// one Step. It holds back each message that depends on a write until that write is durable
// (ARCHITECTURE.md, rule 1 for the code).
//
// The package has no protocol rules; these are in docs/views.md, docs/strong.md and
// docs/causal.md. The caller of a Step carries out its output and brings the results as
// inputs.
//
// All types are values that may be copied. Copies share slices. No slice is written to after
// it was handed over, unless a comment says otherwise.
package core
