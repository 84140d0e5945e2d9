// Package access says who may do what over HTTP: it reads the certificates of the
// server, those of clients, and the file of tokens, and reads them again when they
// change (docs/security.md §4).
//
// A Guard may be asked by any goroutine. Only Run starts to look after the files,
// and returns when it is told to.
package access

import (
	"crypto/sha256"
	"strings"
)

// Right is what a party may be allowed to do.
type Right uint8

// The rights. None includes another.
const (
	Read  Right = iota // values, and lists of keys
	Write              // PUT and DELETE of keys
	Admin              // views, operations of nodes, profiles
)

// grant is one right, of a bucket or of both, for the keys below a prefix.
type grant struct {
	right  Right
	bucket string // empty: both
	prefix string
}

// Party is who sends a request.
type Party struct {
	Name   string
	grants []grant
	all    bool // may do everything
}

// May reports whether the party has the right for a key of a bucket. For Admin both
// are empty; for a list the key is the prefix that is listed.
func (p *Party) May(r Right, bucket, key string) bool {
	if p.all {
		return true
	}
	for i := range p.grants {
		g := &p.grants[i]
		if g.right == r && (g.bucket == "" || g.bucket == bucket) && strings.HasPrefix(key, g.prefix) {
			return true
		}
	}
	return false
}

// Tokens are the parties of a file. They never change.
type Tokens struct {
	byToken       map[[sha256.Size]byte]*Party
	byCertificate map[string]*Party // common name
}

// Token is the party that a token belongs to; nil: nobody's.
func (t *Tokens) Token(token []byte) *Party {
	if len(token) == 0 {
		return nil
	}
	return t.byToken[sha256.Sum256(token)]
}

// Certificate is the party that a verified certificate of this name belongs to; nil:
// nobody's.
func (t *Tokens) Certificate(name string) *Party { return t.byCertificate[name] }
