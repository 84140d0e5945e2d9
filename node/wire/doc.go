// Package wire is what nodes say to each other: views, operations, entries, one struct a
// message, and the codec. It has no protocol rules; these are in docs/views.md,
// docs/strong.md and docs/causal.md.
//
// Everything here is a value that may be copied. Slices inside messages are
// shared, never written to after they were handed over. Keys are any non-empty
// byte string, kept in a Go string.
package wire
