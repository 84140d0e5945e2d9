package core

import (
	"slices"

	"github.com/cohortkv/cohort/node/ids"
)

// Event is one fact about the protocol that is worth a counter and perhaps a log line. A core
// never acts on events. Fields that the kind does not use are zero.
type Event struct {
	Kind   *EventKind
	Peer   ids.Node // the member that the event concerns (OfPeer)
	View   ids.View
	Ballot ids.Ballot
	Count  uint64 // what the kind's Meaning calls `count`; in milliseconds with Duration
	Note   string // for people, and never parsed
}

// EventKind defines an event. A kind is compared by its address, so each has one definition.
// Each package defines its kinds with an EventKinds list.
type EventKind struct {
	Name    string // in the log, in traces, and as the label of the counter
	Meaning string // docs/operations.md §8 repeats it word for word
	Level   EventLevel
	Forms   []EventForm // properties of the log line
}

func (k *EventKind) String() string { return k.Name }

// Has reports whether events of this kind have the form.
func (k *EventKind) Has(form EventForm) bool { return slices.Contains(k.Forms, form) }

// EventLevel says how loud an event is. Its number is that of the same level of slog, so that
// the runtime converts it without a table.
type EventLevel int

// The levels. Info is a change of state, so a quiet cluster logs nothing. Debug is for readers
// of the protocol. Warn is for operators.
const (
	Debug EventLevel = -4
	Info  EventLevel = 0
	Warn  EventLevel = 4
)

// EventForm is a property of the log line of an event kind.
type EventForm uint8

// The forms.
const (
	OfPeer        EventForm = iota // the event concerns its Peer
	Duration                       // Count is a duration in milliseconds
	WithCause                      // the line has the fault that the bus knows of the way to Peer
	OncePerMinute                  // for each peer; repetitions have the level Debug
	OncePerView                    // for each peer; repetitions have the level Debug
)

// EventKinds lists the event kinds of a package. Each method defines one kind, adds it to the
// list and returns it. Only the initialization of packages may call these methods.
type EventKinds []*EventKind

// Debug defines an event of the level Debug.
func (l *EventKinds) Debug(name, meaning string, forms ...EventForm) *EventKind {
	return l.define(&EventKind{Name: name, Meaning: meaning, Level: Debug, Forms: forms})
}

// Info defines an event of the level Info.
func (l *EventKinds) Info(name, meaning string, forms ...EventForm) *EventKind {
	return l.define(&EventKind{Name: name, Meaning: meaning, Level: Info, Forms: forms})
}

// Warn defines an event of the level Warn.
func (l *EventKinds) Warn(name, meaning string, forms ...EventForm) *EventKind {
	return l.define(&EventKind{Name: name, Meaning: meaning, Level: Warn, Forms: forms})
}

func (l *EventKinds) define(k *EventKind) *EventKind {
	*l = append(*l, k)
	return k
}

var events EventKinds

// Events lists the events that several cores emit.
func Events() EventKinds { return events }

// EventMalformed is emitted by every core that receives messages.
var EventMalformed = events.Warn("message_malformed", "`peer` sent a message that breaks a rule of the protocol; it was dropped", OfPeer, OncePerView)
