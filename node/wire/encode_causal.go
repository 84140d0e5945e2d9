package wire

import "fmt"

// causalEncoder writes the messages of docs/causal.md; decode_causal.go reads
// them in the same order.
type causalEncoder struct {
	*encoder
	causalMemory
}

// message writes the body of a message.
func (e *causalEncoder) message(m Message) {
	switch m := m.(type) {
	case *Open, *Have, *Want, *Items, *Offer, *Taken, *Explain, *Explained:
		e.exchangeMessage(m)
	case *AskKey, *KeyAnswer, *Carry, *CarryAnswer, *CarryCancel:
		e.requestMessage(m)
	case *Batch:
		e.viewID(m.View)
		e.uvarint(m.First)
		e.items(m.Items)
	case *BatchAck:
		e.viewID(m.View)
		e.uvarint(m.N)
	case *Missing:
		e.viewID(m.View)
		e.uvarint(m.From)
		e.uvarint(m.To)
	case *Outrun:
		e.viewID(m.View)
		e.uvarint(m.UpTo)
	default:
		panic(fmt.Sprintf("wire: no encoding for %T", m))
	}
}

// exchangeMessage writes the messages that bring nodes to the same items.
func (e *causalEncoder) exchangeMessage(m Message) {
	switch m := m.(type) {
	case *Open:
		e.uvarint(m.Session)
		e.slotRanges(m.Slots)
		e.bool(m.Survey)
		e.uvarint(m.Going)
		e.sums(m.Sums)
		e.viewIDs(m.Births)
		e.forgotten(m.Forgotten)
	case *Have:
		e.uvarint(m.Session)
		e.viewID(m.View)
		e.fixed(m.Layout)
		e.uvarint(m.Epoch)
		e.uvarint(m.Mark)
		e.holdings(&m.Held)
		e.bool(m.Frozen)
		e.bool(m.Heir)
		e.bool(m.Unsettled)
		e.fixed(m.Floor)
		e.lives(m.Over)
		e.uvarint(m.Gone)
		e.members(m.Former)
		e.vector(m.Heard)
		e.lives(m.Takers)
		e.lives(m.Asking)
		e.groups(m.Groups)
		e.forgotten(m.Forgotten)
	case *Want:
		e.uvarint(m.Session)
		e.slotRanges(m.Slots)
		e.cursor(&m.After)
	case *Items:
		e.uvarint(m.Session)
		e.uvarint(m.Epoch)
		e.cursor(&m.After)
		e.floors(m.Floors)
		e.items(m.Items)
		e.bool(m.Last)
	case *Offer:
		e.uvarint(m.Mark)
	case *Taken:
		e.fixed(uint64(m.Boot))
		e.uvarint(m.Mark)
		e.slotRanges(m.Slots)
	case *Explain:
		e.uvarint(m.Session)
		e.viewIDs(m.Views)
	case *Explained:
		e.uvarint(m.Session)
		e.knownViews(m.Views)
	}
}

// requestMessage writes what is asked and answered about one key.
func (e *causalEncoder) requestMessage(m Message) {
	switch m := m.(type) {
	case *AskKey:
		e.uvarint(m.Session)
		e.string(m.Key)
		e.viewIDs(m.Births)
	case *KeyAnswer:
		e.uvarint(m.Session)
		e.string(m.Key)
		e.bool(m.Held)
		e.bool(m.Ready)
		e.uvarint(m.Floor)
		e.itemIf(m.Present, &m.Item)
	case *Carry:
		e.uvarint(m.Counter)
		e.bool(m.Read)
		if m.Read {
			e.string(m.Op.Key)
		} else {
			e.op(&m.Op)
		}
		e.context(&m.Context)
		e.uvarint(uint64(m.Heard))
		e.fixed(uint64(m.HeardBoot))
	case *CarryAnswer:
		e.uvarint(m.Counter)
		e.byte(byte(m.Fate))
		e.uvarint(uint64(m.Clock))
		e.itemIf(m.Present, &m.Item)
		e.bool(m.Existed)
		e.context(&m.Context)
	case *CarryCancel:
		e.counterList(m.Counters)
	}
}
