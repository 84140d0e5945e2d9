package wire

import "github.com/cohortkv/cohort/node/ids"

// Op is one write as a client asked for it.
type Op struct {
	Kind        OpKind
	Key         string // not empty; at most 1 KiB
	Value       []byte // never written to once the Op was submitted; at most 512 KiB; a deletion has none
	ContentType string // at most 255 bytes
	Condition   Condition
	Match       Version // IfVersion: the version that the key must have
}

// fields leaves out Condition and Match, which an entry does not keep.
func (o *Op) fields(c *codec) {
	c.enum((*byte)(&o.Kind), &opKinds)
	c.key(&o.Key)
	c.bytes(&o.Value)
	c.contentType(&o.ContentType)
}

// OpKind says what a write does to its key.
type OpKind uint8

// The writes.
const (
	OpPut OpKind = iota + 1
	OpDelete
)

var opKinds = enumeration{"operation", byte(OpPut), byte(OpDelete)}

// Condition makes a write depend on what the key holds (If-Match, If-None-Match).
type Condition uint8

// The conditions.
const (
	Always    Condition = iota
	IfAbsent            // If-None-Match: *
	IfPresent           // If-Match: *
	IfVersion           // If-Match: "…", compared with Op.Match
)

var conditions = enumeration{"condition", byte(Always), byte(IfVersion)}

// Version names the write that made a value: its Msg-Num, and a fingerprint of
// its stamp, because groups that went apart give the same numbers to different
// writes. It is the ETag.
type Version struct {
	MsgNum      uint64
	Fingerprint uint32
}

func (v *Version) fields(c *codec) {
	c.delta(&c.msgNum, &v.MsgNum)
	c.fixed32(&v.Fingerprint)
}

// Meta is what must be known of a key to decide a write.
type Meta struct {
	Exists  bool
	Version Version // if the key exists
}

// Result is the answer to a write.
type Result struct {
	Status  Status
	MsgNum  uint64  // that the write owns; for PreconditionFailed the one that the next write will get
	Version Version // of the key after the write; for PreconditionFailed the one that it has
}

func (r *Result) fields(c *codec) {
	c.enum((*byte)(&r.Status), &statuses)
	c.delta(&c.msgNum, &r.MsgNum)
	r.Version.fields(c)
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

var statuses = enumeration{"status", byte(Created), byte(Unknown)}

// Entry is one position of the log: the update and its result. Members apply it
// blindly (PacificA §2 ships updates; results are decided by the primary).
type Entry struct {
	Stamp      ids.Stamp   // where it was first ordered; never changes
	ID         ids.Request // of the client's write
	LowestOpen uint64      // lowest counter that is still open at ID.Node in ID.Boot
	Op         Op          // Condition and Match are not kept
	Result     Result
}

func (e *Entry) fields(c *codec) {
	c.stamp(&e.Stamp)
	c.requestID(&e.ID)
	c.below(e.ID.Counter, &e.LowestOpen) // short: few are open
	e.Op.fields(c)
	e.Result.fields(c)
}

var entryList = elements("entries", func(c *causalCodec) { (&Entry{Op: Op{Key: "k"}}).fields(c.codec) })

func (c *codec) entries(s *[]Entry) {
	for i := range list(c, s, &entryList) {
		(*s)[i].fields(c)
	}
}

// Record is one key's value as it is stored.
type Record struct {
	Key         string
	Value       []byte
	ContentType string
	Stamp       ids.Stamp // of the entry that wrote it
	Version     Version
}

func (r *Record) fields(c *codec) {
	c.key(&r.Key)
	c.bytes(&r.Value)
	c.contentType(&r.ContentType)
	c.stamp(&r.Stamp)
	r.Version.fields(c)
}

var recordList = elements("records", func(c *causalCodec) { (&Record{Key: "k"}).fields(c.codec) })

func (c *codec) records(s *[]Record) {
	for i := range list(c, s, &recordList) {
		(*s)[i].fields(c)
	}
}

// RecordSize bounds from above what a record adds to a message.
func RecordSize(r Record) int {
	return bareRecordSize + len(r.Key) + len(r.Value) + len(r.ContentType)
}

// bareRecordSize is the bound of a record beside the bytes of its strings.
var bareRecordSize = recordBound(new(Record))

func recordBound(r *Record) int {
	var c codec
	c.way = bounding
	r.fields(&c)
	return c.size + maxCountGrowth
}

// Ledger is what a history holds beside its keys: the counter of writes and the
// table of request ids (docs/strong.md §4).
type Ledger struct {
	MsgNum  uint64   // the next write's number; the first is 1
	Origins []Origin // at most 1,024
}

func (l *Ledger) fields(c *codec) {
	c.delta(&c.msgNum, &l.MsgNum)
	for i := range list(c, &l.Origins, &origmaxCountGrowth) {
		l.Origins[i].fields(c)
	}
}

// Origin is one forwarder's part of the table of request ids: what was answered
// and may still be asked for again.
type Origin struct {
	Node       ids.Node
	Boot       ids.Boot
	LowestOpen uint64   // everything below was answered or forgotten by its forwarder
	Used       uint64   // Msg-Num at the last use; the least recently used is dropped first
	Answers    []Answer // ascending by Counter
}

func (o *Origin) fields(c *codec) {
	c.node(&o.Node)
	c.boot(&o.Boot)
	c.uvarint(&o.LowestOpen)
	c.delta(&c.msgNum, &o.Used)
	c.answers(o.LowestOpen, &o.Answers)
}

var origmaxCountGrowth = elements("origins", func(c *causalCodec) { new(Origin).fields(c.codec) })

// Answer is one remembered result.
type Answer struct {
	Counter uint64 // of the request id
	Result  Result
}

// fields writes the counter as the distance from the last one.
func (a *Answer) fields(c *codec, last *uint64) {
	c.delta(last, &a.Counter)
	a.Result.fields(c)
}

var answerList = elements("answers", func(c *causalCodec) { new(Answer).fields(c.codec, new(uint64)) })

// answers counts the first answer from last.
func (c *codec) answers(last uint64, s *[]Answer) {
	for i := range list(c, s, &answerList) {
		(*s)[i].fields(c, &last)
	}
}
