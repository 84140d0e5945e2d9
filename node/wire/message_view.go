package wire

import "github.com/cohortkv/cohort/node/ids"

// Query asks a node what it holds, on behalf of a PUT /view. Answered by
// QueryReply at any time, in any view and in none.
type Query struct {
	PutID  uint64     // of the asking node's open PUT; comes back in the answer
	Ballot ids.Ballot // of the asking node's history
}

// Kind implements Message.
func (*Query) Kind() Kind { return KindQuery }

func (m *Query) fields(c *codec) {
	c.uvarint(&m.PutID)
	c.ballot(&m.Ballot)
}

// QueryReply says what a node holds.
type QueryReply struct {
	PutID   uint64
	Present bool // false: the node holds no view, and View is empty
	View    View
	Ballot  ids.Ballot // of its history
	Members []Member   // that took part in Ballot
	Knows   bool       // its history knows the ballot in the Query
	Twin    bool       // another process than the asking one says Hello under its id
	Data    bool       // it has data, of either model
	Heard   ids.View   // without data: the highest view in which it heard of some; zero: it heard of none
	Expects bool       // it was started as a node that has data
}

// Kind implements Message.
func (*QueryReply) Kind() Kind { return KindQueryReply }

func (m *QueryReply) fields(c *codec) {
	c.uvarint(&m.PutID)
	c.bool(&m.Present)
	m.View.fields(c)
	c.ballot(&m.Ballot)
	c.members(&m.Members)
	c.bool(&m.Knows)
	c.bool(&m.Twin)
	c.bool(&m.Data)
	c.viewID(&m.Heard)
	c.bool(&m.Expects)
}

// NewView carries a view to a member of it. Answered by NewViewReply.
type NewView struct {
	PutID uint64 // 0: passed on by a member; the answer matters to nobody
	View  View
}

// Kind implements Message.
func (*NewView) Kind() Kind { return KindNewView }

func (m *NewView) fields(c *codec) {
	c.uvarint(&m.PutID)
	m.View.fields(c)
}

// NewViewReply says whether a view was followed.
type NewViewReply struct {
	PutID    uint64
	View     ids.View // the view that was sent
	Accepted bool
	Held     ids.View   // what the node holds instead, when refused
	Renewed  uint64     // how often that was renewed
	Same     bool       // Held lists the same members: it is on its way to you
	Births   []ids.View // of Held
	Layout   Layout     // of Held, when the node is of another cluster than the view
}

// Kind implements Message.
func (*NewViewReply) Kind() Kind { return KindNewViewReply }

func (m *NewViewReply) fields(c *codec) {
	c.uvarint(&m.PutID)
	c.viewID(&m.View)
	c.bool(&m.Accepted)
	c.viewID(&m.Held)
	c.uvarint(&m.Renewed)
	c.bool(&m.Same)
	c.viewIDs(&m.Births)
	m.Layout.fields(c)
}

// Hello goes to every member of the sender's view each 100 ms. Liveness of a
// peer is judged by hellos alone.
type Hello struct {
	Ballot   ids.Ballot // of the sender's history
	Promised ids.Ballot
	Commit   uint64     // position in Ballot up to which it is committed
	Sum      uint64     // running sum of the log there (kv.Sum)
	Progress uint64     // grows whenever the sender's round got on
	Serving  bool       // primary: active; member: its history is of this view's round
	Silent   []ids.Node // members that the sender does not hear
	Deaf     []ids.Node // primary: members that do not hear it, as they say

	Stream         uint64  // position in the sender's causal stream
	Ready          bool    // its causal slots are ready
	Clock          Instant // of the sender, in its boot
	CausalProgress uint64  // grows whenever it got on with its causal slots
	LowestOpen     uint64  // it forwards no request below this number any more

	Data bool // the sender has data, of either model
}

// Kind implements Message.
func (*Hello) Kind() Kind { return KindHello }

func (m *Hello) fields(c *codec) {
	c.ballot(&m.Ballot)
	c.ballot(&m.Promised)
	c.uvarint(&m.Commit)
	c.fixed64(&m.Sum)
	c.uvarint(&m.Progress)
	c.bool(&m.Serving)
	c.nodes(&m.Silent)
	c.nodes(&m.Deaf)
	c.ordinal(&m.Stream)
	c.bool(&m.Ready)
	c.instant(&m.Clock)
	c.uvarint(&m.CausalProgress)
	c.uvarint(&m.LowestOpen)
	c.bool(&m.Data)
}

// BaseCheck asks the primary of a view whether its active base contains a history
// that stood in Ballot.
type BaseCheck struct {
	PutID  uint64
	Ballot ids.Ballot
}

// Kind implements Message.
func (*BaseCheck) Kind() Kind { return KindBaseCheck }

func (m *BaseCheck) fields(c *codec) {
	c.uvarint(&m.PutID)
	c.ballot(&m.Ballot)
}

// BaseCheckReply answers BaseCheck.
type BaseCheckReply struct {
	PutID     uint64
	Contained bool
	Serving   bool   // the base is active, so that Contained will not change by itself
	Progress  uint64 // as in Hello
}

// Kind implements Message.
func (*BaseCheckReply) Kind() Kind { return KindBaseCheckReply }

func (m *BaseCheckReply) fields(c *codec) {
	c.uvarint(&m.PutID)
	c.bool(&m.Contained)
	c.bool(&m.Serving)
	c.uvarint(&m.Progress)
}
