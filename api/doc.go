// Package api is cohort's HTTP surface as Go values: paths, header names, JSON
// bodies, limits and problem codes. It also has the table that says what an answer
// tells about the effect of a request. The server, the client, the benchmark's
// recorder and the checkers share the package, so they always agree.
//
// The package is pure: it has no goroutine, clock or connection, and imports
// nothing of cohort's. All functions may be called by any goroutine. docs/views.md
// explains views, docs/strong.md the strong model, docs/causal.md the causal one.
package api

// Limits of a request. A request beyond them is refused before it has any effect.
const (
	MaxKey         = 1 << 10   // bytes of a key, unescaped; 414
	MaxValue       = 512 << 10 // bytes of a value; 413
	MaxContentType = 255       // bytes of the Content-Type kept with a value; 400
	MaxMembers     = 256       // members of a view; 400
	MaxPuts        = 64        // views that are being put at one node at a time; 503
	MaxShardName   = 255       // bytes of a shard's name; 400
	MaxList        = 1000      // keys on one page of a list; 400
	DefaultList    = 100       // keys on one page if the request does not say
)

// MaxBody is the size of the largest request body that is read, in bytes: a value
// of MaxValue bytes, each written by JSON as \u00xx, and the JSON around it.
const MaxBody = 6*MaxValue + 64<<10
