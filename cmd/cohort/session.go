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
	Show sessionShowCmd `cmd:"" help:"Print what a session of a causal bucket has seen."`
}

type sessionShowCmd struct {
	Session *string    `arg:"" optional:"" help:"The session, as Cohort-Session or causal-metadata shows it; without one it is read from standard input."`
	Cluster string     `env:"COHORT_CLUSTER" default:"cohort" help:"Name of the cluster that the session is of (${default})."`
	Key     []bytesArg `sep:"none" placeholder:"KEY" help:"A key whose name is shown; sessions have only hashes. Repeat it for several."`
}

func (sessionShowCmd) Help() string {
	return `A session says, for each key that its client has read or written lately, which version it has seen: a node that is asked for the key does not answer with less. Of older ones it only says how far the client has seen the writes of each node.`
}

func (c sessionShowCmd) Run(_ context.Context, term terminal) error {
	text, err := c.text(term.in)
	if err != nil {
		return err
	}
	session, err := api.ParseMetadata([]byte(text))
	if err != nil {
		return errors.New("that is no session")
	}
	if len(session) == 0 {
		fmt.Fprintln(term.out, "has seen nothing")
		return nil
	}
	seen, sealed, err := wire.ReadContext(c.Cluster, string(session))
	if err != nil {
		return fmt.Errorf("%w (sessions belong to a cluster, here %q: see --cluster)", err, c.Cluster)
	}
	if sealed {
		fmt.Fprintln(term.out, "sealed with a secret, which was not checked")
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
		fmt.Fprintf(out, "what all replicas had in view %d\n", view.Number)
	}
	if seen.Ceil > 0 {
		fmt.Fprintf(out, "no older version is above %d\n", seen.Ceil)
	}
	return nil
}

// sessionFile keeps a session from one command to the next.
type sessionFile string

// lock keeps the file for this command, from what it reads to what it keeps: of two
// that read the same session the later one would forget what the other has seen. The
// lock is on a file beside it, which stays, because the session's own is replaced.
func (f sessionFile) lock(ctx context.Context, patience time.Duration) (unlock func() error, err error) {
	if f == "" {
		return func() error { return nil }, nil
	}
	waiting, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	lock := flock.New(string(f) + ".lock")
	switch _, err := lock.TryLockContext(waiting, sessionPoll); {
	case errors.Is(err, context.DeadlineExceeded):
		return nil, fmt.Errorf("session: another command has used %s for %v", f, patience)
	case err != nil:
		return nil, fmt.Errorf("session: %w", err)
	}
	return lock.Unlock, nil
}

// sessionPoll is how often a command looks whether the one before it has ended.
const sessionPoll = 10 * time.Millisecond

// read returns an empty session when there is no file yet.
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

// write replaces the file whole: half a session would be refused by every node.
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
