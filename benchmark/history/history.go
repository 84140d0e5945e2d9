// Package history holds what clients asked a cluster, what they were told and
// when: the evidence that checkers judge and reports measure. It is recorded
// while a run lasts (recorder.go), saved before anybody judges it (file.go) and
// read by people as one line an operation (text.go).
//
// Times are nanoseconds of one monotonic clock, counted from the start of the
// run, so that two operations of different clients can be compared: a ended
// before b began only if a.End < b.Start.
package history

// ClientID names a sequence of operations that do not overlap. Whoever got no
// definite answer goes on under a new id, because the old one's last operation
// may still be taking effect.
type ClientID uint32

// Kind is what an operation asks for.
type Kind uint8

// The kinds. List and Held occur in histories of causal buckets only.
const (
	Put Kind = iota + 1
	Get
	Delete
	List // all keys that one node has; a Get for each of them says what was shown
	Held // no request of a client: what one replica held of one key at the end, after heal and quiet
)

// Outcome is what the client learnt about the fate of an operation.
type Outcome uint8

// The three outcomes (the outcome table of package api).
const (
	OK         Outcome = iota + 1 // it took effect, once, between Start and End
	NotApplied                    // it did not and will not take effect
	Unknown                       // it may take effect once, at any time after Start, or never
)

// Value identifies the bytes that a PUT wrote or a GET read. Zero means none.
type Value uint64

// foreign marks values that no client of the run composed.
const foreign Value = 1 << 63

// NewValue names the n-th value (from 1) of a client. No two calls with
// different arguments return the same value.
func NewValue(c ClientID, n uint32) Value { return Value(c)<<32&^foreign | Value(n) }

// ForeignValue stands for bytes that are not a value of this run, told apart by
// a hash of theirs. No PUT ever has it, so every checker rejects a read of it.
func ForeignValue(hash uint64) Value { return Value(hash) | foreign }

// Foreign reports whether v came from ForeignValue.
func (v Value) Foreign() bool { return v&foreign != 0 }

// OpID names an answered operation for those that come after it. Zero is none.
type OpID uint64

// Op is one operation of one client.
type Op struct {
	Client  ClientID
	Kind    Kind
	Outcome Outcome
	Status  uint16 // HTTP status; 0 when no answer came
	Key     string
	Value   Value  // written by a PUT, read by a GET that found one
	Num     uint64 // Msg-Num of the answer, 0 when there was none; of a Held: the id of the replica
	Start   int64  // before the first byte was sent
	End     int64  // after the last byte of the answer; for Unknown: when the client gave up

	// What a history of causal buckets says beside: whose context an operation was
	// sent with. A context is opaque to clients, so they cannot join two.
	ID     OpID // not 0 where somebody may go on from the context that came back
	Parent OpID // whose context was sent; 0: a fresh client
	Part   OpID // of a Get that stands for an item of a listing: the List, which has the same Parent
}

// Write reports whether the operation owns a place in the order of writes.
func (o *Op) Write() bool { return o.Kind == Put || o.Kind == Delete }

// Existence is what an answer says about the key just before the operation.
type Existence uint8

// The values of Existence.
const (
	Unsaid  Existence = iota // nothing: v1 answers 204 to every DELETE
	Absent                   // the key had no value
	Present                  // the key had a value
)

// Found reads the status of an answered operation, of either surface. ok is false for a status that no successful operation has.
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
