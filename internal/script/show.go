package script

import (
	"fmt"
	"strings"

	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// Transcripts write dots, versions and views in this form: a dot as node.number, with a
// prime for each earlier boot of the node, and @view for views after the first; a version
// as (counter, dot).

// know records a key, so that its hash is shown by its name.
func (w *world) know(key string) { w.keys[hashing.Hash(key)] = key }

func (w *world) keyOf(hash uint64) string {
	if key, ok := w.keys[hash]; ok {
		return key
	}
	return fmt.Sprintf("#%x", hash)
}

func (w *world) dot(s wire.Stream, n uint64) string {
	at := ""
	if s.View.Number != 1 {
		at = fmt.Sprintf("@%d", s.View.Number)
	}
	return fmt.Sprintf("%s.%d%s", w.bootText(s.Node, s.Boot), n, at)
}

// bootText shows a boot of a node.
func (w *world) bootText(id ids.Node, boot ids.Boot) string {
	return fmt.Sprintf("%d%s", id, strings.Repeat("'", w.boot[boot]))
}

func (w *world) version(v wire.CausalVersion) string {
	return fmt.Sprintf("(%d, %s)", v.Counter, w.dot(v.Dot.Stream, v.Dot.N))
}

func (w *world) vector(v wire.Vector) string {
	var s []string
	for _, p := range v {
		s = append(s, w.dot(p.Stream, p.N))
	}
	if len(s) == 0 {
		return "nothing"
	}
	return strings.Join(s, " ")
}

// contextText shows a context: exact entries, oldest first, and then the folded part.
func (w *world) contextText(c *wire.Context) string {
	var parts, exact, views []string
	for i := range c.Exact {
		d := &c.Exact[i]
		exact = append(exact, w.keyOf(d.Hash)+" "+w.version(d.Version))
	}
	if len(exact) > 0 {
		parts = append(parts, strings.Join(exact, ", "))
	}
	if len(c.Vector) > 0 {
		parts = append(parts, "all up to "+w.vector(c.Vector))
	}
	for _, id := range c.CutRefs {
		views = append(views, viewID(id))
	}
	if len(views) > 0 {
		parts = append(parts, "the stable cut of "+strings.Join(views, " and "))
	}
	if c.Ceil > 0 {
		parts = append(parts, fmt.Sprintf("counters up to %d", c.Ceil))
	}
	if len(parts) == 0 {
		return "nothing"
	}
	return strings.Join(parts, "; ")
}

func (w *world) item(it *wire.Item) string {
	w.know(it.Key)
	switch {
	case it.Deleted:
		return fmt.Sprintf("%s deleted %s", it.Key, w.version(it.Version))
	case it.Value == nil:
		return fmt.Sprintf("%s %s", it.Key, w.version(it.Version))
	default:
		return fmt.Sprintf("%s=%s %s", it.Key, it.Value, w.version(it.Version))
	}
}

func (w *world) items(list []wire.Item) string {
	var s []string
	for i := range list {
		s = append(s, w.item(&list[i]))
	}
	if len(s) == 0 {
		return "nothing"
	}
	return strings.Join(s, ", ")
}
