package session

import (
	"crypto/hmac"
	"crypto/sha256"
	"hash"
	"sync"
	"sync/atomic"

	"github.com/cohortkv/cohort/node/wire"
)

// seals seals the sessions of one cluster. It seals by the first key, and accepts
// the seals of all keys. The keys may be replaced while requests are served.
type seals struct {
	cluster string
	pools   atomic.Pointer[[]*sync.Pool] // of *seal, by key
}

// seal is the state that is needed to compute seals by one key.
type seal struct {
	hash hash.Hash // HMAC-SHA-256
	sum  [sha256.Size]byte
}

// newSealer returns the sealer for the sessions of a cluster; nil if there are no
// keys.
func newSealer(cluster string, keys [][]byte) wire.Sealer {
	if len(keys) == 0 {
		return nil
	}
	s := &seals{cluster: cluster}
	s.renew(keys)
	return s
}

// renew replaces the keys.
func (s *seals) renew(keys [][]byte) {
	var pools []*sync.Pool
	for _, key := range keys {
		own := hmac.New(sha256.New, key) // the cluster's name is part of the key, so a session of another cluster with the same secret is refused too
		own.Write([]byte(s.cluster))
		key := own.Sum(nil)
		pools = append(pools, &sync.Pool{New: func() any { return &seal{hash: hmac.New(sha256.New, key)} }})
	}
	s.pools.Store(&pools)
}

// Seal implements wire.Sealer.
func (s *seals) Seal(dst, covered []byte) []byte {
	pool := (*s.pools.Load())[0]
	m := pool.Get().(*seal)
	defer pool.Put(m)
	return append(dst, m.of(covered)...)
}

// Sealed implements wire.Sealer.
func (s *seals) Sealed(covered, sealed []byte) bool {
	for _, pool := range *s.pools.Load() {
		m := pool.Get().(*seal)
		same := hmac.Equal(m.of(covered), sealed)
		pool.Put(m)
		if same {
			return true
		}
	}
	return false
}

// of is the seal of the covered bytes. It is valid until of is called again.
func (m *seal) of(covered []byte) []byte {
	m.hash.Reset()
	m.hash.Write(covered)
	return m.hash.Sum(m.sum[:0])[:wire.SealSize]
}
