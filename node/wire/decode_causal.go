package wire

// newCausalMessage is newMessage for the messages of causal buckets.
func newCausalMessage(k Kind) Message {
	switch k {
	case KindBatch:
		return new(Batch)
	case KindBatchAck:
		return new(BatchAck)
	case KindMissing:
		return new(Missing)
	case KindOutrun:
		return new(Outrun)
	case KindOpen:
		return new(Open)
	case KindHave:
		return new(Have)
	case KindWant:
		return new(Want)
	case KindItems:
		return new(Items)
	case KindOffer:
		return new(Offer)
	case KindTaken:
		return new(Taken)
	case KindAskKey:
		return new(AskKey)
	case KindKeyAnswer:
		return new(KeyAnswer)
	case KindCarry:
		return new(Carry)
	case KindCarryAnswer:
		return new(CarryAnswer)
	case KindCarryCancel:
		return new(CarryCancel)
	case KindExplain:
		return new(Explain)
	case KindExplained:
		return new(Explained)
	}
	return nil
}

// causalDecoder reads the messages of docs/causal.md.
type causalDecoder struct {
	*decoder
	causalMemory
}

// message reads the body of a message that newCausalMessage made.
func (d *causalDecoder) message(m Message) {
	switch m := m.(type) {
	case *Open, *Have, *Want, *Items, *Offer, *Taken, *Explain, *Explained:
		d.exchangeMessage(m)
	case *AskKey, *KeyAnswer, *Carry, *CarryAnswer, *CarryCancel:
		d.requestMessage(m)
	case *Batch:
		m.View = d.viewID()
		m.First = d.ordinal()
		m.Items = d.items()
	case *BatchAck:
		m.View = d.viewID()
		m.N = d.ordinal()
	case *Missing:
		m.View = d.viewID()
		m.From = d.ordinal()
		m.To = d.ordinal()
	case *Outrun:
		m.View = d.viewID()
		m.UpTo = d.ordinal()
	}
}

func (d *causalDecoder) exchangeMessage(m Message) {
	switch m := m.(type) {
	case *Open:
		m.Session = d.uvarint()
		m.Slots = d.slotRanges()
		m.Survey = d.bool()
		m.Going = d.uvarint()
		m.Sums = d.sums()
		m.Births = d.viewIDs()
		m.Forgotten = d.forgotten()
	case *Have:
		m.Session = d.uvarint()
		m.View = d.viewID()
		m.Layout = d.fixed()
		m.Epoch = d.uvarint()
		m.Mark = d.uvarint()
		m.Held = d.holdings()
		m.Frozen = d.bool()
		m.Heir = d.bool()
		m.Unsettled = d.bool()
		m.Floor = d.fixed()
		m.Over = d.lives()
		m.Gone = d.uvarint()
		m.Former = d.members()
		m.Heard = d.vector()
		m.Takers = d.lives()
		m.Asking = d.lives()
		m.Groups = d.groups()
		m.Forgotten = d.forgotten()
	case *Want:
		m.Session = d.uvarint()
		m.Slots = d.slotRanges()
		m.After = d.cursor()
	case *Items:
		m.Session = d.uvarint()
		m.Epoch = d.uvarint()
		m.After = d.cursor()
		m.Floors = d.floors()
		m.Items = d.items()
		m.Last = d.bool()
	case *Offer:
		m.Mark = d.uvarint()
	case *Taken:
		m.Boot = Boot(d.fixed())
		m.Mark = d.uvarint()
		m.Slots = d.slotRanges()
	case *Explain:
		m.Session = d.uvarint()
		m.Views = d.viewIDs()
	case *Explained:
		m.Session = d.uvarint()
		m.Views = d.knownViews()
	}
}

func (d *causalDecoder) requestMessage(m Message) {
	switch m := m.(type) {
	case *AskKey:
		m.Session = d.uvarint()
		m.Key = d.key()
		m.Births = d.viewIDs()
	case *KeyAnswer:
		m.Session = d.uvarint()
		m.Key = d.key()
		m.Held = d.bool()
		m.Ready = d.bool()
		m.Floor = d.ordinal()
		m.Present = d.itemIf(&m.Item)
	case *Carry:
		m.Counter = d.uvarint()
		m.Read = d.bool()
		if m.Read {
			m.Op.Key = d.key()
		} else {
			d.op(&m.Op)
		}
		m.Context = d.context()
		m.Heard = Instant(d.ordinal())
		m.HeardBoot = Boot(d.fixed())
	case *CarryAnswer:
		m.Counter = d.uvarint()
		m.Fate = CarryFate(d.enum("fate of a request", byte(CarryDone), byte(CarryImplausible)))
		m.Clock = Instant(d.ordinal())
		m.Present = d.itemIf(&m.Item)
		m.Existed = d.bool()
		m.Context = d.context()
	case *CarryCancel:
		m.Counters = d.counterList()
	}
}
