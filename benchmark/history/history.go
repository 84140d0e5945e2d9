// Package history holds the requests of clients, their answers and their times. Checkers
// judge this evidence, and reports measure it. A history is recorded during a run
// (recorder.go), saved before it is judged (file.go), and shown to people as one line for
// each operation (text.go).
//
// Times are nanoseconds of one monotonic clock, counted from the start of the run. So
// operations of different clients can be compared: a ended before b began only if a.End <
// b.Start.
//
// A Log belongs to one goroutine, a Recorder to any number of them.
package history

// ClientID names a sequence of operations that do not overlap. A client without a definite
// answer continues under a new id, because its last operation may still take effect.
type ClientID uint32

// Kind is the kind of an operation.
type Kind uint8

// The kinds. List and Held occur in histories of causal buckets only.
const (
	Put Kind = iota + 1
	Get
	Delete
	List // all keys of one node; a Get for each key says what the list showed
	Held // no request of a client: what one replica held of one key at the end, without faults
)

// Outcome is what the client knows about the effect of an operation.
type Outcome uint8

// The three outcomes (the outcome table of package api).
const (
	OK         Outcome = iota + 1 // it took effect, once, between Start and End
	NotApplied                    // it did not and will not take effect
	Unknown                       // it may take effect once, at any time after Start, or never
)

// Value identifies the bytes that a PUT wrote or a GET read. Zero means no value.
type Value uint64

// foreign marks values that no client of the run wrote.
const foreign Value = 1 << 63

// NewValue names the n-th value (from 1) of a client. No two calls with
// different arguments return the same value.
func NewValue(c ClientID, n uint32) Value { return Value(c)<<32&^foreign | Value(n) }

// ForeignValue stands for bytes that are no value of this run, with a hash of the bytes. No
// PUT has such a value, so every checker rejects a read of it.
func ForeignValue(hash uint64) Value { return Value(hash) | foreign }

// Foreign reports whether v came from ForeignValue.
func (v Value) Foreign() bool { return v&foreign != 0 }

// OpID names an answered operation whose context later operations may use. Zero means none.
type OpID uint64

// Op is one operation of one client.
type Op struct {
	Client  ClientID // the sequence that the operation belongs to
	Kind    Kind
	Outcome Outcome
	Status  uint16 // HTTP status; 0: no answer arrived
	Key     string
	Value   Value  // written by a PUT, or read by a GET that found a value
	Num     uint64 // Msg-Num of the answer; 0: none; of a Held: the id of the replica
	Start   int64  // before the first byte was sent
	End     int64  // after the last byte of the answer; for Unknown: when the client gave up

	// In a history of causal buckets, these fields say which context an operation was sent
	// with. A context is opaque to clients, so they cannot join two.
	ID     OpID // 0 if no operation continues from the context of the answer
	Parent OpID // the answer whose context was sent; 0: a fresh client
	Part   OpID // of a Get that is an item of a listing: the List, which has the same Parent
}

// Write reports whether the operation has a place in the order of writes.
func (o *Op) Write() bool { return o.Kind == Put || o.Kind == Delete }

// Existence is what an answer says about the key before the operation.
type Existence uint8

// The values of Existence.
const (
	Unsaid  Existence = iota // nothing: v1 answers 204 to every DELETE
	Absent                   // the key had no value
	Present                  // the key had a value
)

// Found returns what the status of an answered operation says, on either surface. ok is
// false for a status that no successful operation has.
func (o *Op) Found() (e Existence, ok bool) {
	switch {
	case o.Kind == Put && o.Status == 201:
		return Absent, true
	case o.Kind == Put && (o.Status == 200 || o.Status == 204):
		return Present, true
	case o.Kind == Get && o.Status == 200:
		return Present, true
	case o.Kind == Get && o.Status == 404:
		return Absent, true
	case o.Kind == Delete && o.Status == 200:
		return Present, true
	case o.Kind == Delete && o.Status == 404:
		return Absent, true
	case o.Kind == Delete && o.Status == 204:
		return Unsaid, true
	}
	return Unsaid, false
}
