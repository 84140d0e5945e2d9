package condition

import (
	"strings"
	"testing"

	"github.com/valyala/fasthttp"

	"github.com/cohortkv/cohort/node/wire"
)

// headerOf has the lines of a text, separated by bars.
func headerOf(lines string) *fasthttp.RequestHeader {
	h := &fasthttp.RequestHeader{}
	for _, line := range strings.Split(lines, "|") {
		if name, value, ok := strings.Cut(line, ":"); ok {
			h.Add(name, strings.TrimSpace(value))
		}
	}
	return h
}

func version(n uint64) wire.Version { return wire.Version{MsgNum: n, Fingerprint: 0xabc} }

func TestTheConditionOfAWrite(t *testing.T) {
	for _, c := range []struct {
		kind      wire.OpKind
		lines     string
		condition wire.Condition
		match     wire.Version
		others    int
		bad       bool
	}{
		{wire.OpPut, "", 0, wire.Version{}, 0, false},
		{wire.OpPut, "If-None-Match: *", wire.IfAbsent, wire.Version{}, 0, false},
		{wire.OpDelete, "If-None-Match: *", 0, wire.Version{}, 0, true},
		{wire.OpPut, `If-None-Match: "1-00000abc"`, 0, wire.Version{}, 0, true},
		{wire.OpPut, "If-Match: *", wire.IfPresent, wire.Version{}, 0, false},
		{wire.OpPut, `If-Match: "1-00000abc"`, wire.IfVersion, version(1), 0, false},
		{wire.OpDelete, `If-Match: "1-00000abc", "2-00000abc"|If-Match: "3-00000abc"`, wire.IfVersion, version(1), 2, false},
		{wire.OpPut, `If-Match: W/"1-00000abc", "theirs"`, wire.IfVersion, wire.Version{}, 0, false},
		{wire.OpPut, `If-Match: *|If-None-Match: *`, 0, wire.Version{}, 0, true},
	} {
		op := wire.Op{Kind: c.kind}
		others, err := Write(headerOf(c.lines), &op)
		if (err != nil) != c.bad || !c.bad && (op.Condition != c.condition || op.Match != c.match || len(others) != c.others) {
			t.Errorf("%s: %+v, others %v, %v", c.lines, op, others, err)
		}
	}
}

func TestTheConditionOfARead(t *testing.T) {
	for lines, want := range map[string]Result{
		"":                                  Met,
		`If-Match: "a"`:                     Met,
		`If-Match: *`:                       Met,
		`If-Match: "b"`:                     Failed,
		`If-Match: W/"a"`:                   Failed,
		`If-None-Match: "b"`:                Met,
		`If-None-Match: "b", "a"`:           NotModified,
		`If-None-Match: W/"a"`:              NotModified,
		`If-None-Match: *`:                  NotModified,
		`If-Match: "b"|If-None-Match: "a"`:  Failed,
		`If-Match: "a"|If-None-Match: "a"`:  NotModified,
		`If-None-Match: "b"|If-Match: W/ab`: Failed,
	} {
		if got := Read(headerOf(lines), []byte(`"a"`)); got != want {
			t.Errorf("%s: %d, want %d", lines, got, want)
		}
	}
}

func TestAConditionThatCannotBeReadIsNamed(t *testing.T) {
	for lines, bad := range map[string]string{
		"": "", `If-Match: "a"`: "", "If-Match: ,": "If-Match", "If-Match: a": "If-Match", `If-None-Match: "a" "b"`: "If-None-Match",
		`If-Match: "a"|If-None-Match: *, "a"`: "If-None-Match",
	} {
		if name, err := Check(headerOf(lines)); name != bad || (err != nil) != (bad != "") {
			t.Errorf("%s: %q, %v", lines, name, err)
		}
	}
}
