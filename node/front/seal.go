package front

import (
	"crypto/hmac"
	"crypto/sha256"
	"hash"
	"sync"

	"github.com/cohortkv/cohort/node/wire"
)

// seals are those of a cluster: made by the first key, good by any.
type seals struct {
	pools []*sync.Pool // of *seal, by key
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
	s := &seals{}
	for _, key := range keys {
		own := hmac.New(sha256.New, key) // a session of another cluster with this secret is foreign, too
		own.Write([]byte(cluster))
		key := own.Sum(nil)
		s.pools = append(s.pools, &sync.Pool{New: func() any { return &seal{hash: hmac.New(sha256.New, key)} }})
	}
	return s
}

// Seal implements wire.Sealer.
func (s *seals) Seal(dst, covered []byte) []byte {
	m := s.pools[0].Get().(*seal)
	defer s.pools[0].Put(m)
	return append(dst, m.of(covered)...)
}

// Sealed implements wire.Sealer.
func (s *seals) Sealed(covered, sealed []byte) bool {
	for _, pool := range s.pools {
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
