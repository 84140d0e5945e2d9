package front

import (
	"os"
	"strings"
	"testing"

	"github.com/cohortkv/cohort/api"
)

func TestParametersThatAPathDoesNotTakeAreNamed(t *testing.T) {
	n := start(t)
	for _, c := range []struct {
		method, target string
		says           []string
	}{
		{"PUT", "/v1/kv/strong/k?timeot=1s", []string{"timeot", "?timeout=", "?session=", "?ttl="}},
		{"GET", "/v1/kv/strong/k?timeout=1s&TIMEOUT=1s", []string{"TIMEOUT"}},
		{"GET", "/v1/kv/strong/k?timeout=1s&timeout=2s", []string{"timeout", "twice"}},
		{"GET", "/v1/kv/strong/k?prefix=a", []string{"prefix"}},
		{"GET", "/v1/kv/strong/k?=1", []string{`""`}},
		{"GET", "/v1/kv/strong?limt=5", []string{"limt", "?limit=", "?prefix=", "?cursor="}},
		{"GET", "/v1/kv/strong?ttl=5s", []string{"ttl"}},
		{"GET", "/v1/kv/causal?limit=5&limit=6", []string{"limit", "twice"}},
		{"GET", "/v1/kv/strong?prefix=100%", []string{"hex"}},
		{"GET", "/v1/kv/strong?prefix=%zz", []string{"hex"}},
		{"GET", "/v1/ring?key=a&kye=b", []string{"kye", "?key="}},
		{"GET", "/readyz?modle=strong", []string{"modle", "?model="}},
		{"GET", "/v1/cluster?x", []string{"x", "takes no parameters"}},
		{"GET", "/livez?x=1", []string{"no parameters"}},
		{"GET", "/openapi.yaml?x=1", []string{"no parameters"}},
		{"PUT", "/data/k?ttl=30s", []string{"ttl", "no parameters"}},
		{"GET", "/data/what?is=it", []string{"is", "no parameters"}},
		{"GET", "/data?x=1", []string{"no parameters"}},
		{"PUT", "/view?force=true", []string{"force", "no parameters"}},
		{"GET", "/ping?x=1", []string{"no parameters"}},
	} {
		got := n.ask(t, c.method, c.target, `{"value":"v","view":[]}`)
		if got.status != 400 {
			t.Errorf("%s %s: %d %s", c.method, c.target, got.status, got.body)
		}
		for _, part := range c.says {
			if !strings.Contains(strings.ReplaceAll(got.body, `\"`, `"`), part) {
				t.Errorf("%s %s does not say %s: %s", c.method, c.target, part, got.body)
			}
		}
	}
	if len(n.records) > 0 || len(n.layout.Shards) > 0 {
		t.Error("a refused request was applied")
	}
}

func TestAnEmptyQueryAsksForNothing(t *testing.T) {
	n := start(t)
	for _, path := range []string{"/ping?", "/data?", "/v1/kv/strong?", "/livez?"} {
		if got := n.ask(t, "GET", path, ""); got.status != 200 {
			t.Errorf("%s: %d %s", path, got.status, got.body)
		}
	}
}

func TestATimeLimitHasOneForm(t *testing.T) {
	n := start(t)
	for _, limit := range []string{"", "0", "0s", "5", "-1s", "1d", "x", "1s2", "NaN"} {
		for _, path := range []string{"/v1/kv/strong/k", "/v1/kv/causal/k", "/v1/kv/strong", "/v1/kv/causal"} {
			p := problemOf(t, n.ask(t, "GET", path+"?timeout="+limit, ""))
			if p.Code != api.CodeBadQuery || p.Detail != "?timeout= is a positive duration such as 500ms or 2s" {
				t.Errorf("%s?timeout=%s: %+v", path, limit, p)
			}
		}
	}
}

// docs/api.md lists the parameters in rows that begin with a path.
func TestTheDocumentHasEveryParameter(t *testing.T) {
	text, err := os.ReadFile("../../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "\n### 12.4 Parameters\n")
	section, _, found := strings.Cut(section, "\n### ")
	if !found {
		t.Fatal("docs/api.md has no section on parameters")
	}
	for e := range New(Config{Backend: newFake()}).routes.Endpoints() {
		if len(e.Rules.Parameters) == 0 {
			continue
		}
		pattern := strings.NewReplacer("/strong", "/{bucket}", "/causal", "/{bucket}", "{profile}", "").Replace(e.Pattern)
		_, row, found := strings.Cut(section, "\n| `"+pattern+"`")
		row, _, _ = strings.Cut(row, "\n")
		if !found {
			t.Errorf("docs/api.md has no row for the parameters of %s", pattern)
		}
		for _, name := range e.Rules.Parameters {
			if !strings.Contains(row, "`"+name+"`") {
				t.Errorf("docs/api.md does not say that %s takes ?%s=", pattern, name)
			}
		}
	}
}
