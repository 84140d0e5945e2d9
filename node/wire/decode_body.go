package wire

import "github.com/cohortkv/cohort/node/ids"

// The fewest bytes that an element of a list can take: what bounds the length of
// the list before it is made. Too low only weakens the bound.
const (
	leastRef     = 1
	leastMember  = 1 + 1 + 1
	leastShard   = 1 + 1
	leastSight   = 1 + 8 + leastRef
	leastKnown   = leastRef + 1
	leastAttest  = 1 + 8 + leastRef
	leastPast    = leastRef + 1
	leastStamp   = leastRef + 1
	leastStaged  = leastRef + 1 + 1 + 1 + 1 + 1 + 1
	leastVersion = 1 + 4
	leastResult  = 1 + 1 + leastVersion
	leastKey     = 1 + 1
	leastOp      = 1 + leastKey + 1 + leastRef
	leastEntry   = leastStamp + leastRef + 1 + 1 + leastOp + leastResult
	leastRecord  = leastKey + 1 + leastRef + leastStamp + leastVersion
	leastAnswer  = 1 + leastResult
	leastOrigin  = 1 + 8 + 1 + 1 + 1
	leastForward = 1 + leastOp + 1 + 1
)

func (d *decoder) members() []Member {
	members := list[Member](d, "members", leastMember)
	for i := range members {
		members[i] = Member{
			ID:      ids.Node(d.uvarint()),
			Address: d.string(),
			Bus:     d.string(),
		}
	}
	return members
}

func (d *decoder) layout() Layout {
	l := Layout{
		Flat:   d.bool(),
		Shards: list[Shard](d, "shards", leastShard),
	}
	for i := range l.Shards {
		l.Shards[i] = Shard{
			Name:    d.string(),
			Members: d.members(),
		}
	}
	return l
}

func (d *decoder) sightings() []Sighting {
	sightings := list[Sighting](d, "sightings", leastSight)
	for i := range sightings {
		sightings[i] = Sighting{
			Node: ids.Node(d.uvarint()),
			Inc:  ids.Incarnation(d.fixed()),
			View: d.viewID(),
		}
	}
	return sightings
}

func (d *decoder) ancestors() []Ancestor {
	ancestors := list[Ancestor](d, "ancestors", leastPast)
	for i := range ancestors {
		ancestors[i] = Ancestor{
			View:    d.viewID(),
			Renewed: d.uvarint(),
		}
	}
	return ancestors
}

func (d *decoder) knownBallots() []KnownBallot {
	known := list[KnownBallot](d, "known ballots", leastKnown)
	for i := range known {
		known[i] = d.knownBallot()
	}
	return known
}

func (d *decoder) knownBallot() KnownBallot {
	return KnownBallot{
		Ballot:  d.ballot(),
		Members: d.members(),
	}
}

func (d *decoder) attested() []Attestation {
	attested := list[Attestation](d, "attestations", leastAttest)
	for i := range attested {
		attested[i] = Attestation{
			Node:   ids.Node(d.uvarint()),
			Inc:    ids.Incarnation(d.fixed()),
			Ballot: d.ballot(),
		}
	}
	return attested
}

func (d *decoder) ballotList() []ids.Ballot {
	ballots := list[ids.Ballot](d, "ballots", leastRef)
	for i := range ballots {
		ballots[i] = d.ballot()
	}
	return ballots
}

func (d *decoder) pastBallots() []PastBallot {
	past := list[PastBallot](d, "past ballots", leastPast)
	for i := range past {
		past[i] = PastBallot{
			Ballot: d.ballot(),
			Count:  d.uvarint(),
		}
	}
	return past
}

func (d *decoder) view() View {
	return View{
		ID:        d.viewID(),
		Layout:    d.layout(),
		Force:     d.bool(),
		Saw:       d.sightings(),
		Renewed:   d.uvarint(),
		Ancestors: d.ancestors(),
		Known:     d.knownBallots(),
		Sources:   d.members(),
		Births:    d.viewIDs(),
	}
}

func (d *decoder) viewIDs() []ids.View {
	all := list[ids.View](d, "views", leastRef)
	for i := range all {
		all[i] = d.viewID()
	}
	return all
}

func (d *decoder) nodes() []ids.Node {
	all := list[ids.Node](d, "nodes", 1)
	for i := range all {
		all[i] = ids.Node(d.uvarint())
	}
	return all
}

func (d *decoder) history() HistorySummary {
	return HistorySummary{
		Ballot:   d.ballot(),
		Members:  d.members(),
		Past:     d.pastBallots(),
		Attested: d.attested(),
		Length:   d.uvarint(),
		Commit:   d.uvarint(),
		Sum:      d.fixed(),
	}
}

func (d *decoder) staged() []StagedSummary {
	staged := list[StagedSummary](d, "staged bases", leastStaged)
	for i := range staged {
		staged[i] = StagedSummary{
			History: d.history(),
			Bound:   d.sightings(),
		}
	}
	return staged
}

func (d *decoder) base() Base {
	return Base{
		Source:   d.ballot(),
		Length:   d.uvarint(),
		Sum:      d.fixed(),
		Sides:    d.pastBallots(),
		Past:     d.pastBallots(),
		Attested: d.attested(),
		GivenUp:  d.ballotList(),
	}
}

// op fills an Op in its place: it is large, and part of every entry.
func (d *decoder) op(op *Op) {
	op.Kind = OpKind(d.enum("operation", byte(OpPut), byte(OpDelete)))
	op.Key = d.key()
	op.Value = d.bytes()
	op.ContentType = d.contentType()
}

func (d *decoder) result() Result {
	return Result{
		Status:  Status(d.enum("status", byte(Created), byte(Unknown))),
		MsgNum:  d.delta(&d.msgNum),
		Version: d.version(),
	}
}

func (d *decoder) entries() []Entry {
	entries := list[Entry](d, "entries", leastEntry)
	for i := range entries {
		n := &entries[i]
		n.Stamp = d.stamp()
		n.ID = d.requestID()
		n.LowestOpen = n.ID.Counter - d.uvarint()
		d.op(&n.Op)
		n.Result = d.result()
	}
	return entries
}

func (d *decoder) records() []Record {
	records := list[Record](d, "records", leastRecord)
	for i := range records {
		records[i] = Record{
			Key:         d.key(),
			Value:       d.bytes(),
			ContentType: d.contentType(),
			Stamp:       d.stamp(),
			Version:     d.version(),
		}
	}
	return records
}

func (d *decoder) answers(last uint64) []Answer {
	answers := list[Answer](d, "answers", leastAnswer)
	for i := range answers {
		answers[i] = Answer{
			Counter: d.delta(&last),
			Result:  d.result(),
		}
	}
	return answers
}

func (d *decoder) ledger() Ledger {
	l := Ledger{
		MsgNum:  d.delta(&d.msgNum),
		Origins: list[Origin](d, "origins", leastOrigin),
	}
	for i := range l.Origins {
		o := &l.Origins[i]
		o.Node = ids.Node(d.uvarint())
		o.Boot = ids.Boot(d.fixed())
		o.LowestOpen = d.uvarint()
		o.Used = d.delta(&d.msgNum)
		o.Answers = d.answers(o.LowestOpen)
	}
	return l
}

func (d *decoder) counterList() []uint64 {
	counters := list[uint64](d, "counters", 1)
	last := uint64(0)
	for i := range counters {
		counters[i] = d.delta(&last)
	}
	return counters
}

func (d *decoder) forwardedOps(last uint64) []ForwardedOp {
	ops := list[ForwardedOp](d, "operations", leastForward)
	for i := range ops {
		f := &ops[i]
		f.Counter = d.delta(&last)
		d.op(&f.Op)
		f.Op.Condition = Condition(d.enum("condition", byte(Always), byte(IfVersion)))
		if d.bool() {
			f.Op.Match = d.version()
		}
	}
	return ops
}
