package disk

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"pgregory.net/rapid"

	"github.com/cohortkv/cohort/node/wal"
	"github.com/cohortkv/cohort/node/wire"
)

// put is a write of a large item.
func put(key string) wire.Write {
	return wire.Write{Kind: wire.WriteCausal, Causal: &wire.CausalWrite{Put: []wire.Item{{Key: key, Value: make([]byte, 200)}}}}
}

// TestTheLogIsReleasedWhenPebbleHasFlushed holds back the flush of a checkpoint that covers many
// segments of the log. Then the power fails.
func TestTheLogIsReleasedWhenPebbleHasFlushed(t *testing.T) {
	m := &model{fs: vfs.NewCrashableMem(), next: 1, keepState: true}
	m.mu.changed = sync.NewCond(&m.mu)
	m.cfg = func(cfg *Config) { cfg.CheckpointBytes, cfg.memTableBytes, cfg.maxWaiting = 20_000, 1<<20, 1<<20 }
	m.open(t)
	m.syncs.set("state", false)
	for i := range 200 {
		m.step(put(fmt.Sprint(i)))
		m.await(t)
		for range 10_000 { // until the next segments of the log are made
			if empty(t, m.fs) >= 2 {
				break
			}
			runtime.Gosched()
		}
	}
	for m.store.Stats().Applied < wal.Position(m.seq) {
		runtime.Gosched()
	}
	for range 1000 { // if segments are removed too early, then now
		runtime.Gosched()
	}
	before := segments(t, m.fs)
	crashed := m.fs.CrashClone(vfs.CrashCloneCfg{})
	m.syncs.set("state", true)
	for m.store.Stats().Checkpoint == 0 {
		runtime.Gosched()
	}
	m.close(t)
	if after := segments(t, m.fs); len(after) >= len(before) {
		t.Errorf("segments before the flush: %v, and after it: %v", before, after)
	}
	m.fs = crashed
	m.reopen(t, 200)
	m.close(t)
}

func segments(t *testing.T, fs vfs.FS) []string {
	t.Helper()
	names, err := fs.List("data/log")
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(names)
	return names
}

// empty is the number of segments without records.
func empty(t *testing.T, fs vfs.FS) (n int) {
	t.Helper()
	for _, name := range segments(t, fs) {
		if size(t, fs, "data/log/"+name) == 0 {
			n++
		}
	}
	return n
}

// begun is a file system with the data of a store that had some writes and ended in order.
func begun(t *testing.T) (*vfs.MemFS, *model) {
	m := newModel(t)
	for i := range 50 {
		m.step(put(fmt.Sprint(i)))
		m.await(t)
	}
	m.close(t)
	return m.fs, m
}

func TestADirectoryOfAnotherNodeIsRefused(t *testing.T) {
	fs, _ := begun(t)
	for _, change := range []func(*Config){
		func(c *Config) { c.Node = 2 },
		func(c *Config) { c.Cluster = "another" },
	} {
		cfg := testConfig(fs)
		change(&cfg)
		if _, err := Open(cfg); err == nil || !strings.Contains(err.Error(), `node 1 of cluster "c"`) {
			t.Errorf("%+v: %v", cfg, err)
		}
	}
}

func TestADirectoryWithOtherFilesIsRefused(t *testing.T) {
	fs := vfs.NewMem()
	write(t, fs, "data/letters.txt", "dear")
	if _, err := Open(testConfig(fs)); err == nil || !strings.Contains(err.Error(), "letters.txt") {
		t.Error(err)
	}
}

func TestADirectoryThatAProcessUsesIsRefused(t *testing.T) {
	m := newModel(t)
	if _, err := Open(testConfig(m.fs)); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("process %d", os.Getpid())) {
		t.Error(err)
	}
	m.close(t)
}

func TestALaterFormatIsRefused(t *testing.T) {
	fs, _ := begun(t)
	write(t, fs, "data/FORMAT", `{"version": 2}`)
	if _, err := Open(testConfig(fs)); err == nil || !strings.Contains(err.Error(), "version 2") {
		t.Error(err)
	}
}

// TestDamagedDataIsRefusedOrSetAside damages each file in turn.
func TestDamagedDataIsRefusedOrSetAside(t *testing.T) {
	fs, m := begun(t)
	incarnation := m.store.Incarnation()
	for _, name := range files(t, fs, "data") {
		part := fs.CrashClone(vfs.CrashCloneCfg{})
		if size(t, part, name) == 0 || strings.HasSuffix(name, "LOCK") || strings.Contains(name, "marker") {
			continue
		}
		write(t, part, name, "rubbish")
		s, err := Open(testConfig(part))
		if err == nil { // a file that nobody needs
			if live, _ := s.State().CausalLen(); live != 50 {
				t.Errorf("%s: %d items are left", name, live)
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
			continue
		}
		var damage *Damage
		if !errors.As(err, &damage) {
			t.Errorf("%s: %v", name, err)
		}
		cfg := testConfig(part)
		cfg.Aside = true
		if s, err = Open(cfg); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if live, _ := s.State().CausalLen(); live != 0 || s.Found().Recovered != nil || s.Incarnation() == incarnation || s.Found().Aside == "" {
			t.Errorf("%s: %d items, %+v", name, live, s.Found())
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestAMissingDirectoryIsDamage: an empty one must not look like a first start.
func TestAMissingDirectoryIsDamage(t *testing.T) {
	fs, _ := begun(t)
	for _, name := range []string{"data/log", "data/state"} {
		part := fs.CrashClone(vfs.CrashCloneCfg{})
		if err := part.RemoveAll(name); err != nil {
			t.Fatal(err)
		}
		var damage *Damage
		if _, err := Open(testConfig(part)); !errors.As(err, &damage) {
			t.Errorf("without %s: %v", name, err)
		}
	}
}

func TestAfterARestartOfTheMachineAsyncDataIsSetAsideUnlessItsEndWasClean(t *testing.T) {
	for _, c := range []struct {
		name   string
		mode   Mode // of the first process
		again  Mode // of the next one
		clean  bool // the end of the first one
		bootID string
		kept   bool
	}{
		{"fsync", Fsync, Fsync, false, "another", true},
		{"async, killed", Async, Async, false, "boot", true},
		{"async, power cut", Async, Async, false, "another", false},
		{"async, power cut, then fsync", Async, Fsync, false, "another", false},
		{"async, clean", Async, Async, true, "another", true},
		{"async, unknown machine", Async, Async, false, "", false},
	} {
		m := &model{fs: vfs.NewMem(), next: 1}
		m.mu.changed = sync.NewCond(&m.mu)
		m.cfg = func(cfg *Config) { cfg.Mode = c.mode }
		m.open(t)
		incarnation := m.store.Incarnation()
		m.step(put("k"))
		m.await(t)
		if c.clean {
			m.close(t)
		} else {
			m.kill(t)
		}
		cfg := testConfig(m.fs)
		cfg.Mode, cfg.BootID = c.again, c.bootID
		s, err := Open(cfg)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if kept := s.State().Item("k") != nil; kept != c.kept || (s.Incarnation() == incarnation) != c.kept || (s.Found().Aside == "") != c.kept {
			t.Errorf("%s: kept %v, %+v", c.name, kept, s.Found())
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestAStartThatWasCutOffIsNoDamage crashes in the first Open, at each sync.
func TestAStartThatWasCutOffIsNoDamage(t *testing.T) {
	for n := 1; ; n++ {
		fs := vfs.NewCrashableMem()
		cut := &cutFS{FS: fs, left: n}
		s, err := Open(testConfig(cut))
		if err == nil {
			err = s.Close()
		}
		if !cut.used {
			if err != nil || n < 5 {
				t.Errorf("%d syncs were enough: %v", n, err)
			}
			return
		}
		s, err = Open(testConfig(cut.crashed))
		if err != nil {
			t.Fatalf("after a crash at sync %d: %v", n, err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestNothingIsReportedAfterAFailedSync(t *testing.T) {
	m := newModel(t)
	m.step(put("a"))
	m.await(t)
	m.syncs.fail("log", errors.New("input/output error"))
	m.step(put("b"))
	m.mu.Lock()
	for len(m.mu.failed) == 0 {
		m.mu.changed.Wait()
	}
	m.mu.Unlock()
	m.syncs.fail("log", nil)
	m.step(put("c"))
	if err := m.store.Close(); err == nil {
		t.Error("the store closes without an error")
	}
	if n := m.durable(); n != 1 {
		t.Errorf("%d steps are durable", n)
	}
}

func TestAStateThatCannotBeWrittenEndsTheStore(t *testing.T) {
	m := newModel(t)
	m.syncs.fail("state", errors.New("no space left on device"))
	for i := 0; ; i++ {
		m.step(put(fmt.Sprint(i)))
		m.mu.Lock()
		failed := len(m.mu.failed) > 0
		m.mu.Unlock()
		if failed {
			break
		}
		runtime.Gosched()
	}
	m.syncs.fail("state", nil)
	if err := m.store.Close(); err == nil {
		t.Error("the store closes without an error")
	}
}

func write(t rapid.TB, fs vfs.FS, name, text string) {
	t.Helper()
	if err := fs.MkdirAll(fs.PathDir(name), 0o700); err != nil {
		t.Fatal(err)
	}
	f, err := fs.Create(name, category)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(f, text); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(f.Sync(), f.Close(), syncDir(fs, fs.PathDir(name))); err != nil {
		t.Fatal(err)
	}
}

func size(t rapid.TB, fs vfs.FS, name string) int64 {
	t.Helper()
	info, err := fs.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

// files are all files below a directory.
func files(t rapid.TB, fs vfs.FS, dir string) (all []string) {
	t.Helper()
	names, err := fs.List(dir)
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(names)
	for _, name := range names {
		path := fs.PathJoin(dir, name)
		if info, err := fs.Stat(path); err == nil && info.IsDir() {
			all = append(all, files(t, fs, path)...)
		} else {
			all = append(all, path)
		}
	}
	return all
}

func copyFile(t rapid.TB, from, to vfs.FS, name string) {
	t.Helper()
	f, err := from.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(f)
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
	write(t, to, name, string(text))
}
