// Package ids has the types that name things: nodes and their boots, views, ballots,
// entries, requests, and the handles of clients and of bus requests. They are plain values,
// compared with ==; Compare orders those that have an order.
package ids

import "cmp"

// Node names a node; operators choose it (NODE_IDENTIFIER), and the lowest id
// of a view is its primary.
type Node uint64

// Incarnation is random, made together with a node's empty state and kept with
// it. A node that lost its state has another one and is a stranger (I9). It is
// only ever compared for equality.
type Incarnation uint64

// Boot is random, new at every start of a process. Compared for equality only.
type Boot uint64

// View identifies a view: numbers alone are not unique, because two authors,
// or two boots of one author, may choose the same one (docs/views.md §1.1).
type View struct {
	Number uint64
	Author Node
	Boot   Boot
}

// Compare orders view ids: number, then author, then the author's boot.
func (v View) Compare(o View) int {
	if c := cmp.Compare(v.Number, o.Number); c != 0 {
		return c
	}
	if c := cmp.Compare(v.Author, o.Author); c != 0 {
		return c
	}
	return cmp.Compare(v.Boot, o.Boot)
}

// IsZero reports "no view".
func (v View) IsZero() bool { return v == View{} }

// Ballot identifies a round of one view, run by one boot of its primary (I21).
// Two ballots are the same only if every field is.
type Ballot struct {
	View  View
	Round uint64
	Boot  Boot // of the primary
}

// Compare orders ballots: view id, round, boot.
func (b Ballot) Compare(o Ballot) int {
	if c := b.View.Compare(o.View); c != 0 {
		return c
	}
	if c := cmp.Compare(b.Round, o.Round); c != 0 {
		return c
	}
	return cmp.Compare(b.Boot, o.Boot)
}

// IsZero reports the blank ballot: a history that was never part of a view.
func (b Ballot) IsZero() bool { return b == Ballot{} }

// Stamp says where an entry was born: the ballot and the position in its log,
// counted from 1. It is given once and never changes, whatever base carries the
// value on.
type Stamp struct {
	Ballot Ballot
	Index  uint64
}

// Compare orders stamps: ballot, then index.
func (s Stamp) Compare(o Stamp) int {
	if c := s.Ballot.Compare(o.Ballot); c != 0 {
		return c
	}
	return cmp.Compare(s.Index, o.Index)
}

// Request names one client operation for its whole life, however often it is
// sent: the node that took it, that node's boot, and a counter without gaps.
type Request struct {
	Node    Node
	Boot    Boot
	Counter uint64
}

// Token is the driver's handle for a client that waits. The core carries it and
// gives it back in a Reply or a Read; it means nothing else.
type Token uint64

// ReplyTo is the bus's handle for the answer to a request; empty when the
// message was not one.
type ReplyTo string
