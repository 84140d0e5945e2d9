// Package fault describes faults and operator actions of a run as data, and makes them
// happen to any Target. A description has a text form, so that a command line can give it
// and a report can repeat it.
//
// Run is the entry: it owns the time of a run, and leaves no node paused and no direction
// cut.
package fault

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Action is a kind of fault or of operator action.
type Action string

// The actions. A view is put to all its members.
const (
	KillPrimary Action = "kill-primary" // SIGKILL for the primary, then the view of the survivors
	Kill        Action = "kill"         // SIGKILL for one node; no view is put
	Restart     Action = "restart"      // one node that was killed starts again; without its data, a later view brings it in
	Pause       Action = "pause"        // SIGSTOP for one node, SIGCONT after For
	Cut         Action = "cut"          // some nodes are cut off from all others, but not from one another, for For
	CutOneWay   Action = "cut-one-way"  // nothing that the first node sends reaches the second, for For
	View        Action = "view"         // the view of these nodes is put
	Shards      Action = "shards"       // a view of these shards is put, to all nodes
	Shrink      Action = "shrink"       // the view that was put last is put without one node
	Grow        Action = "grow"         // the view that was put last is put with one node more
)

// Fault is one fault or operator action of a run.
type Fault struct {
	Action Action
	Nodes  []int         // indexes; how many depends on the action
	Shards [][]int       // the same nodes by shard, for Shards
	At     time.Duration // since the begin of the measurement
	For    time.Duration // length of a fault that ends by itself
}

// form is the text form of an action: action, nodes and times.
type form struct {
	example string
	nodes   int    // how many nodes; many: one or more; 0: none
	between string // separator of nodes
	lasts   bool
	shards  string // separator of shards
}

const many = -1

var forms = map[Action]form{
	KillPrimary: {example: "kill-primary@10s"},
	Kill:        {example: "kill=1@10s", nodes: 1},
	Restart:     {example: "restart=1@10s", nodes: 1},
	Pause:       {example: "pause=1@10s+5s", nodes: 1, lasts: true},
	Cut:         {example: "cut=2@10s+5s", nodes: many, between: ",", lasts: true},
	CutOneWay:   {example: "cut-one-way=0:2@10s+5s", nodes: 2, between: ":", lasts: true},
	View:        {example: "view=0,1,2@10s", nodes: many, between: ","},
	Shards:      {example: "shards=0,1/2,3@10s", nodes: many, between: ",", shards: "/"},
	Shrink:      {example: "shrink=2@10s", nodes: 1},
	Grow:        {example: "grow=2@10s", nodes: 1},
}

// Examples returns an example of each action.
func Examples() string {
	var all []string
	for _, f := range forms {
		all = append(all, f.example)
	}
	slices.Sort(all)
	return strings.Join(all, ", ")
}

// String is the text that Parse reads: pause=1@10s+5s.
func (f Fault) String() string {
	text := f.what() + "@" + f.At.String()
	if forms[f.Action].lasts {
		text += "+" + f.For.String()
	}
	return text
}

// what returns the text without its times.
func (f Fault) what() string {
	if len(f.Nodes) == 0 {
		return string(f.Action)
	}
	form, shards := forms[f.Action], f.Shards
	if form.shards == "" {
		shards = [][]int{f.Nodes}
	}
	var all []string
	for _, members := range shards {
		var nodes []string
		for _, n := range members {
			nodes = append(nodes, strconv.Itoa(n))
		}
		all = append(all, strings.Join(nodes, form.between))
	}
	return string(f.Action) + "=" + strings.Join(all, form.shards)
}

// Parse reads one fault.
func Parse(text string) (Fault, error) {
	what, when, timed := strings.Cut(text, "@")
	action, nodes, named := strings.Cut(what, "=")
	f := Fault{Action: Action(action)}
	form, known := forms[f.Action]
	if !known {
		return Fault{}, fmt.Errorf("fault %q: unknown action %q; there are %s", text, action, Examples())
	}
	err := errors.New("no @ with a time")
	if timed {
		err = errors.Join(f.parseNodes(form, nodes, named), f.parseTimes(form, when))
	}
	if err != nil {
		return Fault{}, fmt.Errorf("fault %q: %w; write it like %s", text, err, form.example)
	}
	return f, nil
}

func (f *Fault) parseNodes(form form, text string, named bool) error {
	if named != (form.nodes != 0) {
		return fmt.Errorf("%s names %s", f.Action, form.wants())
	}
	if !named {
		return nil
	}
	shards := []string{text}
	if form.shards != "" {
		shards = strings.Split(text, form.shards)
	}
	for _, members := range shards {
		from := len(f.Nodes)
		if err := f.parseMembers(form, members); err != nil {
			return err
		}
		if form.shards != "" {
			f.Shards = append(f.Shards, f.Nodes[from:len(f.Nodes):len(f.Nodes)])
		}
	}
	if form.nodes != many && len(f.Nodes) != form.nodes {
		return fmt.Errorf("%s names %s", f.Action, form.wants())
	}
	return nil
}

func (f *Fault) parseMembers(form form, text string) error {
	words := []string{text}
	if form.between != "" {
		words = strings.Split(text, form.between)
	}
	for _, word := range words {
		n, err := strconv.ParseUint(word, 10, 16)
		switch {
		case err != nil:
			return fmt.Errorf("%q is no node", word)
		case slices.Contains(f.Nodes, int(n)):
			return fmt.Errorf("node %d is there twice", n)
		}
		f.Nodes = append(f.Nodes, int(n))
	}
	return nil
}

func (f form) wants() string {
	switch f.nodes {
	case 0:
		return "no node"
	case 1:
		return "one node"
	case many:
		return "one node or more"
	}
	return strconv.Itoa(f.nodes) + " nodes"
}

func (f *Fault) parseTimes(form form, text string) (err error) {
	at, span, lasts := strings.Cut(text, "+")
	if lasts != form.lasts {
		return fmt.Errorf("%s has %s", f.Action, map[bool]string{true: "a length", false: "no length"}[form.lasts])
	}
	if f.At, err = time.ParseDuration(at); err != nil {
		return err
	}
	if lasts {
		if f.For, err = time.ParseDuration(span); err != nil {
			return err
		}
	}
	if f.At < 0 || lasts && f.For <= 0 {
		return errors.New("a time is negative, or a length not positive")
	}
	return nil
}
