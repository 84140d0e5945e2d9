package disk

import (
	"fmt"

	"github.com/cohortkv/cohort/node/wal"
)

// batchBytes is the size of a batch at which Pebble gets it, although more changes wait.
const batchBytes = 1 << 20

// applier is the goroutine that applies durable records to the state in Pebble, and writes
// checkpoints.
type applier struct {
	*Store
	state    *state
	since    int64           // bytes of records since the last checkpoint
	done     int             // bytes of records that progress has not told
	flushed  <-chan struct{} // closed when Pebble has flushed the checkpoint; nil: none is on its way
	flushing wal.Position    // up to which that checkpoint has the log
	taken    []change
}

// run works until the log is closed. Then it writes a last checkpoint, so that the next start
// replays nothing.
func (a *applier) run() {
	err := a.commit() // a checkpoint may be due
	for err == nil {
		select {
		case <-a.wake:
			err = a.applyAll()
		case <-a.flushed:
			a.release()
			err = a.commit() // the next one may be due
		case <-a.closing:
			if err := a.finish(); err != nil {
				a.fail(err)
			}
			return
		}
	}
	a.fail(err)
	<-a.closing
	_ = a.state.db.Close()
}

// applyAll applies what is durable now.
func (a *applier) applyAll() error {
	for a.take(); len(a.taken) > 0; a.take() {
		for i := range a.taken {
			if err := a.apply(&a.taken[i]); err != nil {
				return fmt.Errorf("state: %w", err)
			}
		}
		if err := a.commit(); err != nil {
			return err
		}
	}
	return nil
}

// take takes changes whose records are durable.
func (a *applier) take() {
	clear(a.taken)
	a.taken = a.taken[:0]
	a.mu.Lock()
	defer a.mu.Unlock()
	n := 0
	for n < len(a.mu.queue) && a.mu.queue[n].at <= a.mu.durable {
		n++
	}
	a.taken = append(a.taken, a.mu.queue[:n]...)
	rest := copy(a.mu.queue, a.mu.queue[n:])
	clear(a.mu.queue[rest:])
	a.mu.queue = a.mu.queue[:rest]
}

func (a *applier) apply(c *change) error {
	if c.at == 0 {
		return a.state.commit(c.commit)
	}
	if err := a.state.record(c.at, c.record); err != nil {
		return err
	}
	a.since += int64(len(c.record))
	a.done += len(c.record)
	if a.state.batch.Len() < batchBytes {
		return nil
	}
	return a.commit()
}

// commit gives Pebble the batch, with a checkpoint if one is due.
func (a *applier) commit() error {
	due := a.flushed == nil && a.since >= a.cfg.CheckpointBytes
	if err := a.state.flushBatch(due); err != nil {
		return fmt.Errorf("state: %w", err)
	}
	a.progress()
	if !due {
		return nil
	}
	flushed, err := a.state.db.AsyncFlush()
	if err != nil {
		return fmt.Errorf("state: flush: %w", err)
	}
	a.since, a.flushed, a.flushing = 0, flushed, a.state.last
	return nil
}

// progress says how far the state has come.
func (a *applier) progress() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.mu.applied = a.state.last
	a.mu.waiting -= a.done
	a.done = 0
	a.mu.room.Broadcast()
}

// release releases the log up to a checkpoint that a crash does not lose any more.
func (a *applier) release() {
	a.flushed = nil
	a.mu.Lock()
	a.mu.kept = a.flushing
	a.mu.Unlock()
	a.log.Release(a.flushing)
}

// finish ends the state in order, unless the store has failed.
func (a *applier) finish() error {
	db := a.state.db
	if a.failure() != nil {
		_ = db.Close()
		return nil
	}
	err := a.applyAll()
	if err == nil {
		err = a.state.flushBatch(true)
	}
	if err == nil {
		err = db.Flush()
	}
	if down := db.Close(); err == nil {
		err = down
	}
	if err != nil {
		return fmt.Errorf("state: %w", err)
	}
	return nil
}
