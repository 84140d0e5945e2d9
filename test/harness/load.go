package harness

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

// A load has few clients on each key, because Porcupine can search no more. Each client
// pauses between operations, so that a scenario of a minute can be judged in seconds.
const (
	loadKeys      = 4
	clientsPerKey = 3
	thinkTime     = 15 * time.Millisecond
	// requestTimeout bounds the time that a client of a load waits for an answer.
	requestTimeout = 3 * time.Second
)

// Load is a set of clients that put, get and delete while a scenario goes on.
type Load struct {
	lab      *Lab
	stopping chan struct{}
	stop     sync.Once
	running  sync.WaitGroup
	done     atomic.Int64
}

// Load starts clients, each of one of the nodes and one key. They run until Stop.
func (l *Lab) Load(through ...int) *Load {
	l.t.Helper()
	load := &Load{lab: l, stopping: make(chan struct{})}
	load.start(l, through, -1)
	l.t.Cleanup(load.end)
	l.say("clients work through %v", through)
	return load
}

// Sessions starts clients of causal buckets. They change between the nodes, and sometimes
// forget their context. They run until Stop.
func (l *Lab) Sessions(through ...int) *Load {
	l.t.Helper()
	load := &Load{lab: l, stopping: make(chan struct{})}
	for range loadKeys * clientsPerKey {
		s := l.Session()
		load.running.Go(func() {
			load.repeat(l.t.Context(), -1, func(ctx context.Context) error {
				if rand.IntN(20) == 0 {
					s = l.Session()
				}
				return s.anything(ctx, through[rand.IntN(len(through))])
			})
		})
	}
	l.t.Cleanup(load.end)
	l.say("sessions work through %v", through)
	return load
}

// anything sends one random operation of a session, on one of a few keys.
func (s *Session) anything(ctx context.Context, node int) error {
	key := fmt.Sprintf("load-%d", rand.IntN(loadKeys*clientsPerKey))
	var err error
	switch n := rand.IntN(10); {
	case n < 4:
		_, err = s.put(ctx, node, key, "")
	case n < 5:
		_, err = s.delete(ctx, node, key)
	default:
		_, err = s.get(ctx, node, key)
	}
	return err
}

// Burst runs clients of the nodes at the same time, each with some operations. It returns
// when every client has its last answer.
func (l *Lab) Burst(each int, through ...int) {
	l.t.Helper()
	load := &Load{lab: l, stopping: make(chan struct{})}
	load.start(l, through, each)
	load.running.Wait()
}

// Stop returns when every client has its last answer or has given the request up.
func (o *Load) Stop() {
	o.lab.t.Helper()
	o.end()
	o.lab.say("clients have stopped after %d answers", o.done.Load())
}

// Answered returns when the clients have had the given number of further answers.
func (o *Load) Answered(more int64) {
	o.lab.t.Helper()
	ctx, cancel := o.lab.withTimeout()
	defer cancel()
	goal := o.done.Load() + more
	o.lab.until(ctx, fmt.Sprintf("%d more answers to clients", more), func() bool { return o.done.Load() >= goal })
}

func (o *Load) end() {
	o.stop.Do(func() { close(o.stopping) })
	o.running.Wait()
}

func (o *Load) start(l *Lab, through []int, each int) {
	for i := range loadKeys * clientsPerKey {
		// Clients of one key go through different nodes.
		h := l.newClient(through[(i+i/loadKeys)%len(through)])
		key := fmt.Sprintf("load-%d", i%loadKeys)
		o.running.Go(func() {
			o.repeat(l.t.Context(), each, func(ctx context.Context) error { return h.anything(ctx, key) })
		})
	}
}

// repeat runs one client for so many operations. If times is negative, it runs the client
// until the load stops.
func (o *Load) repeat(ctx context.Context, times int, operate func(context.Context) error) {
	pause := time.NewTicker(thinkTime)
	defer pause.Stop()
	for i := 0; i != times; i++ {
		o.once(ctx, operate)
		select {
		case <-o.stopping:
			return
		case <-ctx.Done():
			return
		case <-pause.C:
		}
	}
}

func (o *Load) once(ctx context.Context, operate func(context.Context) error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	err := operate(ctx)
	if err == nil {
		o.done.Add(1)
	}
	var wrong unfit
	if errors.As(err, &wrong) {
		o.lab.t.Errorf("under load: %v", err)
	}
}

// anything sends one random operation of a client of strong buckets.
func (h *nodeClient) anything(ctx context.Context, key string) error {
	var err error
	switch n := rand.IntN(10); {
	case n < 4:
		_, err = h.put(ctx, key, "")
	case n < 6:
		_, err = h.delete(ctx, key)
	default:
		_, err = h.get(ctx, key)
	}
	return err
}
