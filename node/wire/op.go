package wire

import "github.com/cohortkv/cohort/node/ids"

// OpKind says what a write does to its key.
type OpKind uint8

// The writes.
const (
	OpPut OpKind = iota + 1
	OpDelete
)

// Condition makes a write depend on what the key holds (If-Match, If-None-Match).
type Condition uint8

// The conditions.
const (
	Always    Condition = iota
	IfAbsent            // If-None-Match: *
	IfPresent           // If-Match: *
	IfVersion           // If-Match: "…", compared with Op.Match
)

// Op is one write as a client asked for it.
type Op struct {
	Kind        OpKind
	Key         string
	Value       []byte // never written to once the Op was submitted
	ContentType string
	Condition   Condition
	Match       Version
}

// Version names the write that made a value: its Msg-Num, and a fingerprint of
// its stamp, because groups that went apart give the same numbers to different
// writes. It is the ETag.
type Version struct {
	MsgNum      uint64
	Fingerprint uint32
}

// Meta is what must be known of a key to decide a write: whether it exists, and
// the version it has.
type Meta struct {
	Exists  bool
	Version Version
}

// Record is one key's value as it is stored.
type Record struct {
	Key         string
	Value       []byte
	ContentType string
	Stamp       ids.Stamp
	Version     Version
}

// Status is what a write did. It is decided when the write is ordered and
// travels with its entry.
type Status uint8

// The statuses.
const (
	Created            Status = iota + 1 // put, the key was absent
	Replaced                             // put, the key existed
	Deleted                              // delete, the key existed
	Absent                               // delete, the key did not exist
	PreconditionFailed                   // the condition did not hold; nothing changed
	Unknown                              // recognised, but this side of a merge does not know the answer
)

// Result is the answer to a write. MsgNum is the number the write owns; for
// PreconditionFailed it is the number that the next write will get.
type Result struct {
	Status  Status
	MsgNum  uint64
	Version Version // of the key after the write; for PreconditionFailed the one it has
}

// Entry is one position of the log: the update and its result. Members apply it
// blindly (PacificA §2 ships updates; results are decided by the primary).
type Entry struct {
	Stamp      ids.Stamp
	ID         ids.Request
	LowestOpen uint64 // lowest counter that is still open at ID.Node in ID.Boot
	Op         Op     // Condition and Match are not kept
	Result     Result
}

// Origin is one forwarder's part of the table of request ids: what was answered
// and may still be asked for again.
type Origin struct {
	Node       ids.Node
	Boot       ids.Boot
	LowestOpen uint64 // everything below was answered or forgotten by its forwarder
	Used       uint64 // Msg-Num at the last use; the least recently used is dropped first
	Answers    []Answer
}

// Answer is one remembered result.
type Answer struct {
	Counter uint64
	Result  Result
}

// Ledger is what a history holds beside its keys: the counter of writes and the
// table of request ids (docs/strong.md §4).
type Ledger struct {
	MsgNum  uint64 // the next write's number; the first is 1
	Origins []Origin
}

// PastBallot is a ballot that a history was built from, and how many of its
// entries it contains.
type PastBallot struct {
	Ballot ids.Ballot
	Count  uint64
}
