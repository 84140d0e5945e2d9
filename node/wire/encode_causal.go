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
	case *DigestRequest, *Digest, *FetchItems, *Items, *Handoff, *HandoffAck, *ViewInfoRequest, *ViewInfo:
		e.exchangeMessage(m)
	case *KeyRequest, *KeyReply, *CausalForward, *CausalForwardReply, *CausalForwardCancel:
		e.requestMessage(m)
	case *Batch:
		e.viewID(m.View)
		e.uvarint(m.First)
		e.items(m.Items)
	case *BatchAck:
		e.viewID(m.View)
		e.uvarint(m.N)
	case *ResendRequest:
		e.viewID(m.View)
		e.uvarint(m.From)
		e.uvarint(m.To)
	case *Truncated:
		e.viewID(m.View)
		e.uvarint(m.UpTo)
	default:
		panic(fmt.Sprintf("wire: no encoding for %T", m))
	}
}

// exchangeMessage writes the messages that bring nodes to the same items.
func (e *causalEncoder) exchangeMessage(m Message) {
	switch m := m.(type) {
	case *DigestRequest:
		e.uvarint(m.Session)
		e.slotRanges(m.Slots)
		e.bool(m.Survey)
		e.uvarint(m.Collecting)
		e.sums(m.Sums)
		e.viewIDs(m.Births)
		e.forgotten(m.Forgotten)
	case *Digest:
		e.uvarint(m.Session)
		e.viewID(m.View)
		e.fixed(m.Layout)
		e.uvarint(m.Removals)
		e.uvarint(m.Revision)
		e.holdings(&m.Held)
		e.bool(m.Frozen)
		e.bool(m.Descends)
		e.bool(m.Unsynced)
		e.fixed(m.StableCut)
		e.nodeBoots(m.Ended)
		e.uvarint(m.GCCounter)
		e.members(m.Former)
		e.vector(m.Heard)
		e.nodeBoots(m.Acked)
		e.nodeBoots(m.Requesting)
		e.groups(m.Groups)
		e.forgotten(m.Forgotten)
	case *FetchItems:
		e.uvarint(m.Session)
		e.slotRanges(m.Slots)
		e.cursor(&m.After)
	case *Items:
		e.uvarint(m.Session)
		e.uvarint(m.RemovedAt)
		e.cursor(&m.After)
		e.gcCounters(m.GCCounters)
		e.items(m.Items)
		e.bool(m.Last)
	case *Handoff:
		e.uvarint(m.Revision)
	case *HandoffAck:
		e.fixed(uint64(m.Boot))
		e.uvarint(m.Revision)
		e.slotRanges(m.Slots)
	case *ViewInfoRequest:
		e.uvarint(m.Session)
		e.viewIDs(m.Views)
	case *ViewInfo:
		e.uvarint(m.Session)
		e.knownViews(m.Views)
	}
}

// requestMessage writes what is asked and answered about one key.
func (e *causalEncoder) requestMessage(m Message) {
	switch m := m.(type) {
	case *KeyRequest:
		e.uvarint(m.Session)
		e.string(m.Key)
		e.viewIDs(m.Births)
	case *KeyReply:
		e.uvarint(m.Session)
		e.string(m.Key)
		e.bool(m.Held)
		e.bool(m.Ready)
		e.uvarint(m.GCCounter)
		e.itemIf(m.Present, &m.Item)
	case *CausalForward:
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
	case *CausalForwardReply:
		e.uvarint(m.Counter)
		e.byte(byte(m.Fate))
		e.uvarint(uint64(m.Clock))
		e.itemIf(m.Present, &m.Item)
		e.bool(m.Existed)
		e.context(&m.Context)
	case *CausalForwardCancel:
		e.counterList(m.Counters)
	}
}
