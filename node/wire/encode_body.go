package wire

import "github.com/cohortkv/cohort/node/ids"

// The parts that messages are made of, field by field in the order of their
// structs; decode_body.go reads them in the same order.

func (e *encoder) members(list []Member) {
	e.count(len(list))
	for i := range list {
		m := &list[i]
		e.uvarint(uint64(m.ID))
		e.string(m.Address)
		e.string(m.Bus)
	}
}

func (e *encoder) layout(l *Layout) {
	e.bool(l.Flat)
	e.count(len(l.Shards))
	for i := range l.Shards {
		e.string(l.Shards[i].Name)
		e.members(l.Shards[i].Members)
	}
}

func (e *encoder) sightings(list []Sighting) {
	e.count(len(list))
	for _, s := range list {
		e.uvarint(uint64(s.Node))
		e.fixed(uint64(s.Inc))
		e.viewID(s.View)
	}
}

func (e *encoder) ancestors(list []Ancestor) {
	e.count(len(list))
	for _, a := range list {
		e.viewID(a.View)
		e.uvarint(a.Renewed)
	}
}

func (e *encoder) knownBallots(list []KnownBallot) {
	e.count(len(list))
	for i := range list {
		e.knownBallot(&list[i])
	}
}

func (e *encoder) knownBallot(k *KnownBallot) {
	e.ballot(k.Ballot)
	e.members(k.Members)
}

func (e *encoder) attested(list []Attestation) {
	e.count(len(list))
	for _, a := range list {
		e.uvarint(uint64(a.Node))
		e.fixed(uint64(a.Inc))
		e.ballot(a.Ballot)
	}
}

func (e *encoder) ballotList(list []ids.Ballot) {
	e.count(len(list))
	for _, b := range list {
		e.ballot(b)
	}
}

func (e *encoder) pastBallots(list []PastBallot) {
	e.count(len(list))
	for i := range list {
		e.ballot(list[i].Ballot)
		e.uvarint(list[i].Count)
	}
}

func (e *encoder) view(v *View) {
	e.viewID(v.ID)
	e.layout(&v.Layout)
	e.bool(v.Force)
	e.sightings(v.Saw)
	e.uvarint(v.Renewed)
	e.ancestors(v.Ancestors)
	e.knownBallots(v.Known)
	e.members(v.Sources)
	e.viewIDs(v.Births)
}

func (e *encoder) viewIDs(list []ids.View) {
	e.count(len(list))
	for _, id := range list {
		e.viewID(id)
	}
}

func (e *encoder) nodes(list []ids.Node) {
	e.count(len(list))
	for _, id := range list {
		e.uvarint(uint64(id))
	}
}

func (e *encoder) history(h *HistorySummary) {
	e.ballot(h.Ballot)
	e.members(h.Members)
	e.pastBallots(h.Past)
	e.attested(h.Attested)
	e.uvarint(h.Length)
	e.uvarint(h.Commit)
	e.fixed(h.Sum)
}

func (e *encoder) staged(list []StagedSummary) {
	e.count(len(list))
	for i := range list {
		e.history(&list[i].History)
		e.sightings(list[i].Bound)
	}
}

func (e *encoder) base(b *Base) {
	e.ballot(b.Source)
	e.uvarint(b.Length)
	e.fixed(b.Sum)
	e.pastBallots(b.Sides)
	e.pastBallots(b.Past)
	e.attested(b.Attested)
	e.ballotList(b.GivenUp)
}

// op leaves out Condition and Match, which an entry does not keep.
func (e *encoder) op(op *Op) {
	e.byte(byte(op.Kind))
	e.string(op.Key)
	e.bytes(op.Value)
	e.contentType(op.ContentType)
}

func (e *encoder) result(r Result) {
	e.byte(byte(r.Status))
	e.delta(&e.msgNum, r.MsgNum)
	e.version(r.Version)
}

func (e *encoder) entries(list []Entry) {
	e.count(len(list))
	for i := range list {
		n := &list[i]
		e.stamp(n.Stamp)
		e.requestID(n.ID)
		e.uvarint(n.ID.Counter - n.LowestOpen) // short: few are open; right also if it wraps
		e.op(&n.Op)
		e.result(n.Result)
	}
}

func (e *encoder) records(list []Record) {
	e.count(len(list))
	for i := range list {
		r := &list[i]
		e.string(r.Key)
		e.bytes(r.Value)
		e.contentType(r.ContentType)
		e.stamp(r.Stamp)
		e.version(r.Version)
	}
}

// answers writes counters as distances, the first one's from last.
func (e *encoder) answers(last uint64, list []Answer) {
	e.count(len(list))
	for i := range list {
		e.delta(&last, list[i].Counter)
		e.result(list[i].Result)
	}
}

func (e *encoder) ledger(l *Ledger) {
	e.delta(&e.msgNum, l.MsgNum)
	e.count(len(l.Origins))
	for i := range l.Origins {
		o := &l.Origins[i]
		e.uvarint(uint64(o.Node))
		e.fixed(uint64(o.Boot))
		e.uvarint(o.LowestOpen)
		e.delta(&e.msgNum, o.Used)
		e.answers(o.LowestOpen, o.Answers)
	}
}

// counterList writes ascending counters as distances.
func (e *encoder) counterList(list []uint64) {
	e.count(len(list))
	last := uint64(0)
	for _, c := range list {
		e.delta(&last, c)
	}
}

// forwardedOps writes counters as distances, the first one's from last.
func (e *encoder) forwardedOps(last uint64, list []ForwardedOp) {
	e.count(len(list))
	for i := range list {
		op := &list[i].Op
		e.delta(&last, list[i].Counter)
		e.op(op)
		e.byte(byte(op.Condition))
		hasMatch := op.Match != Version{}
		e.bool(hasMatch)
		if hasMatch {
			e.version(op.Match)
		}
	}
}
