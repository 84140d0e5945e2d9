package wire

import "github.com/cohortkv/cohort/node/ids"

func (c *codec) node(v *ids.Node)               { c.uvarint((*uint64)(v)) }
func (c *codec) boot(v *ids.Boot)               { c.fixed64((*uint64)(v)) }
func (c *codec) incarnation(v *ids.Incarnation) { c.fixed64((*uint64)(v)) }

func (c *codec) viewID(v *ids.View) {
	if known(c, &c.views, v) {
		return
	}
	c.ordinal(&v.Number)
	c.node(&v.Author)
	c.boot(&v.Boot)
	c.views.add(v)
}

func (c *codec) ballot(v *ids.Ballot) {
	last := &c.ballots.slots[c.ballots.last]
	if c.way == writing && v.View == last.View && v.Round == last.Round && v.Boot == last.Boot {
		c.buf = append(c.buf, c.ballots.last+1) // as known would do, but without a call to compare 40 bytes
		return
	}
	if known(c, &c.ballots, v) {
		return
	}
	c.viewID(&v.View)
	c.ordinal(&v.Round)
	c.boot(&v.Boot)
	c.ballots.add(v)
}

func (c *codec) stamp(v *ids.Stamp) {
	c.ballot(&v.Ballot)
	c.delta(&c.index, &v.Index)
}

// origin is what the request ids, and the streams, of one boot of a node have in common.
type origin struct {
	Node ids.Node
	Boot ids.Boot
}

func (c *codec) origin(node *ids.Node, boot *ids.Boot) {
	o := origin{*node, *boot}
	if !known(c, &c.origins, &o) {
		c.node(&o.Node)
		c.boot(&o.Boot)
		c.origins.add(&o)
	}
	if c.way == reading {
		*node, *boot = o.Node, o.Boot
	}
}

func (c *codec) requestID(v *ids.Request) {
	c.origin(&v.Node, &v.Boot)
	c.delta(&c.counters[c.origins.last], &v.Counter)
}

var (
	viewIDList = elements("views", func(c *causalCodec) { c.viewID(new(ids.View)) })
	ballotList = elements("ballots", func(c *causalCodec) { c.ballot(new(ids.Ballot)) })
	nodeList   = elements("nodes", func(c *causalCodec) { c.node(new(ids.Node)) })
)

func (c *codec) viewIDs(s *[]ids.View) {
	for i := range list(c, s, &viewIDList) {
		c.viewID(&(*s)[i])
	}
}

func (c *codec) ballotIDs(s *[]ids.Ballot) {
	for i := range list(c, s, &ballotList) {
		c.ballot(&(*s)[i])
	}
}

func (c *codec) nodes(s *[]ids.Node) {
	for i := range list(c, s, &nodeList) {
		c.node(&(*s)[i])
	}
}
