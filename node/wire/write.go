package wire

import "github.com/cohortkv/cohort/node/ids"

// Write is one change of durable state. The caller of a core makes writes durable in the order
// of Seq, and then brings Durable; one Durable may stand for many writes. A field that names
// kinds is set in writes of these kinds only, and only there a log record has it.
type Write struct {
	Seq     uint64 // ascending by one within a boot; the first is 1. A log record does not have it
	Kind    WriteKind
	Meta    *NodeMeta    // WriteMeta
	Ballot  ids.Ballot   // the ballot whose log or base is changed; not in WriteMeta and WriteCausal
	Entries []Entry      // WriteAppend: the entries; WriteStaged: the tail of the base, applied to its state at the swap
	Records []Record     // WriteStageRecords
	Ledger  Ledger       // WriteStaged, WriteSwap: ledger of the base's state without the tail, if Fresh
	Fresh   bool         // WriteStaged, WriteSwap: the state of the base is the staged area; else it is the current state
	Base    Base         // WriteStaged: what the base was built from
	Under   ids.Ballot   // WriteStaged: the staged base that this one was built on, and that is kept; zero: none is kept
	Bound   []Sighting   // WriteStaged: the incarnations that Ballot counts on (I3)
	Members []Member     // WriteStaged: the members of Ballot, the primary first
	Causal  *CausalWrite // WriteCausal; the caller may keep it, and must not change it
}

// fields takes only those fields through that the kind of the write has. Pointers of these must
// be set.
func (w *Write) fields(c *codec) {
	c.enum((*byte)(&w.Kind), &writeKinds)
	switch w.Kind {
	case WriteMeta:
		made(c, &w.Meta).fields(c)
	case WriteCausal:
		made(c, &w.Causal).fields(&causalCodec{codec: c})
	default:
		c.ballot(&w.Ballot)
		w.strongFields(c)
	}
}

// strongFields takes through what a write of strong buckets has besides its ballot.
func (w *Write) strongFields(c *codec) {
	switch w.Kind {
	case WriteAppend:
		c.entries(&w.Entries)
	case WriteStageRecords:
		c.records(&w.Records)
	case WriteStaged:
		c.entries(&w.Entries)
		w.Base.fields(c)
		c.ballot(&w.Under)
		c.sightings(&w.Bound)
		c.members(&w.Members)
		w.stateFields(c)
	case WriteSwap:
		w.stateFields(c)
	}
}

// stateFields takes through which state a base stands on.
func (w *Write) stateFields(c *codec) {
	c.bool(&w.Fresh)
	if w.Fresh {
		w.Ledger.fields(c)
	}
}

// made returns what a pointer refers to. Reading makes it.
func made[T any](c *codec, p **T) *T {
	if c.way == reading {
		*p = new(T)
	}
	return *p
}

var writeList = elements("writes", func(c *causalCodec) { (&Write{Kind: WriteStageDrop}).fields(c.codec) })

// WriteKind says what a Write changes. The numbers are those of log records.
type WriteKind uint8

// The kinds of writes. A base is built in an area of its own and swapped in as a whole (I10).
const (
	WriteMeta         WriteKind = iota + 1 // the node's view, promise and owed ballots (NodeMeta)
	WriteAppend                            // adds entries to the log
	WriteStageHead                         // begins to build the base of Ballot, in an empty area; what was being built is dropped
	WriteStageRecords                      // adds records to the base that is being built
	WriteStaged                            // the base of Ballot is complete; if it was built in an area, that area is the staged one now
	WriteSwap                              // the staged base becomes the history, with an empty log of Ballot
	WriteStageDrop                         // drops the base that is being built
	WriteCausal                            // changes causal buckets
)

var writeKinds = enumeration{"kind of write", byte(WriteMeta), byte(WriteCausal)}

// NodeMeta is what a node is bound to: one durable write replaces all of it. The promise is
// durable before a message under the promised ballot leaves (I2).
type NodeMeta struct {
	Inc        ids.Incarnation // made with the empty state, and kept with it (I9)
	Present    bool            // the node holds a view: View
	View       View
	LeftBehind bool          // a member went on to a view without this node
	Promised   ids.Ballot    // the only ballot that the node acknowledges, confirms and swaps in
	Owed       []KnownBallot // ballots that the view needs and the history does not contain (I24)
}

func (m *NodeMeta) fields(c *codec) {
	c.incarnation(&m.Inc)
	c.bool(&m.Present)
	m.View.fields(c)
	c.bool(&m.LeftBehind)
	c.ballot(&m.Promised)
	c.knownBallots(&m.Owed)
}

// CausalWrite changes the durable state of causal buckets. Its fields take effect in their
// order, as one: after a crash the state has all of them or none.
type CausalWrite struct {
	NewStreams bool             // a view or a boot begins: Known has all slots, and Live of before is part of it
	Free       []HashRange      // slots that the node released: their items are removed
	Put        []Item           // replaces what the keys of these items held
	Drop       []string         // keys whose tombstones were collected: nothing is kept of them
	Known      *Holdings        // K of the slots that changed; slots in Free are not held any more (I15)
	Live       Vector           // positions that the streams of this view have reached
	Alumni     []Member         // with AlumniSet: all former members that may have data
	Views      []KnownView      // views that became known
	GCCounter  uint64           // GC counter of the node, if it has grown; else 0
	Applied    []AppliedWrite   // results of forwarded writes (I11)
	Finished   []FinishedWrites // results that are kept no more

	AlumniSet bool
}

// AppliedWrite is the result of a forwarded write, from which a repetition is answered (I11).
type AppliedWrite struct {
	ID      ids.Request
	Hash    uint64 // of the key
	Version CausalVersion
	Deleted bool // the write is a tombstone
	Existed bool // the key had a value before
}

func (w *AppliedWrite) fields(c *causalCodec) {
	c.requestID(&w.ID)
	c.fixed64(&w.Hash)
	w.Version.fields(c)
	c.bool(&w.Deleted)
	c.bool(&w.Existed)
}

var appliedList = elements("results", func(c *causalCodec) { (&AppliedWrite{}).fields(c) })

func (c *causalCodec) appliedWrites(s *[]AppliedWrite) {
	for i := range list(c.codec, s, &appliedList) {
		(*s)[i].fields(c)
	}
}

// FinishedWrites says that all writes of a forwarder below a counter are finished: their results
// are not kept any more.
type FinishedWrites struct {
	Forwarder NodeBoot
	Below     uint64 // the largest uint64: the forwarder's boot has ended
}

func (w *FinishedWrites) fields(c *causalCodec) {
	w.Forwarder.fields(c.codec)
	c.uvarint(&w.Below)
}

var finishedList = elements("finished writes", func(c *causalCodec) { (&FinishedWrites{}).fields(c) })

func (c *causalCodec) finishedWrites(s *[]FinishedWrites) {
	for i := range list(c.codec, s, &finishedList) {
		(*s)[i].fields(c)
	}
}

func (w *CausalWrite) fields(c *causalCodec) {
	c.bool(&w.NewStreams)
	c.hashRanges(&w.Free)
	c.items(&w.Put)
	for i := range list(c.codec, &w.Drop, &keyList) {
		c.key(&w.Drop[i])
	}
	known := w.Known != nil
	c.bool(&known)
	if known {
		made(c.codec, &w.Known).fields(c)
	}
	w.Live.fields(c)
	c.bool(&w.AlumniSet)
	if w.AlumniSet {
		c.members(&w.Alumni)
	}
	c.knownViews(&w.Views)
	c.uvarint(&w.GCCounter)
	c.appliedWrites(&w.Applied)
	c.finishedWrites(&w.Finished)
}

var keyList = elements("keys", func(c *causalCodec) { key := "k"; c.key(&key) })
