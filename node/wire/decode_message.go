package wire

// NewMessage returns an empty message, nil for a kind that is not known.
func NewMessage(k Kind) Message { return newMessage(k) }

// newMessage returns an empty message, nil for a kind that is not known.
func newMessage(k Kind) Message {
	switch k {
	case KindQuery:
		return new(Query)
	case KindQueryReply:
		return new(QueryReply)
	case KindNewView:
		return new(NewView)
	case KindNewViewReply:
		return new(NewViewReply)
	case KindHello:
		return new(Hello)
	case KindBaseCheck:
		return new(BaseCheck)
	case KindBaseCheckReply:
		return new(BaseCheckReply)
	case KindJoinRequest:
		return new(JoinRequest)
	case KindJoin:
		return new(Join)
	case KindBallotTooLow:
		return new(BallotTooLow)
	case KindStart:
		return new(Start)
	case KindStarted:
		return new(Started)
	case KindActive:
		return new(Active)
	case KindFetch:
		return new(Fetch)
	case KindChunk:
		return new(Chunk)
	case KindPrepare:
		return new(Prepare)
	case KindAck:
		return new(Ack)
	case KindForward:
		return new(Forward)
	case KindForwardReply:
		return new(ForwardReply)
	case KindConfirm:
		return new(Confirm)
	case KindConfirmed:
		return new(Confirmed)
	case KindPull:
		return new(Pull)
	case KindPullReply:
		return new(PullReply)
	case KindCancel:
		return new(Cancel)
	}
	return newCausalMessage(k)
}

// message reads the body of a message that newMessage made.
func (d *decoder) message(m Message) {
	switch m := m.(type) {
	case *Query, *QueryReply, *NewView, *NewViewReply, *Hello, *BaseCheck, *BaseCheckReply:
		d.viewMessage(m)
	case *JoinRequest, *Join, *BallotTooLow, *Start, *Started, *Active, *Pull, *PullReply:
		d.roundMessage(m)
	case *Fetch:
		d.fetch(m)
	case *Chunk:
		d.chunk(m)
	case *Prepare:
		d.prepare(m)
	case *Ack:
		m.Ballot = d.ballot()
		m.Index = d.uvarint()
		m.Sum = d.fixed()
	case *Forward:
		m.Ballot = d.ballot()
		m.LowestOpen = d.uvarint()
		m.Ops = d.forwardedOps(m.LowestOpen)
	case *ForwardReply:
		m.Ballot = d.ballot()
		m.Refused = d.bool()
		m.Answers = d.answers(0)
	case *Confirm:
		m.Ballot = d.ballot()
		m.Nonce = d.uvarint()
	case *Confirmed:
		m.Ballot = d.ballot()
		m.Nonce = d.uvarint()
		m.Commit = d.uvarint()
	case *Cancel:
		m.Ballot = d.ballot()
		m.Counters = d.counterList()
	default:
		c := causalDecoder{decoder: d}
		c.message(m)
	}
}

func (d *decoder) viewMessage(m Message) {
	switch m := m.(type) {
	case *Query:
		m.PutID = d.uvarint()
		m.Ballot = d.ballot()
	case *QueryReply:
		m.PutID = d.uvarint()
		m.Present = d.bool()
		m.View = d.view()
		m.Ballot = d.ballot()
		m.Members = d.members()
		m.Knows = d.bool()
		m.Twin = d.bool()
		m.Data = d.bool()
		m.Heard = d.viewID()
		m.Expects = d.bool()
	case *NewView:
		m.PutID = d.uvarint()
		m.View = d.view()
	case *NewViewReply:
		m.PutID = d.uvarint()
		m.View = d.viewID()
		m.Accepted = d.bool()
		m.Held = d.viewID()
		m.Renewed = d.uvarint()
		m.Same = d.bool()
		m.Births = d.viewIDs()
		m.Layout = d.layout()
	case *Hello:
		m.Ballot = d.ballot()
		m.Promised = d.ballot()
		m.Commit = d.uvarint()
		m.Sum = d.fixed()
		m.Progress = d.uvarint()
		m.Serving = d.bool()
		m.Silent = d.nodes()
		m.Deaf = d.nodes()
		m.Stream = d.ordinal()
		m.Ready = d.bool()
		m.Clock = Instant(d.ordinal())
		m.CausalProgress = d.uvarint()
		m.LowestOpen = d.uvarint()
		m.Data = d.bool()
	case *BaseCheck:
		m.PutID = d.uvarint()
		m.Ballot = d.ballot()
	case *BaseCheckReply:
		m.PutID = d.uvarint()
		m.Contained = d.bool()
		m.Serving = d.bool()
		m.Progress = d.uvarint()
	}
}

func (d *decoder) roundMessage(m Message) {
	switch m := m.(type) {
	case *JoinRequest:
		m.Ballot = d.ballot()
		m.View = d.view()
	case *Join:
		m.Ballot = d.ballot()
		m.History = d.history()
		m.Staged = d.staged()
		m.Owed = d.knownBallots()
	case *BallotTooLow:
		m.Ballot = d.ballot()
		m.Promised = d.ballot()
	case *Start:
		m.Ballot = d.ballot()
		m.Base = d.base()
		m.Bound = d.sightings()
		m.Members = d.members()
		m.Whole = d.bool()
	case *Started:
		m.Ballot = d.ballot()
	case *Active:
		m.Ballot = d.ballot()
		m.Commit = d.uvarint()
	case *Pull:
		m.Ballot = d.ballot()
		m.View = d.view()
		m.Owed = d.knownBallot()
	case *PullReply:
		m.Ballot = d.ballot()
		m.Owed = d.ballot()
		m.Fate = Fate(d.enum("fate", byte(FateLost), byte(FateBelow)))
		m.Held = d.viewID()
	}
}

func (d *decoder) fetchPart() FetchPart {
	return FetchPart(d.enum("part", byte(FetchHead), byte(FetchEntries)))
}

func (d *decoder) fetch(m *Fetch) {
	m.Ballot = d.ballot()
	m.Source = d.ballot()
	m.Part = d.fetchPart()
	m.After = d.string()
	m.First = d.bool()
	m.From = d.uvarint()
}

func (d *decoder) chunk(m *Chunk) {
	m.Ballot = d.ballot()
	m.Source = d.ballot()
	m.Part = d.fetchPart()
	m.After = d.string()
	m.First = d.bool()
	m.From = d.uvarint()
	m.Missing = d.bool()
	m.Last = d.bool()
	m.Ledger = d.ledger()
	m.Records = d.records()
	m.Entries = d.entries()
}

func (d *decoder) prepare(m *Prepare) {
	m.Ballot = d.ballot()
	m.First = d.delta(&d.index)
	m.Commit = d.uvarint()
	m.Entries = d.entries()
}
