package wal

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"pgregory.net/rapid"
)

// opened is a log with what it has reported.
type opened struct {
	*Log
	fs       *vfs.MemFS
	replayed []string
	first    Position // of replayed

	mu struct {
		sync.Mutex
		changed *sync.Cond
		durable Position
		failed  []error
	}
}

const dir = "/"

// open opens a log of small segments, and fails the test if that is not possible.
func open(t rapid.TB, fs *vfs.MemFS, released Position) *opened {
	t.Helper()
	o, err := try(fs, fs, released)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// try opens a log in mem, through fs.
func try(fs vfs.FS, mem *vfs.MemFS, released Position) (*opened, error) {
	o := &opened{fs: mem}
	o.mu.changed = sync.NewCond(&o.mu)
	cfg := Config{FS: fs, Dir: dir, SegmentBytes: 4000, Durable: o.report, Failed: o.fail}
	log, err := Open(cfg, released, func(at Position, rec []byte) error {
		if o.first == 0 {
			o.first = at
		}
		o.replayed = append(o.replayed, string(rec))
		return nil
	})
	if err == nil {
		o.Log = log
		o.report(log.Last())
	}
	return o, err
}

func (o *opened) report(to Position) {
	o.mu.Lock()
	o.mu.durable = max(o.mu.durable, to)
	o.mu.Unlock()
	o.mu.changed.Broadcast()
}

func (o *opened) fail(err error) {
	o.mu.Lock()
	o.mu.failed = append(o.mu.failed, err)
	o.mu.Unlock()
	o.mu.changed.Broadcast()
}

// await waits until all records up to a position are durable, or the log has failed.
func (o *opened) await(to Position) (durable Position, failed []error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for o.mu.durable < to && len(o.mu.failed) == 0 {
		o.mu.changed.Wait()
	}
	return o.mu.durable, o.mu.failed
}

// text is the content of the record at a position.
func text(at Position) string {
	return fmt.Sprintf("record %d %0*d", at, int(at*37%900), 0)
}

func (o *opened) append(n int) {
	for range n {
		o.Append([]byte(text(o.Last() + 1)))
	}
}

// check fails the test unless exactly the records from first on were replayed, at least to the
// position atLeast.
func (o *opened) check(t rapid.TB, first, atLeast Position) {
	t.Helper()
	if len(o.replayed) > 0 && o.first != first {
		t.Fatalf("the first record replayed is %d, not %d", o.first, first)
	}
	for i, got := range o.replayed {
		if want := text(first + Position(i)); got != want {
			t.Fatalf("record %d is %.30q, not %.30q", first+Position(i), got, want)
		}
	}
	if o.Last() != first+Position(len(o.replayed))-1 || o.Last() < atLeast {
		t.Fatalf("records up to %d were replayed of %d", o.Last(), atLeast)
	}
}

func TestWhatWasAppendedIsReplayedAfterAClose(t *testing.T) {
	fs := vfs.NewMem()
	o := open(t, fs, 0)
	o.append(100)
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
	if durable, failed := o.await(100); durable != 100 || failed != nil {
		t.Fatalf("durable up to %d: %v", durable, failed)
	}
	o = open(t, fs, 0)
	o.check(t, 1, 100)
	o.append(10)
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
	o = open(t, fs, 60)
	o.check(t, 61, 110)
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestNoDurableRecordIsLostInACrash appends, waits, releases and crashes in any order. A crash
// keeps any part of what was not synced.
func TestNoDurableRecordIsLostInACrash(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		fs := vfs.NewCrashableMem()
		o := open(t, fs, 0)
		released := Position(0)
		t.Repeat(map[string]func(*rapid.T){
			"append": func(t *rapid.T) { o.append(rapid.IntRange(1, 30).Draw(t, "records")) },
			"wait":   func(*rapid.T) { o.await(o.Last()) },
			"release": func(t *rapid.T) {
				durable, _ := o.await(0)
				released = max(released, Position(rapid.Uint64Range(0, uint64(durable)).Draw(t, "position")))
				o.Release(released)
			},
			"crash": func(t *rapid.T) {
				durable, _ := o.await(0)
				rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
				fs = o.fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: rapid.IntRange(0, 100).Draw(t, "kept"), RNG: rng})
				if err := o.Close(); err != nil {
					t.Fatal(err)
				}
				o = open(t, fs, released)
				o.check(t, released+1, durable)
			},
			"close": func(*rapid.T) {
				last := o.Last()
				if err := o.Close(); err != nil {
					t.Fatal(err)
				}
				o = open(t, fs, released)
				o.check(t, released+1, last)
			},
		})
		if err := o.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

func TestReleasedSegmentsAreRecycledAndRemoved(t *testing.T) {
	fs := vfs.NewMem()
	o := open(t, fs, 0)
	for range 40 {
		for len(o.prepared) < ahead {
			runtime.Gosched() // until the next segment can begin
		}
		o.append(20)
		o.await(o.Last())
		o.Release(o.Last())
	}
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
	names, err := fs.List(dir)
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(names)
	if len(names) > 10 || names[0] == "000000000001.wal" {
		t.Errorf("after 40 times 20 released records there are %d files, from %s on", len(names), names[0])
	}
	o = open(t, fs, o.Last()-5)
	o.check(t, o.Last()-4, 800)
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
}

// records is how many records the logs of damaged have, in batches of three.
const records = 300

// damaged is a log that is to be damaged, and the names of its segments with records. The log was
// closed, or its process ended in a crash.
func damaged(t *testing.T, crash bool) (*vfs.MemFS, []string) {
	fs := vfs.NewCrashableMem()
	var o *opened
	for range 10 { // each process begins a segment
		if o != nil && o.Close() != nil {
			t.Fatal("the log does not close")
		}
		o = open(t, fs, 0)
		for range records / 30 {
			o.append(3)
			o.await(o.Last())
		}
	}
	fs = o.fs.CrashClone(vfs.CrashCloneCfg{})
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
	if !crash {
		fs = o.fs
	}
	names, err := fs.List(dir)
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(names)
	names = slices.DeleteFunc(names, func(name string) bool {
		info, err := fs.Stat(fs.PathJoin(dir, name))
		return err != nil || info.Size() == 0
	})
	if len(names) < 10 {
		t.Fatalf("there are only %d segments", len(names))
	}
	return fs, names
}

func TestTheLossOfAnySegmentWithRecordsIsNoticed(t *testing.T) {
	fs, names := damaged(t, true)
	for _, name := range names {
		part := fs.CrashClone(vfs.CrashCloneCfg{})
		if err := part.Remove(part.PathJoin(dir, name)); err != nil {
			t.Fatal(err)
		}
		var corrupt *Corruption
		if _, err := try(part, part, 0); !errors.As(err, &corrupt) {
			t.Errorf("without %s of %d: %v", name, len(names), err)
		}
	}
	if _, err := try(vfs.NewMem(), nil, 7); err == nil {
		t.Error("without any segment, but with records that were released, a new log begins")
	}
}

func TestTheLossOfTheOnlySegmentWithRecordsIsNoticed(t *testing.T) {
	o := open(t, vfs.NewCrashableMem(), 0)
	o.append(1)
	if err := errors.Join(o.Close(), o.fs.Remove("/000000000001.wal")); err != nil {
		t.Fatal(err)
	}
	var corrupt *Corruption
	if _, err := try(o.fs, o.fs, 0); !errors.As(err, &corrupt) {
		t.Error(err)
	}
}

// TestDamageIsNoticed flips bits. No record may be lost or changed unnoticed, with one exception:
// after a crash, the records of the last sync.
func TestDamageIsNoticed(t *testing.T) {
	for _, crash := range []bool{false, true} {
		fs, names := damaged(t, crash)
		rng := rand.New(rand.NewPCG(1, 2))
		detected := 0
		for range 300 {
			part := fs.CrashClone(vfs.CrashCloneCfg{})
			at := flip(t, part, names[rng.IntN(len(names))], rng)
			o, err := try(part, part, 0)
			var corrupt *Corruption
			if errors.As(err, &corrupt) {
				detected++
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			o.check(t, 1, 0)
			if o.Last() != records && (!crash || o.Last() < records-3) {
				t.Errorf("crash %v: byte %d was changed, and %d records are left", crash, at, o.Last())
			}
			if err := o.Close(); err != nil {
				t.Fatal(err)
			}
		}
		t.Logf("crash %v: %d of 300 changes of a bit were detected; the others cost at most the last sync", crash, detected)
		if detected < 250 {
			t.Errorf("only %d were detected", detected)
		}
	}
}

// flip changes one bit of a file.
func flip(t *testing.T, fs *vfs.MemFS, name string, rng *rand.Rand) int64 {
	t.Helper()
	path := fs.PathJoin(dir, name)
	file, err := fs.OpenReadWrite(path, category)
	if err != nil {
		t.Fatal(err)
	}
	info, err := file.Stat()
	if err != nil {
		t.Fatal(err)
	}
	at, b := rng.Int64N(info.Size()), make([]byte, 1)
	if _, err := file.ReadAt(b, at); err != nil {
		t.Fatal(err)
	}
	b[0] ^= 1 << rng.IntN(8)
	if _, err := file.WriteAt(b, at); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(file.Sync(), file.Close()); err != nil {
		t.Fatal(err)
	}
	return at
}

// lazyFS is a file system that syncs nothing, as if the process were killed before it could.
type lazyFS struct{ vfs.FS }

func (l lazyFS) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	f, err := l.FS.Create(name, c)
	return lazyFile{f}, err
}

type lazyFile struct{ vfs.File }

func (lazyFile) Sync() error     { return nil }
func (lazyFile) SyncData() error { return nil }

// TestRecordsOfAKilledProcessAreSyncedBeforeTheyCount: a process is killed, and the next one finds
// records that only the operating system has. Then the power fails.
func TestRecordsOfAKilledProcessAreSyncedBeforeTheyCount(t *testing.T) {
	mem := vfs.NewCrashableMem()
	o, err := try(lazyFS{mem}, mem, 0)
	if err != nil {
		t.Fatal(err)
	}
	o.append(5)
	o.await(5)
	o = open(t, mem, 0)
	o.check(t, 1, 5)
	o.append(1)
	o.await(6)
	open(t, mem.CrashClone(vfs.CrashCloneCfg{}), 0).check(t, 1, 6)
}

// brokenFS is a file system whose syncs fail from some moment on.
type brokenFS struct {
	vfs.FS
	broken *atomic.Bool
}

type brokenFile struct {
	vfs.File
	broken *atomic.Bool
}

var errBroken = errors.New("input/output error")

func (b brokenFS) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	f, err := b.FS.Create(name, c)
	return brokenFile{f, b.broken}, err
}

func (b brokenFile) Sync() error {
	if b.broken.Load() {
		return errBroken
	}
	return b.File.Sync()
}

func (b brokenFile) SyncData() error { return b.Sync() }

func TestAfterAFailedSyncNothingIsDurable(t *testing.T) {
	mem, broken := vfs.NewMem(), &atomic.Bool{}
	o, err := try(brokenFS{mem, broken}, mem, 0)
	if err != nil {
		t.Fatal(err)
	}
	o.append(10)
	o.await(10)
	broken.Store(true)
	o.append(1)
	durable, failed := o.await(11)
	if durable != 10 || len(failed) != 1 || !errors.Is(failed[0], errBroken) {
		t.Fatalf("durable up to %d; %v", durable, failed)
	}
	broken.Store(false) // a sync that succeeds now proves nothing about the one that failed
	o.append(50)
	_ = o.Close() // it may report the error once more
	if durable, failed := o.await(61); durable != 10 || len(failed) != 1 {
		t.Errorf("afterwards durable up to %d; %v", durable, failed)
	}
}

func TestWithoutSyncsRecordsAreWrittenAtOnce(t *testing.T) {
	mem := vfs.NewMem()
	done := make(chan Position, 100)
	l, err := Open(Config{FS: mem, Dir: "/", NoSync: true, Durable: func(p Position) { done <- p }}, 0, nil)
	if err != nil {
		t.Fatal(err)
	}
	l.Append([]byte("x"))
	for <-done < 1 {
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

// FuzzReplay replays files with any content: it must end, and give records in order.
func FuzzReplay(f *testing.F) {
	f.Add(appendFrame(appendFrame(nil, 1, 0, []byte("one")), 2, 1, []byte("two")), uint64(0))
	f.Add(appendFrame(nil, 7, 7, nil), uint64(6))
	f.Fuzz(func(t *testing.T, b []byte, released uint64) {
		r := replayer{next: Position(released) + 1}
		want := r.next
		r.do = func(at Position, rec []byte) error {
			if at != want {
				t.Errorf("record %d came in place of %d", at, want)
			}
			want++
			return nil
		}
		err := r.segment(&segment{}, b)
		var corrupt *Corruption
		if err != nil && !errors.As(err, &corrupt) {
			t.Error(err)
		}
	})
}

// BenchmarkAppendAndSync measures one batch of 16 KiB at a time on a real disk.
func BenchmarkAppendAndSync(b *testing.B) {
	for _, size := range []int{128, 16 << 10} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			done := make(chan Position, 1)
			l, err := Open(Config{
				FS: vfs.Default, Dir: b.TempDir(),
				Durable: func(p Position) { done <- p },
				Failed:  func(err error) { panic(err) },
			}, 0, nil)
			if err != nil {
				b.Fatal(err)
			}
			rec := make([]byte, size)
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				at := l.Append(rec)
				for <-done < at {
				}
			}
			go func() {
				for range done {
				}
			}()
			if err := l.Close(); err != nil {
				b.Fatal(err)
			}
			close(done)
		})
	}
}
