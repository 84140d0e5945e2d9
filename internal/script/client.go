package script

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/cohortkv/cohort/node/causal"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// asked is an open request to a node, in the words of the script.
type asked struct {
	what   string
	client string // the client whose context grows by the answer
	key    string
}

// ask records a request, and returns its token.
func (w *world) ask(n *node, a asked) ids.Token {
	w.token++
	n.asked[w.token] = a
	return w.token
}

// answered removes a request that has its answer.
func (n *node) answered(t ids.Token) asked {
	a := n.asked[t]
	delete(n.asked, t)
	return a
}

// strongClient carries out "put NODE KEY VALUE", "del NODE KEY" and "get NODE KEY".
func (w *world) strongClient(verb string, f []string) {
	n := w.node(f[0])
	token := w.ask(n, asked{what: strings.Join(append([]string{verb}, f[1:]...), " "), key: f[1]})
	switch verb {
	case "get":
		w.step(n, &core.SubmitRead{Token: token})
	case "put":
		w.step(n, &core.Submit{Token: token, Op: wire.Op{Kind: wire.OpPut, Key: f[1], Value: []byte(f[2])}})
	case "del":
		w.step(n, &core.Submit{Token: token, Op: wire.Op{Kind: wire.OpDelete, Key: f[1]}})
	}
}

// causalClient carries out a request of a client to a causal bucket.
func (w *world) causalClient(verb string, f []string) {
	n, client := w.node(f[0]), f[1]
	a := asked{what: strings.Join(append([]string{verb}, f[1:]...), " "), client: client}
	if verb != "clist" {
		a.key = f[2]
		w.know(a.key)
	}
	token, c := w.ask(n, a), w.echo(client)
	switch verb {
	case "clist":
		w.step(n, &core.CausalList{Token: token, Context: c})
	case "cget":
		w.step(n, &core.CausalRead{Token: token, Key: a.key, Context: c})
	case "cput":
		op := wire.Op{Kind: wire.OpPut, Key: a.key, Value: []byte(f[3])}
		w.step(n, &core.CausalSubmit{Token: token, Op: op, Context: c})
	case "cdel":
		w.step(n, &core.CausalSubmit{Token: token, Op: wire.Op{Kind: wire.OpDelete, Key: a.key}, Context: c})
	}
}

// echo returns the context that a client sends: that of its last answer.
func (w *world) echo(client string) wire.Context {
	c, err := wire.ParseContext("script", nil, string(wire.AppendContextText(nil, "script", nil, w.causal[client])))
	if err != nil {
		w.t.Fatalf("a node would not take the context of %s: %v", client, err)
	}
	return c
}

// leave ends the client of an open request.
func (w *world) leave(n *node, what string) {
	var tokens []ids.Token
	for t, a := range n.asked {
		if a.what == what {
			tokens = append(tokens, t)
		}
	}
	if len(tokens) == 0 {
		w.t.Fatalf("nobody waits for %q at node %d", what, n.id)
	}
	t := slices.Min(tokens)
	n.answered(t)
	w.step(n, &core.Abandon{Token: t})
}

// answer shows how a request ended.
func (w *world) answer(n *node, r core.Reply) {
	a := n.answered(r.Token)
	if r.Lag != nil {
		w.showLag(n, r.Lag)
		return
	}
	if r.Forget != nil {
		w.say("  %d: %s: %s", n.id, a.what, forgotten(r.Forget))
		return
	}
	if r.Outcome != core.Done || r.Causal == nil {
		w.say("  %d: %s: %s", n.id, a.what, outcome(r))
		return
	}
	w.causal[a.client] = r.Causal.Context
	w.say("  %d: %s: %s; knows %s", n.id, a.what, w.result(a, r.Causal), w.contextText(&r.Causal.Context))
}

// result shows an answer about a key of a causal bucket.
func (w *world) result(a asked, r *core.CausalResult) string {
	switch item := r.Item; {
	case item == nil:
		return "absent"
	case strings.HasPrefix(a.what, "cput"):
		return w.version(item.Version) + overValue(r.Existed)
	case item.Deleted:
		return "deleted " + w.version(item.Version) + overValue(r.Existed)
	default:
		return string(item.Value) + " " + w.version(item.Version)
	}
}

// overValue says whether the key of a write had a value.
func overValue(existed bool) string {
	if existed {
		return " over a value"
	}
	return ""
}

// list answers a listing.
func (w *world) list(n *node, r core.Read) {
	a := n.answered(r.Token)
	listed := causal.Listed(&r, n.store.CausalSnapshot().Items(r.Ranges))
	c := causal.ListContext(w.stage.limits, &r, listed)
	w.causal[a.client] = c
	var items []wire.Item
	for it := range listed {
		if !it.Deleted {
			items = append(items, *it)
		}
	}
	w.say("  %d: %s: %s; knows %s", n.id, a.what, w.items(items), w.contextText(&c))
}

// answerRead answers a read of a strong bucket.
func (w *world) answerRead(n *node, t ids.Token) {
	a := n.answered(t)
	rec, found, next := n.store.Get(a.key)
	answer := "absent"
	if found {
		answer = string(rec.Value)
	}
	w.say("  %d: %s: %s, next number %d", n.id, a.what, answer, next)
}

// showItems shows the items of a node's causal state, by key.
func (w *world) showItems(n *node) {
	var items []wire.Item
	for it := range n.store.CausalSnapshot().Items([]wire.HashRange{{Last: ^uint64(0)}}) {
		items = append(items, *it)
	}
	slices.SortFunc(items, func(a, b wire.Item) int { return cmp.Compare(a.Key, b.Key) })
	w.say("  %d holds %s", n.id, w.items(items))
}

func (w *world) showSlots(n *node) {
	s := fmt.Sprintf("owns %d slots", n.status.Owned)
	switch {
	case !n.status.Causal:
		s += ", takes no requests"
	case !n.status.CausalReady:
		s += ", not all ready"
	}
	if n.status.Other > 0 {
		s += fmt.Sprintf(", holds %d for others", n.status.Other)
	}
	w.say("  %d %s", n.id, s)
}

func (w *world) askLag(n *node) {
	w.step(n, &core.AskLag{Token: w.ask(n, asked{what: "lag"})})
}

// forget tells a node that another node is gone for good.
func (w *world) forget(n *node, id ids.Node) {
	w.step(n, &core.ForgetNode{Token: w.ask(n, asked{what: fmt.Sprintf("forget %d", id)}), Node: id})
}

// forgotten shows the result of that.
func forgotten(f *core.ForgetResult) string {
	switch f.Fate {
	case core.ForgetDone:
		return fmt.Sprintf("done, %d versions in %d slots were waited for", f.Versions, f.Slots)
	case core.ForgetPending:
		return fmt.Sprintf("not all have said what they have: %v", f.Waiting)
	case core.ForgetMember:
		return "refused, it is a member"
	case core.ForgetHeard:
		return "refused, it is heard"
	default:
		return "refused, nobody knows it"
	}
}

// showLag shows what a node knows of the other replicas' state.
func (w *world) showLag(n *node, l *core.Lag) {
	for _, m := range l.Members {
		if m.Replica {
			w.say("  %d: of %d, silent for %d ms, %d writes are missing here; it has not acknowledged %d", n.id, m.Node, m.Silent/wire.Millisecond, m.Missing, m.Unacked)
		}
	}
}

func outcome(r core.Reply) string {
	switch r.Outcome {
	case core.Done:
		status := map[wire.Status]string{
			wire.Created: "created", wire.Replaced: "replaced", wire.Deleted: "deleted", wire.Absent: "absent",
		}[r.Result.Status]
		return fmt.Sprintf("%s, number %d", status, r.Result.MsgNum)
	case core.NotInView:
		return "503"
	case core.InDoubt:
		return "in doubt"
	case core.Implausible:
		return "400"
	case core.ViewServed:
		return "ready"
	case core.ViewUnready:
		return "not ready yet"
	default:
		return "overtaken"
	}
}
