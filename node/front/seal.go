package front

import (
	"crypto/hmac"
	"crypto/sha256"
	"hash"
	"sync"
	"sync/atomic"

	"github.com/cohortkv/cohort/node/wire"
)

// seals are those of a cluster: made by the first key, good by any. Keys may be
// replaced while requests are served.
type seals struct {
	cluster string
	pools   atomic.Pointer[[]*sync.Pool] // of *seal, by key
}

// seal is the state that it takes to make seals by one key.
type seal struct {
	hash hash.Hash // HMAC-SHA-256
	sum  [sha256.Size]byte
}

// newSealer returns who seals the sessions of a cluster; nil: it has no keys.
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
		own := hmac.New(sha256.New, key) // a session of another cluster with this secret is foreign, too
		own.Write([]byte(s.cluster))
		key := own.Sum(nil)
		pools = append(pools, &sync.Pool{New: func() any { return &seal{hash: hmac.New(sha256.New, key)} }})
	}
	s.pools.Store(&pools)
}

// RenewSessionKeys replaces Config.SessionKeys, of a server that was given some, by
// others. Any goroutine may call it.
func (s *Server) RenewSessionKeys(keys [][]byte) {
	if seals, ok := s.sealer.(*seals); ok && len(keys) > 0 {
		seals.renew(keys)
	}
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

// of is the seal of what is covered, until the next one.
func (m *seal) of(covered []byte) []byte {
	m.hash.Reset()
	m.hash.Write(covered)
	return m.hash.Sum(m.sum[:0])[:wire.SealSize]
}
