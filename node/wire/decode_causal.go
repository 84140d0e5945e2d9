package wire

import "github.com/cohortkv/cohort/node/ids"

// newCausalMessage is newMessage for the messages of causal buckets.
func newCausalMessage(k Kind) Message {
	switch k {
	case KindBatch:
		return new(Batch)
	case KindBatchAck:
		return new(BatchAck)
	case KindResendRequest:
		return new(ResendRequest)
	case KindTruncated:
		return new(Truncated)
	case KindDigestRequest:
		return new(DigestRequest)
	case KindDigest:
		return new(Digest)
	case KindFetchItems:
		return new(FetchItems)
	case KindItems:
		return new(Items)
	case KindHandoff:
		return new(Handoff)
	case KindHandoffAck:
		return new(HandoffAck)
	case KindKeyRequest:
		return new(KeyRequest)
	case KindKeyReply:
		return new(KeyReply)
	case KindCausalForward:
		return new(CausalForward)
	case KindCausalForwardReply:
		return new(CausalForwardReply)
	case KindCausalForwardCancel:
		return new(CausalForwardCancel)
	case KindViewInfoRequest:
		return new(ViewInfoRequest)
	case KindViewInfo:
		return new(ViewInfo)
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
	case *DigestRequest, *Digest, *FetchItems, *Items, *Handoff, *HandoffAck, *ViewInfoRequest, *ViewInfo:
		d.exchangeMessage(m)
	case *KeyRequest, *KeyReply, *CausalForward, *CausalForwardReply, *CausalForwardCancel:
		d.requestMessage(m)
	case *Batch:
		m.View = d.viewID()
		m.First = d.ordinal()
		m.Items = d.items()
	case *BatchAck:
		m.View = d.viewID()
		m.N = d.ordinal()
	case *ResendRequest:
		m.View = d.viewID()
		m.From = d.ordinal()
		m.To = d.ordinal()
	case *Truncated:
		m.View = d.viewID()
		m.UpTo = d.ordinal()
	}
}

func (d *causalDecoder) exchangeMessage(m Message) {
	switch m := m.(type) {
	case *DigestRequest:
		m.Session = d.uvarint()
		m.Slots = d.slotRanges()
		m.Survey = d.bool()
		m.Collecting = d.uvarint()
		m.Sums = d.sums()
		m.Births = d.viewIDs()
		m.Forgotten = d.forgotten()
	case *Digest:
		m.Session = d.uvarint()
		m.View = d.viewID()
		m.Layout = d.fixed()
		m.Removals = d.uvarint()
		m.Revision = d.uvarint()
		m.Held = d.holdings()
		m.Frozen = d.bool()
		m.Descends = d.bool()
		m.Unsynced = d.bool()
		m.StableCut = d.fixed()
		m.Ended = d.nodeBoots()
		m.GCCounter = d.uvarint()
		m.Former = d.members()
		m.Heard = d.vector()
		m.Acked = d.nodeBoots()
		m.Requesting = d.nodeBoots()
		m.Groups = d.groups()
		m.Forgotten = d.forgotten()
	case *FetchItems:
		m.Session = d.uvarint()
		m.Slots = d.slotRanges()
		m.After = d.cursor()
	case *Items:
		m.Session = d.uvarint()
		m.RemovedAt = d.uvarint()
		m.After = d.cursor()
		m.GCCounters = d.gcCounters()
		m.Items = d.items()
		m.Last = d.bool()
	case *Handoff:
		m.Revision = d.uvarint()
	case *HandoffAck:
		m.Boot = ids.Boot(d.fixed())
		m.Revision = d.uvarint()
		m.Slots = d.slotRanges()
	case *ViewInfoRequest:
		m.Session = d.uvarint()
		m.Views = d.viewIDs()
	case *ViewInfo:
		m.Session = d.uvarint()
		m.Views = d.knownViews()
	}
}

func (d *causalDecoder) requestMessage(m Message) {
	switch m := m.(type) {
	case *KeyRequest:
		m.Session = d.uvarint()
		m.Key = d.key()
		m.Births = d.viewIDs()
	case *KeyReply:
		m.Session = d.uvarint()
		m.Key = d.key()
		m.Held = d.bool()
		m.Ready = d.bool()
		m.GCCounter = d.ordinal()
		m.Present = d.itemIf(&m.Item)
	case *CausalForward:
		m.Counter = d.uvarint()
		m.Read = d.bool()
		if m.Read {
			m.Op.Key = d.key()
		} else {
			d.op(&m.Op)
		}
		m.Context = d.context()
		m.Heard = Instant(d.ordinal())
		m.HeardBoot = ids.Boot(d.fixed())
	case *CausalForwardReply:
		m.Counter = d.uvarint()
		m.Fate = ForwardFate(d.enum("fate of a request", byte(ForwardDone), byte(ForwardImplausible)))
		m.Clock = Instant(d.ordinal())
		m.Present = d.itemIf(&m.Item)
		m.Existed = d.bool()
		m.Context = d.context()
	case *CausalForwardCancel:
		m.Counters = d.counterList()
	}
}
