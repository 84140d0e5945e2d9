package disk

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/cohortkv/cohort/node/ids"
)

// formatVersion is the version of all files of a data directory. A change that older builds cannot
// read raises it.
const formatVersion = 1

// format is the file FORMAT, in JSON. It says what a data directory is, and how the last process
// ended that used it. The file is replaced as a whole.
type format struct {
	Version     int             `json:"version"`
	Cluster     string          `json:"cluster"`
	Node        ids.Node        `json:"node"`
	Incarnation ids.Incarnation `json:"incarnation"`
	Begun       bool            `json:"begun"` // the log and the state exist
	// Durability is the weakest mode in which data was written that may not be synced yet.
	Durability Mode    `json:"durability"`
	Process    process `json:"process"`
	// Clean says that the process ended in order, and synced all files.
	Clean bool `json:"clean"`
}

// process is the last process that used a directory.
type process struct {
	PID     int    `json:"pid"`
	Machine string `json:"machine"` // its name
	BootID  string `json:"boot_id"` // of the machine's kernel, new at each start of it; empty: unknown
}

const formatName = "FORMAT"

// category is the label of these files in the disk statistics of Pebble's file system.
const category = vfs.DiskWriteCategory("cohort-format")

// readFormat reads FORMAT; nil: there is none, and the directory may be taken.
func readFormat(fs vfs.FS, dir string) (*format, error) {
	name := fs.PathJoin(dir, formatName)
	file, err := fs.Open(name)
	if errors.Is(err, os.ErrNotExist) {
		return nil, checkEmpty(fs, dir)
	}
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(file)
	if err = errors.Join(err, file.Close()); err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	f := new(format)
	if err := json.Unmarshal(text, f); err != nil {
		return nil, &Damage{fmt.Errorf("%s: %w", name, err)}
	}
	if f.Version != formatVersion {
		return nil, fmt.Errorf("%s: version %d of the format, this build reads version %d", name, f.Version, formatVersion)
	}
	return f, nil
}

// harmless are files of an empty directory: those of a first start that did not get further, and
// those of the file system.
var harmless = []string{lockName, formatName + ".new", "lost+found"}

// checkEmpty refuses a directory that has data of somebody else.
func checkEmpty(fs vfs.FS, dir string) error {
	names, err := fs.List(dir)
	if err != nil {
		return err
	}
	for _, name := range names {
		if !slices.Contains(harmless, name) && !strings.HasPrefix(name, asidePrefix) {
			return fmt.Errorf("%s has no file %s and is not empty: it has %s", dir, formatName, name)
		}
	}
	return nil
}

// write replaces FORMAT. After a crash there is the old file or the new one.
func (f *format) write(fs vfs.FS, dir string) error {
	text, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return err
	}
	name := fs.PathJoin(dir, formatName)
	file, err := fs.Create(name+".new", category)
	if err != nil {
		return err
	}
	_, err = file.Write(append(text, '\n'))
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	if err := fs.Rename(name+".new", name); err != nil {
		return err
	}
	return syncDir(fs, dir)
}

func syncDir(fs vfs.FS, dir string) error {
	d, err := fs.OpenDir(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// thisProcess describes the process that runs.
func thisProcess(bootID string) process {
	p := process{PID: os.Getpid(), BootID: bootID}
	p.Machine, _ = os.Hostname()
	return p
}

// BootID is the boot id of this machine's kernel; empty: it is unknown.
func BootID() string {
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(id))
}

// mayLack reports whether the operating system may have lost what was given to it: the machine
// was restarted, or nobody knows, and data was written that was not synced.
func (f *format) mayLack(bootID string) bool {
	return f.Durability == Async && !f.Clean && (f.Process.BootID == "" || f.Process.BootID != bootID)
}
