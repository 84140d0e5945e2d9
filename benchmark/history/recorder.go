package history

import (
	"cmp"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Recorder collects the operations of one run. Each goroutine of a client appends to a Log
// of its own, so recording takes no lock and shares no cache line while operations are
// timed.
type Recorder struct {
	origin time.Time
	last   atomic.Uint32 // number of client ids given out
	mu     struct {
		sync.Mutex
		logs []*Log
	}
}

// NewRecorder starts the clock of a run.
func NewRecorder() *Recorder { return &Recorder{origin: time.Now()} }

// Beside returns an empty recorder on the same clock, for a history that is judged
// separately.
func (r *Recorder) Beside() *Recorder { return &Recorder{origin: r.origin} }

// Now is the time of the run in nanoseconds.
func (r *Recorder) Now() int64 { return int64(time.Since(r.origin)) }

// Log returns an empty log with a client id of its own.
func (r *Recorder) Log() *Log {
	l := &Log{recorder: r}
	l.Retire()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.mu.logs = append(r.mu.logs, l)
	return l
}

// Ops returns all operations, by start time. No goroutine may append meanwhile.
func (r *Recorder) Ops() []Op {
	r.mu.Lock()
	defer r.mu.Unlock()
	var ops []Op
	for _, l := range r.mu.logs {
		for _, c := range l.chunks {
			ops = append(ops, c...)
		}
	}
	slices.SortStableFunc(ops, func(a, b Op) int { return cmp.Compare(a.Start, b.Start) })
	return ops
}

// chunk is the number of operations for which a log allocates at once. One growing slice
// would copy megabytes during a measurement.
const chunk = 4096

// Log is the record of one goroutine; only that goroutine may use it.
type Log struct {
	recorder *Recorder
	client   ClientID
	values   uint32 // values made under the present id
	answers  uint32 // answers named under the present id
	chunks   [][]Op
}

// Client is the id for the next operation.
func (l *Log) Client() ClientID { return l.client }

// Now is the time of the run.
func (l *Log) Now() int64 { return l.recorder.Now() }

// NextValue returns a value that no client has written yet.
func (l *Log) NextValue() Value {
	l.values++
	return NewValue(l.client, l.values)
}

// NextID returns the name of an answer whose context a later operation may use.
func (l *Log) NextID() OpID {
	l.answers++
	return OpID(l.client)<<32 | OpID(l.answers)
}

// Retire gives the log a new client id. It must be called after an operation
// with an unknown outcome.
func (l *Log) Retire() {
	l.client = ClientID(l.recorder.last.Add(1))
	l.values, l.answers = 0, 0
}

// Append records a finished operation under the present client id.
func (l *Log) Append(op Op) {
	op.Client = l.client
	n := len(l.chunks)
	if n == 0 || len(l.chunks[n-1]) == chunk {
		l.chunks = append(l.chunks, make([]Op, 0, chunk))
		n++
	}
	l.chunks[n-1] = append(l.chunks[n-1], op)
}
