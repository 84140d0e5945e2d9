package core

import (
	"slices"

	"github.com/cohortkv/cohort/node/ids"
)

// Event is worth a log line, a counter or a trace line.
type Event struct {
	Kind   *EventKind
	Peer   ids.Node
	View   ids.View
	Ballot ids.Ballot
	Count  uint64
	Note   string
}

// EventKind defines an event. Each package defines its own with EventKinds, and lists them.
type EventKind struct {
	Name    string // in the log, in traces, and as the label of the counter
	Meaning string // docs/operations.md §8 repeats it word for word
	Level   EventLevel
	Forms   []EventForm
}

func (k *EventKind) String() string { return k.Name }

// Has reports whether events of this kind have the form.
func (k *EventKind) Has(form EventForm) bool { return slices.Contains(k.Forms, form) }

// EventLevel says how loud an event is. Its number is that of the same level of slog.
type EventLevel int

// The levels. Info is a change of state, so that a quiet cluster logs nothing. Debug is for readers
// of the protocol.
const (
	Debug EventLevel = -4
	Info  EventLevel = 0
	Warn  EventLevel = 4
)

// EventForm is a property of the log line of an event.
type EventForm uint8

// The forms.
const (
	OfPeer        EventForm = iota // the event concerns its Peer
	Duration                       // Count is a duration in milliseconds
	WithCause                      // the line has the cause that the bus knows
	OncePerMinute                  // for each peer; repetitions have the level Debug
	OncePerView                    // for each peer; repetitions have the level Debug
)

// EventKinds is the list of the events of a package. Its methods define one each, add it to the
// list and return it. They are for the initialization of packages alone.
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
