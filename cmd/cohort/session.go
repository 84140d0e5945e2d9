package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/gofrs/flock"

	"github.com/cohortkv/cohort/api"
	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/node/wire"
)

type sessionCmd struct {
	Show sessionShowCmd `cmd:"" help:"Print what the client of a session has seen."`
}

type sessionShowCmd struct {
	Session *string    `arg:"" optional:"" help:"The session, as in Cohort-Session or causal-metadata. Without it, the session is read from standard input."`
	Cluster string     `env:"COHORT_CLUSTER" default:"cohort" help:"Name of the session's cluster (${default})."`
	Key     []bytesArg `sep:"none" placeholder:"KEY" help:"A key to show by name. Sessions hold only hashes of keys. Repeatable."`
}

func (sessionShowCmd) Help() string {
	return `For each key that a client has read or written recently, its session holds the version that the client has seen. No node answers a read of the key with an older version. For older operations, the session holds only up to which write of each node the client has seen.`
}

func (c sessionShowCmd) Run(_ context.Context, term terminal) error {
	text, err := c.text(term.in)
	if err != nil {
		return err
	}
	session, err := api.ParseMetadata([]byte(text))
	if err != nil {
		return errors.New("not a session")
	}
	if len(session) == 0 {
		fmt.Fprintln(term.out, "the session is empty")
		return nil
	}
	seen, sealed, err := wire.ReadContext(c.Cluster, string(session))
	if err != nil {
		return fmt.Errorf("%w (sessions belong to a cluster, here %q: see --cluster)", err, c.Cluster)
	}
	if sealed {
		fmt.Fprintln(term.out, "sealed with a secret; the seal was not checked")
	}
	return c.print(term.out, len(session), &seen)
}

func (c sessionShowCmd) text(in io.Reader) (string, error) {
	if c.Session != nil {
		return *c.Session, nil
	}
	text, err := io.ReadAll(in)
	if err != nil {
		return "", fmt.Errorf("read the session: %w", err)
	}
	return string(text), nil
}

func (c sessionShowCmd) print(out io.Writer, size int, seen *wire.Context) error {
	names := map[uint64]string{}
	for _, key := range c.Key {
		names[hashing.Hash(string(key))] = printable(string(key))
	}
	fmt.Fprintf(out, "%d keys, %d characters\n", len(seen.Exact), size)
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	if len(seen.Exact) > 0 {
		fmt.Fprintln(table, "\nKEY\tSEEN VERSION\tBY NODE\tWRITE\tIN VIEW")
	}
	for i := range seen.Exact {
		d := &seen.Exact[i]
		name, known := names[d.Hash]
		if !known {
			name = fmt.Sprintf("#%016x", d.Hash)
		}
		dot := &d.Version.Dot
		fmt.Fprintf(table, "%s\t%d\t%d\t%d\t%d\n", name, d.Version.Counter, dot.Stream.Node, dot.N, dot.Stream.View.Number)
	}
	if len(seen.Vector) > 0 {
		fmt.Fprintln(table, "\nOLDER WRITES OF NODE\tUP TO\tIN VIEW")
	}
	for _, p := range seen.Vector {
		fmt.Fprintf(table, "%d\t%d\t%d\n", p.Stream.Node, p.N, p.Stream.View.Number)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for _, view := range seen.CutRefs {
		fmt.Fprintf(out, "all writes up to the stable cut of view %d\n", view.Number)
	}
	if seen.Ceil > 0 {
		fmt.Fprintf(out, "counters of older versions are at most %d\n", seen.Ceil)
	}
	return nil
}

// sessionFile keeps a session from one command to the next.
type sessionFile string

// lock locks the file from the read of the session until the write. Without the lock, two
// concurrent commands would read the same session, and the later write would lose what the
// other command has seen. The lock is on a second file, which stays, because write replaces
// the file of the session.
func (f sessionFile) lock(ctx context.Context, patience time.Duration) (unlock func() error, err error) {
	if f == "" {
		return func() error { return nil }, nil
	}
	waiting, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	lock := flock.New(string(f) + ".lock")
	switch _, err := lock.TryLockContext(waiting, sessionPoll); {
	case errors.Is(err, context.DeadlineExceeded):
		return nil, fmt.Errorf("session: another command has locked %s for more than %v", f, patience)
	case err != nil:
		return nil, fmt.Errorf("session: %w", err)
	}
	return lock.Unlock, nil
}

// sessionPoll is the interval between attempts to take the lock.
const sessionPoll = 10 * time.Millisecond

// read returns an empty session if the file does not exist.
func (f sessionFile) read() (string, error) {
	if f == "" {
		return "", nil
	}
	text, err := os.ReadFile(string(f))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("session: %w", err)
	}
	return strings.TrimSpace(string(text)), nil
}

// write replaces the file atomically. Nodes refuse half a session.
func (f sessionFile) write(session string) (err error) {
	if f == "" || session == "" {
		return nil
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("session: %w", err)
		}
	}()
	next, err := os.CreateTemp(filepath.Dir(string(f)), filepath.Base(string(f))+".*")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(next, session)
	if err = errors.Join(err, next.Close()); err == nil {
		err = os.Rename(next.Name(), string(f))
	}
	if err != nil {
		_ = os.Remove(next.Name())
	}
	return err
}
