package disk

import (
	"errors"
	"fmt"
	"os"

	"github.com/cockroachdb/pebble/v2/vfs"
)

const asidePrefix = "aside-"

// Damage says that data which was durable is missing or damaged.
type Damage struct{ why error }

// Error implements error.
func (d *Damage) Error() string { return fmt.Sprintf("the data is damaged: %v", d.why) }

func (d *Damage) Unwrap() error { return d.why }

// setAside moves the data of an incarnation into a directory of its own, and returns its name.
// FORMAT is moved last: after a crash, the next start sets aside what is left.
func setAside(fs vfs.FS, dir string, f *format) (string, error) {
	aside := fs.PathJoin(dir, fmt.Sprintf("%s%016x", asidePrefix, uint64(f.Incarnation)))
	if err := fs.MkdirAll(aside, 0o700); err != nil {
		return "", err
	}
	for _, name := range []string{logName, stateName, formatName} {
		err := fs.Rename(fs.PathJoin(dir, name), fs.PathJoin(aside, name))
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return "", fmt.Errorf("set data aside: %w", err)
		}
		if err := errors.Join(syncDir(fs, aside), syncDir(fs, dir)); err != nil {
			return "", fmt.Errorf("set data aside: %w", err)
		}
	}
	return aside, nil
}
