package route

import (
	"maps"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/valyala/fasthttp"
)

func nothing(*fasthttp.RequestCtx, []byte) {}

func sample() *Table {
	return New(Endpoint{Name: "other", Rest: Admin},
		Endpoint{Name: "data", Pattern: "/data/{key}", Rest: Write,
			Operations: []Operation{{Get, Read, nothing}, {Put, Write, nothing}, {Delete, Write, nothing}}},
		Endpoint{Name: "kv", Pattern: "/v1/kv/strong/{key}"},
		Endpoint{Name: "kv", Pattern: "/v1/kv/{bucket}/{key}", Rest: Write, Otherwise: nothing},
		Endpoint{Name: "list", Pattern: "/v1/kv/strong"},
		Endpoint{Name: "list", Pattern: "/v1/kv/{bucket}"},
		Endpoint{Name: "forget", Pattern: "/v1/nodes/{id}/forget", Rest: Admin, Operations: []Operation{{Post, Admin, nothing}}},
		Endpoint{Name: "profile", Pattern: "/debug/pprof/{profile}", Rest: Admin, Place: ForAdministrators, Operations: []Operation{{Get, Admin, nothing}}},
		Endpoint{Name: "ping", Pattern: "/ping", Operations: []Operation{{Get, Open, nothing}}},
	)
}

func TestAPathBelongsToTheFirstPatternThatItMatches(t *testing.T) {
	table := sample()
	for path, want := range map[string][2]string{ // pattern, tail
		"/data/k":              {"/data/{key}", "k"},
		"/data/a/b%2F":         {"/data/{key}", "a/b%2F"},
		"/data/":               {"/data/{key}", ""},
		"/data":                {"", "/data"},
		"/v1/kv/strong/a/b":    {"/v1/kv/strong/{key}", "a/b"},
		"/v1/kv/strong/":       {"/v1/kv/strong/{key}", ""},
		"/v1/kv/strongest/k":   {"/v1/kv/{bucket}/{key}", "strongest/k"},
		"/v1/kv//k":            {"/v1/kv/{bucket}/{key}", "/k"},
		"/v1/kv/strong":        {"/v1/kv/strong", ""},
		"/v1/kv/weak":          {"/v1/kv/{bucket}", "weak"},
		"/v1/kv/":              {"/v1/kv/{bucket}", ""},
		"/v1/kv":               {"", "/v1/kv"},
		"/v1/nodes/2/forget":   {"/v1/nodes/{id}/forget", "2"},
		"/v1/nodes/a/b/forget": {"/v1/nodes/{id}/forget", "a/b"},
		"/v1/nodes/forget":     {"", "/v1/nodes/forget"},
		"/v1/nodes//forget":    {"", "/v1/nodes//forget"},
		"/ping":                {"/ping", ""},
		"/ping/":               {"", "/ping/"},
		"/pin":                 {"", "/pin"},
		"/debug/pprof/heap":    {"", "/debug/pprof/heap"},
		"":                     {"", ""},
	} {
		e := table.Match([]byte(path), false)
		if e.Pattern != want[0] || string(e.Tail([]byte(path))) != want[1] {
			t.Errorf("%s is of %q, with the tail %q; want %q", path, e.Pattern, e.Tail([]byte(path)), want)
		}
	}
	if e := table.Match([]byte("/debug/pprof/heap"), true); e.Name != "profile" {
		t.Errorf("at the listener for administrators, a profile is of %q", e.Pattern)
	}
}

func TestAMethodNeedsItsRightAndAnUnknownOneThatOfTheRest(t *testing.T) {
	table := sample()
	for _, c := range []struct {
		path  string
		m     Method
		right Right
		known bool
	}{
		{"/data/k", Get, Read, true}, {"/data/k", Head, Read, true}, {"/data/k", Put, Write, true},
		{"/data/k", Post, Write, false}, {"/data/k", Other, Write, false},
		{"/v1/nodes/2/forget", Post, Admin, true}, {"/v1/nodes/2/forget", Get, Known, false}, {"/v1/nodes/2/forget", Put, Admin, false},
		{"/debug/pprof/x", Head, Admin, true}, {"/debug/pprof/x", Post, Admin, false},
		{"/v1/kv/weak/k", Get, Read, true}, {"/v1/kv/weak/k", Head, Read, true}, {"/v1/kv/weak/k", Put, Write, true},
		{"/ping", Get, Open, true}, {"/ping", Post, Open, false},
		{"/nothing", Get, Known, false}, {"/nothing", Delete, Admin, false},
	} {
		e := table.Match([]byte(c.path), true)
		if e.Right(c.m) != c.right || (e.Handler(c.m) != nil) != c.known {
			t.Errorf("%s %s: right %d, handler %t", c.m, c.path, e.Right(c.m), e.Handler(c.m) != nil)
		}
	}
	for path, allow := range map[string]string{"/data/k": "GET, HEAD, PUT, DELETE", "/v1/nodes/2/forget": "POST", "/ping": "GET, HEAD"} {
		if got := table.Match([]byte(path), false).Allow(); got != allow {
			t.Errorf("%s allows %s", path, got)
		}
	}
}

func TestEndpointsOfOneNameAreCountedTogether(t *testing.T) {
	table := sample()
	for path, code := range map[string]int{"/v1/kv/strong/k": 200, "/v1/kv/weak/k": 200, "/ping": 200, "/nothing": 418} {
		table.Match([]byte(path), false).Count(MethodOf([]byte("GET")), code)
	}
	table.Unread().Count(None, 400)
	table.Match([]byte("/ping"), false).Count(MethodOf([]byte("BREW")), 405)
	want := map[Request]uint64{
		{"kv", "GET", 200}: 2, {"ping", "GET", 200}: 1, {"other", "GET", 0}: 1, {"none", "none", 400}: 1, {"ping", "other", 405}: 1,
	}
	if diff := cmp.Diff(want, maps.Collect(table.Requests())); diff != "" {
		t.Error(diff)
	}
}

func TestMatchingAllocatesNothing(t *testing.T) {
	table := sample()
	path := []byte("/v1/nodes/a-node-with-a-name-that-is-longer-than-thirty-two-bytes/forget")
	if n := testing.AllocsPerRun(100, func() { table.Match(path, true).Count(Post, 200) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
