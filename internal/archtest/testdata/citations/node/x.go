// Package node follows docs/a.md §1.2 and b.md §3, as
// RFC 9110 §5.3 does, and x.go.
package node

const path = "docs/nowhere.md §9" // in a string

// T is of §1. want: of which document
type T int

// U is of docs/b.md,
// §4. want: docs/b.md has no
type U int

// V is of DESIGN §2. want: is no document
type V int

// W is in y.go. want: no file is called y.go
type W int
