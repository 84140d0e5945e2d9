package wire

import (
	"cmp"
	"slices"

	"github.com/cohortkv/cohort/node/ids"
)

// View is a list of members under an id, with what its author had heard. ID, Layout and Force
// never change. Saw, Ancestors and Births may grow while the PUT that made the view is open,
// which only lets more nodes follow it. A receiver refuses a view whose lists are out of order
// or too long.
type View struct {
	ID        ids.View
	Layout    Layout        // at most 1,024 members and as many shards over the bus; a PUT may have 256
	Renewed   uint64        // how often an operator put the list again while it was in force
	Force     bool          // gives up ballots that are owed and cannot be had
	Saw       []Sighting    // what the author heard from each node that answered; at most 5,120
	Ancestors []Ancestor    // the views that it replaces, and theirs; ascending, at most 1,000
	Known     []KnownBallot // ballots that members must have before the view is active (I24); at most 4,096
	Sources   []Member      // nodes outside the view that offer their data to it; at most 1,024
	Births    []ids.View    // the first views that it descends from, the identity of the cluster; ascending, at most 64
}

func (v *View) fields(c *codec) {
	c.viewID(&v.ID)
	v.Layout.fields(c)
	c.bool(&v.Force)
	c.sightings(&v.Saw)
	c.uvarint(&v.Renewed)
	for i := range list(c, &v.Ancestors, &ancestorList) {
		v.Ancestors[i].fields(c)
	}
	c.knownBallots(&v.Known)
	c.members(&v.Sources)
	c.viewIDs(&v.Births)
}

// Layout is what an operator put: which nodes, in which shards, where. It is
// canonical: shards by name, members by id, so that equal lists compare equal
// however they were written.
type Layout struct {
	Flat   bool    // put as one flat list; concerns only how the layout is shown
	Shards []Shard // ascending by name
}

func (l *Layout) fields(c *codec) {
	c.bool(&l.Flat)
	for i := range list(c, &l.Shards, &shardList) {
		l.Shards[i].fields(c)
	}
}

// Shard is a named group of members.
type Shard struct {
	Name    string   // at most 255 bytes in a PUT
	Members []Member // ascending by id
}

func (s *Shard) fields(c *codec) {
	c.string(&s.Name)
	c.members(&s.Members)
}

var shardList = elements("shards", func(c *causalCodec) { new(Shard).fields(c.codec) })

// Member is a node of a view and where the view says that it can be reached.
type Member struct {
	ID      ids.Node
	Address string // HTTP, host:port
	Bus     string // host:port of its bus; empty: the HTTP port + 1000
}

func (m *Member) fields(c *codec) {
	c.node(&m.ID)
	c.string(&m.Address)
	c.string(&m.Bus)
}

var memberList = elements("members", func(c *causalCodec) { new(Member).fields(c.codec) })

func (c *codec) members(s *[]Member) {
	for i := range list(c, s, &memberList) {
		(*s)[i].fields(c)
	}
}

// Sighting is what the author of a view heard from one node: which incarnation
// it is and which view it held.
type Sighting struct {
	Node ids.Node
	Inc  ids.Incarnation
	View ids.View // zero: it held none
}

func (s *Sighting) fields(c *codec) {
	c.node(&s.Node)
	c.incarnation(&s.Inc)
	c.viewID(&s.View)
}

var sightingList = elements("sightings", func(c *causalCodec) { new(Sighting).fields(c.codec) })

func (c *codec) sightings(s *[]Sighting) {
	for i := range list(c, s, &sightingList) {
		(*s)[i].fields(c)
	}
}

// Ancestor is a view that was replaced.
type Ancestor struct {
	View    ids.View
	Renewed uint64 // how often it had been renewed, as far as the author of its successor had heard
}

func (a *Ancestor) fields(c *codec) {
	c.viewID(&a.View)
	c.uvarint(&a.Renewed)
}

var ancestorList = elements("ancestors", func(c *causalCodec) { new(Ancestor).fields(c.codec) })

// KnownBallot is a ballot in which some node's history stood when a view was made.
type KnownBallot struct {
	Ballot  ids.Ballot // of a view below the one that lists it
	Members []Member   // that took part in the ballot, and so can have its history
}

func (k *KnownBallot) fields(c *codec) {
	c.ballot(&k.Ballot)
	c.members(&k.Members)
}

var knownBallotList = elements("known ballots", func(c *causalCodec) { new(KnownBallot).fields(c.codec) })

func (c *codec) knownBallots(s *[]KnownBallot) {
	for i := range list(c, s, &knownBallotList) {
		(*s)[i].fields(c)
	}
}

// Kin reports whether two views are of one cluster: they descend from a first view in
// common (docs/views.md §1.1). A node that never had a view is kin to everybody.
func Kin(a, b []ids.View) bool {
	if len(a) == 0 || len(b) == 0 {
		return true
	}
	return slices.ContainsFunc(a, func(id ids.View) bool { return slices.Contains(b, id) })
}

// Canonical sorts a layout in place and returns it.
func (l Layout) Canonical() Layout {
	slices.SortFunc(l.Shards, func(a, b Shard) int { return cmp.Compare(a.Name, b.Name) })
	for i := range l.Shards {
		slices.SortFunc(l.Shards[i].Members, func(a, b Member) int { return cmp.Compare(a.ID, b.ID) })
	}
	return l
}

// Equal reports whether two canonical layouts list the same members in the same
// shards at the same addresses. A node at a new address is another layout.
func (l Layout) Equal(o Layout) bool {
	return slices.EqualFunc(l.Shards, o.Shards, func(a, b Shard) bool {
		return a.Name == b.Name && slices.Equal(a.Members, b.Members)
	})
}

// Members lists the nodes of all shards by id. The slice is new.
func (l Layout) Members() []Member {
	var all []Member
	for _, s := range l.Shards {
		all = append(all, s.Members...)
	}
	slices.SortFunc(all, func(a, b Member) int { return cmp.Compare(a.ID, b.ID) })
	return all
}

// Find returns the member with this id.
func (l Layout) Find(id ids.Node) (Member, bool) {
	for _, s := range l.Shards {
		for _, m := range s.Members {
			if m.ID == id {
				return m, true
			}
		}
	}
	return Member{}, false
}

// Primary is the lowest id of the view; false when it has no members.
func (v *View) Primary() (ids.Node, bool) {
	members := v.Layout.Members()
	if len(members) == 0 {
		return 0, false
	}
	return members[0].ID, true
}

// Has reports whether a node is a member.
func (v *View) Has(id ids.Node) bool {
	_, ok := v.Layout.Find(id)
	return ok
}

// Descends reports whether v replaces the view with this id, directly or not.
func (v *View) Descends(id ids.View) bool {
	_, ok := v.ancestor(id)
	return ok
}

// Replaces reports whether v was made in knowledge of held as it is: of its id,
// and of every time that an operator confirmed it since.
func (v *View) Replaces(held *View) bool {
	a, ok := v.ancestor(held.ID)
	return ok && a.Renewed >= held.Renewed
}

func (v *View) ancestor(id ids.View) (Ancestor, bool) {
	i, ok := slices.BinarySearchFunc(v.Ancestors, id, func(a Ancestor, id ids.View) int { return a.View.Compare(id) })
	if !ok {
		return Ancestor{}, false
	}
	return v.Ancestors[i], true
}

// SawAnother reports whether the author had heard another incarnation of a node:
// what it says of the node concerns an earlier incarnation.
func (v *View) SawAnother(id ids.Node, inc ids.Incarnation) bool {
	for _, s := range v.Saw {
		if s.Node == id {
			return s.Inc != inc
		}
	}
	return false
}

// SawIncarnation reports whether the author had heard this incarnation of a node.
func (v *View) SawIncarnation(id ids.Node, inc ids.Incarnation) bool {
	for _, s := range v.Saw {
		if s.Node == id && s.Inc == inc {
			return true
		}
	}
	return false
}
