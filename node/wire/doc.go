// Package wire is what nodes say to each other and what they keep: views, operations, entries,
// one struct a message, durable writes, and the codec. It has no protocol rules; these are in
// docs/views.md, docs/strong.md, docs/causal.md and docs/durability.md.
//
// Everything here is a value that may be copied. Slices inside messages are
// shared, never written to after they were handed over. Keys are any non-empty
// byte string, kept in a Go string.
//
// Each type has its description for the codec beside it, the method fields (codec). A new
// field is one line there. A new message is a struct with that method and Kind, a row in the
// table of kinds, and a case beside it (kind.go). Both change what nodes say, so codecVersion
// grows with them. A change of what a log record has makes logRecordVersion grow.
package wire
