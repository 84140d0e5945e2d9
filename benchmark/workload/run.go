package workload

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cohortkv/cohort/api"
	"github.com/cohortkv/cohort/benchmark/history"
)

// Result holds the times of the measurement, on the recorder's clock, the number of failed
// connections, and the largest context of a causal client.
type Result struct {
	From, To    int64 // begin and end of the measurement, in nanoseconds
	FailedDials int64 // how often a client could not connect
	LongestSeen int   // bytes of the largest context that a causal client carried
}

// run is the state that all clients of a workload share.
type run struct {
	cfg      Config
	recorder *history.Recorder
	hosts    []string
	encrypt  *tls.Config // nil: no TLS
	keys     []string
	paths    []string

	exchange exchangeSlots // contexts that causal clients leave for one another

	dials atomic.Int64
	stop  atomic.Bool
	left  atomic.Int64 // operations still to send, if they are counted
}

// Run runs the workload. It returns when the last answer has arrived or was given up. It
// fails if the configuration is wrong, or if a key that must be preloaded or read at the
// end has no answer within Config.Patience. It also fails if ctx ends before the workload.
// The history recorded by then is valid, and the Result describes the measurement.
func Run(ctx context.Context, cfg Config, recorder *history.Recorder) (Result, error) {
	if err := cfg.Validate(); err != nil {
		return Result{}, fmt.Errorf("workload: %w", err)
	}
	r := newRun(cfg, recorder)
	if strings.HasPrefix(cfg.URLs[0], "https:") {
		encrypt, err := cfg.Access.TLS()
		if err != nil {
			return Result{}, fmt.Errorf("workload: %w", err)
		}
		r.encrypt = encrypt
	}
	clients := make([]*client, cfg.Clients)
	for i := range clients {
		clients[i] = newClient(r, i)
		defer clients[i].disconnect()
	}
	if cfg.Preload {
		if err := r.everyKey(ctx, clients, history.Put); err != nil {
			return Result{}, err
		}
	}
	if cfg.Warmup > 0 {
		r.timed(ctx, clients, cfg.Warmup, func() {}, func() {})
	}
	result := r.measure(ctx, clients)
	err := r.settle(ctx, clients)
	result.FailedDials = r.dials.Load()
	for _, c := range clients {
		result.LongestSeen = max(result.LongestSeen, c.seen.longest)
		err = errors.Join(err, c.seen.wrong)
	}
	return result, err
}

// settle reads every key after the last write.
func (r *run) settle(ctx context.Context, clients []*client) error {
	if err := ctx.Err(); err != nil || r.cfg.Settle == nil {
		return err
	}
	if err := r.cfg.Settle(); err != nil {
		return err
	}
	return r.everyKey(ctx, clients, history.Get)
}

func newRun(cfg Config, recorder *history.Recorder) *run {
	r := &run{cfg: cfg, recorder: recorder, keys: make([]string, cfg.Keys), paths: make([]string, cfg.Keys)}
	for _, u := range cfg.URLs {
		host, _ := hostOf(u) // Validate has checked it
		r.hosts = append(r.hosts, host)
	}
	for i := range r.keys {
		r.keys[i] = cfg.Prefix + strconv.Itoa(i)
		if cfg.Surface == Classic {
			r.paths[i] = api.DataPath(r.keys[i])
		} else {
			r.paths[i] = api.KVPath(buckets[cfg.Model], r.keys[i])
		}
	}
	return r
}

var buckets = map[Model]string{Strong: api.BucketStrong, Causal: api.BucketCausal}

// everyKey writes or reads every key until each has an answer; each client has its share.
// It gives up if no key has had an answer for Config.Patience.
func (r *run) everyKey(ctx context.Context, clients []*client, kind history.Kind) error {
	var hopeless atomic.Bool // set while a client's last request may still wait for its timeout
	patience := time.AfterFunc(r.cfg.Patience, func() { hopeless.Store(true) })
	defer patience.Stop()
	var done atomic.Int64
	err := each(clients, func(i int, c *client) error {
		for key := i; key < r.cfg.Keys; key += len(clients) {
			for c.do(ctx, kind, key) != history.OK {
				if ctx.Err() != nil {
					return ctx.Err()
				}
				if hopeless.Load() {
					return errHopeless
				}
				if c.conn != nil {
					c.leave() // the node refuses: a view may have left it out
				}
			}
			patience.Reset(r.cfg.Patience)
			done.Add(1)
		}
		return nil
	})
	if !errors.Is(err, errHopeless) {
		return err
	}
	return fmt.Errorf("%v of every key: %d of %d done, and then none for %v", kind, done.Load(), r.cfg.Keys, r.cfg.Patience)
}

var errHopeless = errors.New("no key gets an answer")

// measure runs the measured part.
func (r *run) measure(ctx context.Context, clients []*client) (result Result) {
	if r.cfg.Count > 0 {
		call(r.cfg.Begin)
		result.From = r.recorder.Now()
		r.counted(ctx, clients)
		result.To = r.recorder.Now()
		call(r.cfg.End)
		return result
	}
	r.timed(ctx, clients, r.cfg.Duration, func() {
		call(r.cfg.Begin)
		result.From = r.recorder.Now()
	}, func() {
		result.To = r.recorder.Now()
		call(r.cfg.End)
	})
	return result
}

// counted lets the clients send r.cfg.Count operations in total.
func (r *run) counted(ctx context.Context, clients []*client) {
	r.left.Store(int64(r.cfg.Count))
	_ = each(clients, func(_ int, c *client) error {
		for r.left.Add(-1) >= 0 && ctx.Err() == nil {
			c.next(ctx)
		}
		return nil
	})
}

// timed lets the clients work for d. It waits for answers that are still open when end is
// called: these operations belong to the history, but are not measured.
func (r *run) timed(ctx context.Context, clients []*client, d time.Duration, begin, end func()) {
	r.stop.Store(false)
	begin()
	var wg sync.WaitGroup
	wg.Go(func() {
		select {
		case <-time.After(d):
		case <-ctx.Done():
		}
		end()
		r.stop.Store(true)
	})
	_ = each(clients, func(_ int, c *client) error {
		for !r.stop.Load() && ctx.Err() == nil {
			c.next(ctx)
		}
		return nil
	})
	wg.Wait()
}

// each runs f for all clients at once and returns the first error.
func each(clients []*client, f func(int, *client) error) error {
	errs := make([]error, len(clients))
	var wg sync.WaitGroup
	for i, c := range clients {
		wg.Go(func() { errs[i] = f(i, c) })
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func call(f func()) {
	if f != nil {
		f()
	}
}
