package wire

import "github.com/cohortkv/cohort/node/ids"

// Query asks a node what it holds, on behalf of a PUT of a view. Any node answers with
// QueryReply at any time, in any view and in none.
type Query struct {
	PutID  uint64     // of the open PUT of the sender; comes back in the answer
	Ballot ids.Ballot // of the sender's history
}

// Kind implements Message.
func (*Query) Kind() Kind { return KindQuery }

func (m *Query) fields(c *codec) {
	c.uvarint(&m.PutID)
	c.ballot(&m.Ballot)
}

// QueryReply says what a node holds.
type QueryReply struct {
	PutID   uint64     // as in the Query
	Present bool       // false: the node holds no view, and View is empty
	View    View       // that the node holds
	Ballot  ids.Ballot // of its history; not above View
	Members []Member   // that took part in Ballot; at most 1,024
	Knows   bool       // its history knows the ballot in the Query
	Twin    bool       // the node hears another process under the id of the sender of the Query
	Data    bool       // it has data, of either model
	Heard   ids.View   // if it has no data: the highest view in which it heard of some; zero: it heard of none
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

// NewView brings a view to a member of it, which answers with NewViewReply.
type NewView struct {
	PutID uint64 // of the open PUT of the sender; 0: a member passes the view on, and needs no answer
	View  View
}

// Kind implements Message.
func (*NewView) Kind() Kind { return KindNewView }

func (m *NewView) fields(c *codec) {
	c.uvarint(&m.PutID)
	m.View.fields(c)
}

// NewViewReply says whether a node followed a view.
type NewViewReply struct {
	PutID    uint64     // as in the NewView
	View     ids.View   // as in the NewView
	Accepted bool       // the node holds the view now
	Held     ids.View   // if refused: the view that the node holds
	Renewed  uint64     // how often Held was renewed
	Same     bool       // Held lists the same members, so it reaches the author by itself
	Births   []ids.View // of Held
	Layout   Layout     // of Held, if the node is of another cluster than the view
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

// Hello goes to every member of the sender's view each 100 ms, or less often to far ones.
// Liveness of a peer is judged by hellos alone.
type Hello struct {
	// Of the strong bucket.
	Ballot   ids.Ballot // of the sender's history
	Promised ids.Ballot // the only ballot for which it acknowledges and confirms (I2)
	Commit   uint64     // position in Ballot up to which it is committed
	Sum      uint64     // running sum of the log there (kv.Sum)
	Progress uint64     // grows whenever the sender's round got on
	Serving  bool       // primary: active; member: its history is of this view's round
	Silent   []ids.Node // members that the sender does not hear
	Deaf     []ids.Node // primary: members that say that they do not hear it

	// Of the causal bucket.
	Stream         uint64 // the sender's last position in its stream in this view; an ordinal
	Ready          bool   // the sender serves its slots
	CausalProgress uint64 // grows whenever the sender got on with its slots
	LowestOpen     uint64 // the sender's causal writes below this counter are finished (docs/forwarding.md §1)

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
	c.uvarint(&m.CausalProgress)
	c.uvarint(&m.LowestOpen)
	c.bool(&m.Data)
}

// BaseCheck asks the primary of a view whether its active base contains a history
// that stood in Ballot.
type BaseCheck struct {
	PutID  uint64 // of the open PUT of the sender; comes back in the answer
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
	PutID     uint64 // as in the BaseCheck
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
