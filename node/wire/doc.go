// Package wire is the vocabulary of a cohort node: views, operations, entries,
// one struct a message, and what goes into and comes out of a core's
// Step. It holds data and the codec, no rules; the rules are in docs/views.md
// and docs/strong.md.
//
// Everything here is a value that may be copied. Slices inside messages are
// shared, never written to after they were handed over. Keys are any non-empty
// byte string, kept in a Go string.
package wire
