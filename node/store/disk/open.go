package disk

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/store"
	"github.com/cohortkv/cohort/node/wal"
	"github.com/cohortkv/cohort/node/wire"
)

// Found is what a directory had when it was opened.
type Found struct {
	Recovered *core.Recovered // what the machine starts with; nil: the directory was empty, or the data was set aside
	Keys      int             // of strong buckets
	Items     int             // of causal buckets, with tombstones
	Records   int             // that were replayed from the log
	Took      time.Duration
	Aside     string // the directory into which data was set aside; empty: none was
	Why       error  // with Aside: why
}

// The directories of the log and of the state.
const (
	logName   = "log"
	stateName = "state"
)

// Sizes of the log. A segment takes its size on the disk when it is made, ahead of its use.
const (
	defaultCheckpointBytes = 64 << 20
	defaultSegmentBytes    = 16 << 20
)

// errLacking is why the data of a node is set aside whose last writes may be missing.
var errLacking = errors.New("the machine was restarted while the node ran with durability async: the last writes may be missing")

// Open opens the store in a directory, or begins one. The error is a *Damage if data is damaged
// that was durable.
func Open(cfg Config) (*Store, error) {
	start := time.Now()
	if cfg.FS == nil {
		cfg.FS = vfs.Default
	}
	if cfg.Checkpoint.Space == 0 {
		cfg.Checkpoint.Space = hashing.Standard
	}
	if cfg.maxWaiting == 0 {
		cfg.maxWaiting = defaultMaxWaiting
	}
	if cfg.segmentBytes == 0 {
		cfg.segmentBytes = defaultSegmentBytes
	}
	if cfg.memTableBytes == 0 {
		cfg.memTableBytes = defaultMemTableBytes
	}
	if cfg.CheckpointBytes <= 0 {
		cfg.CheckpointBytes = defaultCheckpointBytes
	}
	if err := makeDir(cfg.FS, cfg.Dir); err != nil {
		return nil, fmt.Errorf("make %s: %w", cfg.Dir, err)
	}
	held, err := lock(cfg.FS, cfg.Dir)
	if err != nil {
		return nil, err
	}
	s, err := begin(cfg)
	if damage := new(Damage); cfg.Aside && errors.As(err, &damage) {
		s, err = beginAgain(cfg, damage)
	}
	if err != nil {
		return nil, errors.Join(err, held.Close())
	}
	s.lock = held
	s.found.Took = time.Since(start)
	return s, nil
}

// makeDir makes a directory and those above it, so that no crash takes them away.
func makeDir(fs vfs.FS, dir string) error {
	if _, err := fs.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	above := fs.PathDir(dir)
	if err := makeDir(fs, above); err != nil {
		return err
	}
	return errors.Join(fs.MkdirAll(dir, 0o700), syncDir(fs, above))
}

// beginAgain sets damaged data aside, and begins without any.
func beginAgain(cfg Config, damage *Damage) (*Store, error) {
	f, err := readFormat(cfg.FS, cfg.Dir)
	if f == nil {
		f = &format{Incarnation: newIncarnation()} // FORMAT itself is damaged
	} else if err != nil {
		return nil, err
	}
	aside, err := setAside(cfg.FS, cfg.Dir, f)
	if err != nil {
		return nil, err
	}
	s, err := begin(cfg)
	if err == nil {
		s.found.Aside, s.found.Why = aside, damage
	}
	return s, err
}

// begin opens the store in a directory that is locked.
func begin(cfg Config) (*Store, error) {
	f, err := readFormat(cfg.FS, cfg.Dir)
	if err != nil {
		return nil, err
	}
	s := &Store{cfg: cfg, memory: store.NewMemory(), closing: make(chan struct{}), wake: make(chan struct{}, 1)}
	s.mu.room.L = &s.mu
	if f != nil {
		if err := f.check(&cfg); err != nil {
			return nil, err
		}
		if f.mayLack(cfg.BootID) {
			if s.found.Aside, err = setAside(cfg.FS, cfg.Dir, f); err != nil {
				return nil, err
			}
			s.found.Why, f = errLacking, nil
		}
	}
	if f == nil {
		f = &format{Version: formatVersion, Cluster: cfg.Cluster, Node: cfg.Node, Incarnation: newIncarnation(), Durability: cfg.Mode}
	}
	s.format = *f
	return s, s.open()
}

// check refuses the directory of another node.
func (f *format) check(cfg *Config) error {
	if f.Cluster != cfg.Cluster || f.Node != cfg.Node {
		return fmt.Errorf("%s has the data of node %d of cluster %q; this is node %d of cluster %q", cfg.Dir, f.Node, f.Cluster, cfg.Node, cfg.Cluster)
	}
	return nil
}

func newIncarnation() ids.Incarnation { return ids.Incarnation(max(rand.Uint64(), 1)) }

// open opens the log and the state. Until they are open, FORMAT says the weaker one of the last
// and the new durability: the log syncs what it finds.
func (s *Store) open() error {
	fs, dir, f := s.cfg.FS, s.cfg.Dir, &s.format
	begun := f.Begun
	if f.Process, f.Clean = thisProcess(s.cfg.BootID), false; s.cfg.Mode == Async {
		f.Durability = Async
	}
	if err := f.write(fs, dir); err != nil {
		return err
	}
	for _, name := range []string{logName, stateName} {
		if err := s.openDir(fs.PathJoin(dir, name), begun); err != nil {
			return err
		}
	}
	if err := syncDir(fs, dir); err != nil {
		return err
	}
	st, err := s.recover()
	if err != nil {
		return err
	}
	f.Begun, f.Durability = true, s.cfg.Mode
	if err := f.write(fs, dir); err != nil {
		return errors.Join(err, s.log.Close(), st.db.Close())
	}
	if !begun {
		s.found.Recovered = nil
	}
	a := &applier{Store: s, state: st}
	if s.found.Records > 0 { // the next start shall not replay them again
		a.since = s.cfg.CheckpointBytes
	}
	s.applier.Go(a.run)
	return nil
}

// openDir makes a directory. One that had been made must not be empty. One of a first start that
// did not get to its end is made anew.
func (s *Store) openDir(name string, begun bool) error {
	fs := s.cfg.FS
	if !begun {
		return errors.Join(fs.RemoveAll(name), fs.MkdirAll(name, 0o700))
	}
	if files, err := fs.List(name); err != nil || len(files) == 0 {
		return &Damage{fmt.Errorf("%s has no files", name)}
	}
	return nil
}

// recover opens the state, and replays the log behind its checkpoint.
func (s *Store) recover() (*state, error) {
	fs := s.cfg.FS
	st, err := openState(&s.cfg, fs.PathJoin(s.cfg.Dir, stateName), s.fail)
	if err != nil {
		return nil, err
	}
	s.log, err = wal.Open(wal.Config{
		FS: fs, Dir: fs.PathJoin(s.cfg.Dir, logName), SegmentBytes: s.cfg.segmentBytes, NoSync: s.cfg.Mode == Async, Durable: s.onDurable, Failed: s.fail, Took: s.syncs.took,
	}, st.last, func(at wal.Position, record []byte) error {
		s.found.Records++
		return st.replay(at, record)
	})
	if err != nil {
		return nil, errors.Join(damage(err), st.db.Close())
	}
	last := s.log.Last()
	s.mu.durable, s.mu.applied, s.mu.kept = last, last, st.kept
	s.log.Release(st.kept)
	rec, err := st.recovered(s.cfg.Checkpoint)
	if err == nil {
		err = st.load(s.memory, rec)
	}
	if err != nil {
		return nil, errors.Join(damage(err), s.log.Close(), st.db.Close())
	}
	rec.Causal.Items = s.memory.CausalSnapshot().Items([]wire.HashRange{{Last: math.MaxUint64}})
	live, tombstones := s.memory.CausalLen()
	s.found.Recovered, s.found.Keys, s.found.Items = rec, s.memory.Len(), live+tombstones
	return st, nil
}
