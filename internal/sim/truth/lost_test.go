package truth

import (
	"fmt"
	"testing"

	"github.com/cohortkv/cohort/hashing"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// quiet is a world that keeps what failed.
type quiet struct{ failed []string }

func (q *quiet) Fail(check, format string, args ...any) {
	q.failed = append(q.failed, check+": "+fmt.Sprintf(format, args...))
}
func (q *quiet) Saw(string)        {}
func (q *quiet) Now() wire.Instant { return wire.Second }

// loss is a key with three concurrent writes of three nodes. The largest one is lost with its
// node; the other nodes live.
type loss struct {
	*Truth
	world                *quiet
	at                   *Incarnation // answers; it has the smallest one only
	small, middle, large *Write
}

func newLoss() *loss {
	q := &quiet{}
	l := &loss{Truth: New(Config{Nodes: 3, Keys: 1, Space: hashing.Standard, Exact: 8, Deps: 8}, q), world: q}
	l.small, l.middle, l.large = l.write(0, 1), l.write(1, 2), l.write(2, 4)
	l.at = l.Begin(0, 1)
	l.large.lost = true
	return l
}

func (l *loss) write(node ids.Node, counter uint64) *Write {
	s := &stream{id: wire.Stream{Node: node, Boot: 1}}
	w := &Write{Version: wire.CausalVersion{Counter: counter, Dot: wire.Dot{Stream: s.id, N: 1}}, Item: &wire.Item{Key: KeyName(0)}}
	s.writes = []*Write{w}
	l.streams[s.id] = s
	l.keys[0].writes = append(l.keys[0].writes, w)
	return w
}

// context names one version of the key; nil: none.
func (l *loss) context(w *Write) *wire.Context {
	c := &wire.Context{}
	if w != nil {
		c.Exact = []wire.Dependency{{Hash: l.keys[0].hash, Version: w.Version}}
	}
	return c
}

// read lets a client that has seen the largest write read the smallest one.
func (l *loss) read(t *testing.T, c *wire.Context, shown *Write) {
	t.Helper()
	l.enough(l.at, &Op{Past: Past(nil).With(l.large), Sent: *c}, 0, shown)
	if l.world.failed != nil {
		t.Fatal(l.world.failed)
	}
}

func TestALostWriteTakesAlongWhatItDisplacedInContexts(t *testing.T) {
	for name, displace := range map[string]func(l *loss){
		"by what an item depends on": func(l *loss) { l.noteDisplaced(l.context(l.middle), nil, l.context(l.large)) },
		"in the list that shows it":  func(l *loss) { l.noteDisplaced(l.context(nil), []*Write{l.middle}, l.context(l.large)) },
		"by way of a third version": func(l *loss) {
			third := l.write(3, 3)
			l.noteDisplaced(l.context(l.middle), nil, l.context(third))
			l.noteDisplaced(l.context(third), nil, l.context(l.large))
		},
	} {
		l := newLoss()
		displace(l)
		l.read(t, l.context(l.large), l.small)
		if !l.middle.Spared() || l.small.Spared() {
			t.Errorf("%s: spared are %v of the displaced version and %v of the one shown", name, l.middle.Spared(), l.small.Spared())
		}
	}
}

func TestWhatAContextStillAsksForIsNotGivenUpWithALostWrite(t *testing.T) {
	for name, play := range map[string]func(l *loss){
		"it was never displaced": func(l *loss) { l.read(t, l.context(l.large), l.small) },
		"the client named the lost version, so the node knew of the loss": func(l *loss) {
			l.noteDisplaced(l.context(l.large), []*Write{l.middle}, l.context(l.large))
			l.read(t, l.context(l.large), l.small)
		},
		"the context has it in its vector": func(l *loss) {
			l.noteDisplaced(l.context(l.middle), nil, l.context(l.large))
			c := l.context(l.large)
			c.Vector = wire.Vector{{Stream: l.middle.Version.Dot.Stream, N: 1}}
			l.read(t, c, l.small)
		},
		"the read shows it": func(l *loss) {
			l.noteDisplaced(l.context(l.middle), nil, l.context(l.large))
			l.read(t, l.context(l.large), l.middle)
		},
	} {
		l := newLoss()
		play(l)
		if l.middle.Spared() {
			t.Errorf("%s: it is spared", name)
		}
	}
}
