// Package session reads and writes the sessions of clients: the text of a wire.Context,
// with a seal if the cluster has a secret, and with a checksum otherwise
// (docs/causal.md §2.1). Any goroutine may use a Codec.
package session

import (
	"unsafe"

	"github.com/cohortkv/cohort/node/wire"
)

// Codec reads and writes the sessions of one cluster.
type Codec struct {
	cluster string
	sealer  wire.Sealer // nil: the cluster has no secret
}

// New returns a codec. It seals by the first key, and accepts the seals of all keys.
// Without keys, a session has a checksum only.
func New(cluster string, keys [][]byte) *Codec {
	return &Codec{cluster: cluster, sealer: newSealer(cluster, keys)}
}

// Renew replaces the keys. It does nothing if there are no new keys, or if the codec
// was made without.
func (c *Codec) Renew(keys [][]byte) {
	if seals, ok := c.sealer.(*seals); ok && len(keys) > 0 {
		seals.renew(keys)
	}
}

// Parse reads a session. It does not keep the text. An empty text is the session of a
// client that has seen nothing.
func (c *Codec) Parse(text []byte) (wire.Context, error) {
	if len(text) == 0 {
		return wire.Context{}, nil
	}
	return wire.ParseContext(c.cluster, c.sealer, unsafe.String(unsafe.SliceData(text), len(text)))
}

// Append appends the text of a session; Parse reads that text.
func (c *Codec) Append(dst []byte, seen wire.Context) []byte {
	return wire.AppendContextText(dst, c.cluster, c.sealer, seen)
}
