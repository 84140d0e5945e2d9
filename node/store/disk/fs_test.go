package disk

import (
	"strings"
	"sync"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// gate holds back the syncs of files below some directories.
type gate struct {
	mu      sync.Mutex
	changed *sync.Cond
	shut    map[string]bool  // by directory
	fails   map[string]error // by directory: what syncs end with
}

func newGate() *gate {
	g := &gate{shut: map[string]bool{}, fails: map[string]error{}}
	g.changed = sync.NewCond(&g.mu)
	return g
}

func (g *gate) set(dir string, open bool) {
	g.mu.Lock()
	g.shut[dir] = !open
	g.mu.Unlock()
	g.changed.Broadcast()
}

func (g *gate) fail(dir string, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.fails[dir] = err
}

func (g *gate) wait(dir string) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	for g.shut[dir] {
		g.changed.Wait()
	}
	return g.fails[dir]
}

// gatedFS is a file system whose syncs go through a gate.
type gatedFS struct {
	vfs.FS
	gate *gate
}

type gatedFile struct {
	vfs.File
	gate *gate
	dir  string
}

func (g gatedFS) file(f vfs.File, name string) vfs.File {
	return gatedFile{f, g.gate, strings.Split(name, "/")[1]}
}

func (g gatedFS) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	f, err := g.FS.Create(name, c)
	return g.file(f, name), err
}

func (g gatedFS) ReuseForWrite(old, name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	f, err := g.FS.ReuseForWrite(old, name, c)
	return g.file(f, name), err
}

func (f gatedFile) Sync() error {
	if err := f.gate.wait(f.dir); err != nil {
		return err
	}
	return f.File.Sync()
}

func (f gatedFile) SyncData() error {
	if err := f.gate.wait(f.dir); err != nil {
		return err
	}
	return f.File.SyncData()
}

func (f gatedFile) SyncTo(to int64) (bool, error) {
	if err := f.gate.wait(f.dir); err != nil {
		return false, err
	}
	return f.File.SyncTo(to)
}

// cutFS is a file system that crashes at a sync: crashed is what is left.
type cutFS struct {
	vfs.FS
	mu      sync.Mutex
	left    int // syncs until the crash
	used    bool
	crashed *vfs.MemFS
}

func (c *cutFS) sync() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.left--; c.left == 0 {
		c.used, c.crashed = true, c.FS.(*vfs.MemFS).CrashClone(vfs.CrashCloneCfg{})
	}
}

type cutFile struct {
	vfs.File
	fs *cutFS
}

func (c *cutFS) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	f, err := c.FS.Create(name, category)
	return cutFile{f, c}, err
}

func (c *cutFS) OpenDir(name string) (vfs.File, error) {
	f, err := c.FS.OpenDir(name)
	return cutFile{f, c}, err
}

func (f cutFile) Sync() error {
	f.fs.sync()
	return f.File.Sync()
}

func (f cutFile) SyncData() error {
	f.fs.sync()
	return f.File.SyncData()
}
