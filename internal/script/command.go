package script

import (
	"slices"
	"strconv"
	"strings"

	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// commands are the commands of a script. A NODE is a number, a CLIENT any word.
//
//	start NODE…                 each starts a new boot, without state
//	drop NODE…                  each ends: no process listens there
//	limits NAME=N…              of the nodes that are started from here on
//	view NODE MEMBER…           an operator puts a view to a node: one shard,
//	view NODE SHARD=NODE,NODE…  or several; nothing: the empty list
//	force NODE …                the same, with force
//	cut NODE|NODE-NODE…         parts nodes from all others, or two from each other
//	heal [NODE|NODE-NODE…]      ends such cuts; nothing: all cuts
//	lose [KIND [NODE>NODE]]…    loses messages of a kind from here on; nothing: none
//	hold KIND [NODE>NODE]…      keeps messages of a kind back until
//	release
//	pass MS                     lets time pass, in milliseconds
//	quietly MS|COMMAND          the same, or any command, without showing messages
//	hide KIND…, show KIND…      hides or shows messages or events of these kinds
//	leave NODE WORD…            the client of that open request at the node leaves
//	put NODE KEY VALUE, get NODE KEY, del NODE KEY
//	cput NODE CLIENT KEY VALUE, cget NODE CLIENT KEY, cdel NODE CLIENT KEY
//	clist NODE CLIENT           a client sends the context of its last answer, unless
//	fresh CLIENT                its context is dropped, or
//	hand CLIENT CLIENT          the second client gets the context of the first
//	holds NODE…                 shows the items in the causal state of a node
//	slots NODE…                 shows how many slots it owns, and holds for others
//	waits NODE…                 shows the nodes that requests through a node wait for
//	forget NODE NODE            an operator tells the first that the second is gone for good
//	lag NODE…                   shows what a node knows to be missing between it and others
var commands = map[string]func(w *world, f []string){
	"limits":  (*world).setLimits,
	"view":    func(w *world, f []string) { w.view(f[0], f[1:], false) },
	"force":   func(w *world, f []string) { w.view(f[0], f[1:], true) },
	"cut":     func(w *world, f []string) { w.cut(f, true) },
	"heal":    (*world).heal,
	"lose":    func(w *world, f []string) { w.net.lose = w.filters(f) },
	"hold":    func(w *world, f []string) { w.net.hold = w.filters(f) },
	"release": func(w *world, _ []string) { w.release() },
	"leave":   func(w *world, f []string) { w.leave(w.node(f[0]), strings.Join(f[1:], " ")) },
	"hide":    func(w *world, f []string) { w.hide(f, true) },
	"show":    func(w *world, f []string) { w.hide(f, false) },
	"put":     func(w *world, f []string) { w.strongClient("put", f) },
	"get":     func(w *world, f []string) { w.strongClient("get", f) },
	"del":     func(w *world, f []string) { w.strongClient("del", f) },
	"cput":    func(w *world, f []string) { w.causalClient("cput", f) },
	"cget":    func(w *world, f []string) { w.causalClient("cget", f) },
	"cdel":    func(w *world, f []string) { w.causalClient("cdel", f) },
	"clist":   func(w *world, f []string) { w.causalClient("clist", f) },
	"fresh":   func(w *world, f []string) { delete(w.causal, f[0]) },
	"hand":    func(w *world, f []string) { w.causal[f[1]] = w.causal[f[0]] },
	"holds":   func(w *world, f []string) { w.each(f, w.showItems) },
	"slots":   func(w *world, f []string) { w.each(f, w.showSlots) },
	"waits":   func(w *world, f []string) { w.each(f, w.showWaits) },
	"forget":  func(w *world, f []string) { w.forget(w.node(f[0]), w.id(f[1])) },
	"lag":     func(w *world, f []string) { w.each(f, w.askLag) },
}

func init() { // they call other commands, or name nodes that are down
	commands["start"] = func(w *world, f []string) {
		for _, s := range f {
			w.start(w.id(s))
		}
	}
	commands["drop"] = func(w *world, f []string) {
		for _, s := range f {
			delete(w.nodes, w.id(s))
		}
	}
	commands["pass"] = func(w *world, f []string) { w.pass(w.milliseconds(f[0])) }
	commands["quietly"] = (*world).quietly
}

// command carries out one line of a script.
func (w *world) command(f []string) {
	do := commands[f[0]]
	if do == nil {
		w.t.Fatalf("unknown command %q", f[0])
	}
	do(w, f[1:])
}

func (w *world) quietly(f []string) {
	w.quiet = true
	if _, err := strconv.Atoi(f[0]); err == nil {
		w.pass(w.milliseconds(f[0]))
	} else {
		w.command(f)
		w.run()
	}
	w.quiet = false
}

func (w *world) milliseconds(s string) wire.Instant {
	return wire.Instant(w.number(s)) * wire.Millisecond
}

func (w *world) number(s string) uint64 {
	n, err := strconv.ParseUint(s, 10, 63)
	if err != nil {
		w.t.Fatal(err)
	}
	return n
}

func (w *world) id(s string) ids.Node { return ids.Node(w.number(s)) }

func (w *world) each(nodes []string, do func(n *node)) {
	for _, s := range nodes {
		do(w.node(s))
	}
}

func (w *world) hide(kinds []string, hide bool) {
	for _, k := range kinds {
		w.hidden[k] = hide
	}
}

// pair reads two nodes that are given together.
func (w *world) pair(s, by string) (a, b ids.Node, ok bool) {
	left, right, ok := strings.Cut(s, by)
	if !ok {
		return 0, 0, false
	}
	return w.id(left), w.id(right), true
}

func (w *world) cut(list []string, cut bool) {
	for _, s := range list {
		if a, b, ok := w.pair(s, "-"); ok {
			w.net.apart[[2]ids.Node{min(a, b), max(a, b)}] = cut
		} else {
			w.net.cut[w.id(s)] = cut
		}
	}
}

func (w *world) heal(list []string) {
	w.cut(list, false)
	if len(list) == 0 {
		clear(w.net.cut)
		clear(w.net.apart)
	}
}

// filters reads kinds of messages, each with an optional sender and receiver.
func (w *world) filters(f []string) []messageFilter {
	var list []messageFilter
	for _, s := range f {
		if from, to, ok := w.pair(s, ">"); ok {
			last := &list[len(list)-1]
			last.oneWay, last.from, last.to = true, from, to
			continue
		}
		list = append(list, messageFilter{kind: s})
	}
	return list
}

func (w *world) view(at string, list []string, force bool) {
	l := wire.Layout{Flat: true}
	for _, s := range list {
		name, members, named := strings.Cut(s, "=")
		l.Flat = !named
		if !named {
			if l.Shards == nil {
				l.Shards = []wire.Shard{{}}
			}
			l.Shards[0].Members = append(l.Shards[0].Members, w.member(s))
			continue
		}
		shard := wire.Shard{Name: name}
		for _, m := range slices.DeleteFunc(strings.Split(members, ","), func(m string) bool { return m == "" }) {
			shard.Members = append(shard.Members, w.member(m))
		}
		l.Shards = append(l.Shards, shard)
	}
	n := w.node(at)
	w.step(n, &core.PutView{Token: w.ask(n, asked{what: "PUT /view"}), Layout: l.Canonical(), Force: force})
}

func (w *world) member(s string) wire.Member {
	return wire.Member{ID: w.id(s), Address: "node" + s + ":8081"}
}

// setLimits changes the limits of the nodes that are started from here on.
func (w *world) setLimits(f []string) {
	l := &w.stage.limits
	set := map[string]*int{
		"exact": &l.Exact, "deps": &l.Deps, "batch": &l.BatchOps, "window": &l.WindowBytes,
		"chunk": &l.ChunkBytes, "aside": &l.AsideBytes, "vector": &l.Vector,
	}
	for _, s := range f {
		name, value, _ := strings.Cut(s, "=")
		if set[name] == nil {
			w.t.Fatalf("unknown limit %q", name)
		}
		*set[name] = int(w.number(value))
	}
}
