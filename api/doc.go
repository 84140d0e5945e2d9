// Package api is cohort's HTTP surface as Go values: paths, header names, JSON
// bodies, limits, problem codes, and the table that says what an answer tells
// about the effect of a request. The server, the client, the benchmark's
// recorder and the checkers share it, so that none of them has its own opinion.
//
// It is pure: no goroutine, clock or connection, and nothing of cohort's is
// imported. All functions may be called by any goroutine. docs/views.md explains
// views, docs/strong.md what the strong model promises, docs/causal.md the causal one.
package api

// Limits of a request. Beyond them a request is refused before it has any
// effect.
const (
	MaxKey         = 1 << 10   // bytes of a key, unescaped; 414
	MaxValue       = 512 << 10 // bytes of a value; 413
	MaxContentType = 255       // bytes of the Content-Type kept with a value; 400
	MaxMembers     = 256       // nodes of a view; 400
	MaxPuts        = 64        // views that are being put at one node; 503
	MaxShardName   = 255       // bytes; 400
	MaxList        = 1000      // keys on one page of a list; 400
	DefaultList    = 100       // keys on one page when the request does not say
)

// MaxBody is the largest request body that is read: a value of MaxValue bytes
// each of which JSON wrote as \u00xx, and room for what is around it.
const MaxBody = 6*MaxValue + 64<<10
