// Package access decides which client may send which request over HTTP. It reads
// the server's certificate, the authorities of clients' certificates, and the file
// of tokens. It reads these files again when they change (docs/security.md §4).
//
// Any goroutine may use a Guard. Only Run watches the files, and returns when it is
// told to.
package access

import (
	"crypto/sha256"
	"strings"
)

// Right is one kind of permission.
type Right uint8

// The rights. No right includes another.
const (
	Read  Right = iota // values, and lists of keys
	Write              // PUT and DELETE of keys
	Admin              // views, operations of nodes, profiles
)

// grant is one right for the keys with a prefix, in one bucket or in both.
type grant struct {
	right  Right
	bucket string // empty: both
	prefix string
}

// Party is an identified client. It never changes.
type Party struct {
	Name   string // in the log, and in refusals
	grants []grant
	all    bool // has every right
}

// May reports whether the party has the right for a key of a bucket. For Admin,
// bucket and key are empty. For a list, the key is the prefix that is listed.
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

// Tokens are the parties in one version of the file of tokens. They never change.
type Tokens struct {
	byToken       map[[sha256.Size]byte]*Party
	byCertificate map[string]*Party // by common name
}

// Token is the party with this token; nil if there is none.
func (t *Tokens) Token(token []byte) *Party {
	if len(token) == 0 {
		return nil
	}
	return t.byToken[sha256.Sum256(token)]
}

// Certificate is the party of a verified certificate with this common name; nil if
// there is none.
func (t *Tokens) Certificate(name string) *Party { return t.byCertificate[name] }
