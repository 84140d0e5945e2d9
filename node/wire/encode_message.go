package wire

// message writes the body of a message; decode_message.go reads it.
func (e *encoder) message(m Message) {
	switch m := m.(type) {
	case *Query, *QueryReply, *NewView, *NewViewReply, *Hello, *BaseCheck, *BaseCheckReply:
		e.viewMessage(m)
	case *JoinRequest, *Join, *BallotTooLow, *Start, *Started, *Active, *Pull, *PullReply:
		e.roundMessage(m)
	case *Fetch:
		e.fetch(m)
	case *Chunk:
		e.chunk(m)
	case *Prepare:
		e.prepare(m)
	case *Ack:
		e.ballot(m.Ballot)
		e.uvarint(m.Index)
		e.fixed(m.Sum)
	case *Forward:
		e.ballot(m.Ballot)
		e.uvarint(m.LowestOpen)
		e.forwardedOps(m.LowestOpen, m.Ops)
	case *ForwardReply:
		e.ballot(m.Ballot)
		e.bool(m.Refused)
		e.answers(0, m.Answers)
	case *Confirm:
		e.ballot(m.Ballot)
		e.uvarint(m.Nonce)
	case *Confirmed:
		e.ballot(m.Ballot)
		e.uvarint(m.Nonce)
		e.uvarint(m.Commit)
	case *Cancel:
		e.ballot(m.Ballot)
		e.counterList(m.Counters)
	default:
		c := causalEncoder{encoder: e}
		c.message(m)
	}
}

// viewMessage writes the messages of docs/views.md.
func (e *encoder) viewMessage(m Message) {
	switch m := m.(type) {
	case *Query:
		e.uvarint(m.PutID)
		e.ballot(m.Ballot)
	case *QueryReply:
		e.uvarint(m.PutID)
		e.bool(m.Present)
		e.view(&m.View)
		e.ballot(m.Ballot)
		e.members(m.Members)
		e.bool(m.Knows)
		e.bool(m.Twin)
		e.bool(m.Data)
		e.viewID(m.Heard)
		e.bool(m.Expects)
	case *NewView:
		e.uvarint(m.PutID)
		e.view(&m.View)
	case *NewViewReply:
		e.uvarint(m.PutID)
		e.viewID(m.View)
		e.bool(m.Accepted)
		e.viewID(m.Held)
		e.uvarint(m.Renewed)
		e.bool(m.Same)
		e.viewIDs(m.Births)
		e.layout(&m.Layout)
	case *Hello:
		e.ballot(m.Ballot)
		e.ballot(m.Promised)
		e.uvarint(m.Commit)
		e.fixed(m.Sum)
		e.uvarint(m.Progress)
		e.bool(m.Serving)
		e.nodes(m.Silent)
		e.nodes(m.Deaf)
		e.uvarint(m.Stream)
		e.bool(m.Ready)
		e.uvarint(uint64(m.Clock))
		e.uvarint(m.CausalProgress)
		e.uvarint(m.LowestOpen)
		e.bool(m.Data)
	case *BaseCheck:
		e.uvarint(m.PutID)
		e.ballot(m.Ballot)
	case *BaseCheckReply:
		e.uvarint(m.PutID)
		e.bool(m.Contained)
		e.bool(m.Serving)
		e.uvarint(m.Progress)
	}
}

// roundMessage writes the messages that open a round.
func (e *encoder) roundMessage(m Message) {
	switch m := m.(type) {
	case *JoinRequest:
		e.ballot(m.Ballot)
		e.view(&m.View)
	case *Join:
		e.ballot(m.Ballot)
		e.history(&m.History)
		e.staged(m.Staged)
		e.knownBallots(m.Owed)
	case *BallotTooLow:
		e.ballot(m.Ballot)
		e.ballot(m.Promised)
	case *Start:
		e.ballot(m.Ballot)
		e.base(&m.Base)
		e.sightings(m.Bound)
		e.members(m.Members)
		e.bool(m.Whole)
	case *Started:
		e.ballot(m.Ballot)
	case *Active:
		e.ballot(m.Ballot)
		e.uvarint(m.Commit)
	case *Pull:
		e.ballot(m.Ballot)
		e.view(&m.View)
		e.knownBallot(&m.Owed)
	case *PullReply:
		e.ballot(m.Ballot)
		e.ballot(m.Owed)
		e.byte(byte(m.Fate))
		e.viewID(m.Held)
	}
}

func (e *encoder) fetch(m *Fetch) {
	e.ballot(m.Ballot)
	e.ballot(m.Source)
	e.byte(byte(m.Part))
	e.string(m.After)
	e.bool(m.First)
	e.uvarint(m.From)
}

func (e *encoder) chunk(m *Chunk) {
	e.ballot(m.Ballot)
	e.ballot(m.Source)
	e.byte(byte(m.Part))
	e.string(m.After)
	e.bool(m.First)
	e.uvarint(m.From)
	e.bool(m.Missing)
	e.bool(m.Last)
	e.ledger(&m.Ledger)
	e.records(m.Records)
	e.entries(m.Entries)
}

func (e *encoder) prepare(m *Prepare) {
	e.ballot(m.Ballot)
	e.delta(&e.index, m.First) // the first entry's index, so that it is short there
	e.uvarint(m.Commit)
	e.entries(m.Entries)
}
