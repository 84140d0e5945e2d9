package bare

import (
	"hash/maphash"
	"sync"
	"sync/atomic"

	"github.com/cohortkv/cohort/api"
)

// shards is the number of pieces, each with its own lock. With so many, two cores
// practically never wait for the same lock.
const shards = 256

// store is a map in pieces, with one sequence of write numbers for all pieces.
//
// A write draws its number while it holds the lock of its key's piece, so within a
// piece, numbers follow the order of writes. A read holds the lock while it reads
// the sequence. It therefore sees every write to the piece with a lower number, and
// none with a higher one.
type store struct {
	seed maphash.Seed
	last atomic.Uint64 // number of the last write
	part [shards]part
}

type part struct {
	sync.RWMutex
	records map[string]record
}

type record struct {
	value       []byte // never written to again: answers share it
	contentType string
	num         uint64
}

func newStore() *store {
	s := &store{seed: maphash.MakeSeed()}
	for i := range s.part {
		s.part[i].records = map[string]record{}
	}
	return s
}

func (s *store) of(key []byte) *part { return &s.part[maphash.Bytes(s.seed, key)%shards] }

// put copies key and value, which belong to the request, in one allocation. existed
// is whether the key had a value before.
func (s *store) put(raw, value []byte, contentType string) (num uint64, existed bool, err error) {
	buf, err := api.AppendKey(make([]byte, 0, len(raw)+len(value)), raw)
	if err != nil {
		return 0, false, err
	}
	n := len(buf)
	buf = append(buf, value...)
	p := s.of(buf[:n])
	p.Lock()
	defer p.Unlock()
	_, existed = p.records[string(buf[:n])]
	num = s.last.Add(1)
	p.records[string(buf[:n])] = record{value: buf[n:len(buf):len(buf)], contentType: contentType, num: num}
	return num, existed, nil
}

func (s *store) remove(raw []byte) (num uint64, existed bool, err error) {
	key, err := api.AppendKey(make([]byte, 0, len(raw)), raw)
	if err != nil {
		return 0, false, err
	}
	p := s.of(key)
	p.Lock()
	defer p.Unlock()
	_, existed = p.records[string(key)]
	delete(p.records, string(key))
	return s.last.Add(1), existed, nil
}

// get returns the record, and the number of the next write at the same moment.
func (s *store) get(raw []byte) (r record, next uint64, found bool, err error) {
	key, err := api.AppendKey(make([]byte, 0, len(raw)), raw)
	if err != nil {
		return record{}, 0, false, err
	}
	p := s.of(key)
	p.RLock()
	defer p.RUnlock()
	r, found = p.records[string(key)]
	return r, s.last.Load() + 1, found, nil
}
