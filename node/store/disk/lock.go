package disk

import (
	"fmt"
	"io"

	"github.com/cockroachdb/pebble/v2/vfs"
)

const lockName = "LOCK"

// lock locks a directory for this process. If another process has it, the error says which.
func lock(fs vfs.FS, dir string) (io.Closer, error) {
	l, err := fs.Lock(fs.PathJoin(dir, lockName))
	if err == nil {
		return l, nil
	}
	if f, _ := readFormat(fs, dir); f != nil {
		return nil, fmt.Errorf("%s is in use by process %d on %s: %w", dir, f.Process.PID, f.Process.Machine, err)
	}
	return nil, fmt.Errorf("%s cannot be locked: %w", dir, err)
}
