package machine

import (
	"testing"

	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/wire"
)

// statuses steps a machine with inputs, and counts those that show a new status.
func statuses(m *Machine, inputs ...core.Input) (shown int) {
	for _, in := range inputs {
		if m.Step(wire.Second, in).Status != nil {
			shown++
		}
	}
	return shown
}

// TestAStatusIsShownOnceAndThenWhenItChanges: the first step shows one, also if nothing is known.
func TestAStatusIsShownOnceAndThenWhenItChanges(t *testing.T) {
	m := newRig(t, 0).m
	if n := statuses(m, &core.Tick{}, &core.Tick{}, &core.AskLag{Token: 1}); n != 1 {
		t.Errorf("%d statuses without a change, want 1", n)
	}
	if n := statuses(m, &core.PutView{Token: 2, Layout: listOf(0)}); n != 1 {
		t.Errorf("%d statuses for a view, want 1", n)
	}
}

// TestADeadlineComesSoonWhileSomethingIsOpen: an idle machine without a view needs no tick for
// long. While a PUT is open, something may have to be repeated.
func TestADeadlineComesSoonWhileSomethingIsOpen(t *testing.T) {
	r := newRig(t, 0)
	r.step(&core.Tick{})
	if in := r.m.Deadline() - r.now; in < wire.Second {
		t.Errorf("idle, and a tick is due in %d", in)
	}
	r.step(&core.PutView{Token: 1, Layout: listOf(0, 1)})
	if in := r.m.Deadline() - r.now; in <= 0 || in > tickEvery {
		t.Errorf("a PUT is open, and a tick is due in %d", in)
	}
}

// TestTheHeaderNamesTheViewThatIsHeld: receivers judge a message by the view of its header.
func TestTheHeaderNamesTheViewThatIsHeld(t *testing.T) {
	r := newRig(t, 0)
	if h := r.m.Header(); h != lifeOf(0) {
		t.Errorf("without a view the header is %+v", h)
	}
	v := viewBy(1, 7, 0, 1)
	r.hear(1, &wire.NewView{View: v})
	want := lifeOf(0)
	want.View = v.ID
	if h := r.m.Header(); h != want {
		t.Errorf("the header is %+v, want %+v", h, want)
	}
}

// TestAGateWaitsForItsModelsOnly: a PUT of a node that serves one kind of bucket is not held up
// by the other. Here strong buckets cannot serve, because a member never joins the round.
func TestAGateWaitsForItsModelsOnly(t *testing.T) {
	for _, c := range []struct {
		gate   Gate
		serves bool
	}{{GateBoth, false}, {GateStrong, false}, {GateCausal, true}} {
		r := newRig(t, 0)
		r.m = New(Config{ID: 0, Inc: lifeOf(0).Inc, Boot: lifeOf(0).Boot, Now: wire.Second, Gate: c.gate})
		v := viewBy(1, 1, 0, 1)
		r.hear(1, &wire.NewView{View: v}) // a first view, of another author: no node has data
		if got := r.m.local.Serving(); got != c.serves {
			t.Errorf("gate %d: serves %t, want %t", c.gate, got, c.serves)
		}
	}
}
