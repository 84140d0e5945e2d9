package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cohortkv/cohort/api"
)

// shown is a cluster of fake nodes. Each edit changes the answer of a healthy node. A node whose
// edit is nil does not answer.
func shown(t *testing.T, edits ...func(*api.Cluster)) (urls []string) {
	t.Helper()
	view := api.View{Flat: true, Shards: []api.Shard{{}}}
	var nodes []*httptest.Server
	for i := range edits {
		node := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method != http.MethodGet || r.URL.Path != api.PathCluster {
				t.Errorf("%s %s", r.Method, r.URL)
			}
			primary, missing := uint64(0), api.CausalLag{Missing: 2}
			c := api.Cluster{
				Node: uint64(i), View: view, Number: 5, Member: true, Serving: true, Primary: &primary,
				Causal: api.Causal{Serving: true, Ready: true}, Holds: api.Holds{Keys: 7, CausalKeys: 6, Tombstones: 5, Bytes: 40 << 10},
				Started: "2026-01-02T03:04:05Z", Log: &api.Log{Position: 12, Committed: 11},
				Members: []api.MemberLag{{ID: 9, Causal: &missing}, {ID: 8}},
			}
			edits[i](&c)
			_ = json.NewEncoder(w).Encode(c)
		}))
		t.Cleanup(node.Close)
		nodes = append(nodes, node)
		address := strings.TrimPrefix(node.URL, "http://")
		view.Shards[0].Members = append(view.Shards[0].Members, api.Member{ID: uint64(i), Address: address})
		urls = append(urls, node.URL)
	}
	for i, edit := range edits {
		if edit == nil {
			nodes[i].Close()
		}
	}
	return urls
}

func well(*api.Cluster) {}

func waitsForTwo(c *api.Cluster) {
	c.Serving = false
	c.Waiting = []api.Wait{{Node: 2, Seconds: 7.2, Why: "connection refused", Absent: true}}
	o := api.Outage{Strong: c.Waiting, Others: 2}
	c.Reason = o.StrongText()
}

// inOrder removes from a text the parts that differ from run to run.
func inOrder(text string) string {
	text = regexp.MustCompile(`127\.0\.0\.1:\d+`).ReplaceAllString(text, "HOST")
	text = regexp.MustCompile(`\d+h\d+m\d+s`).ReplaceAllString(text, "LONG")
	return regexp.MustCompile(` +`).ReplaceAllString(text, " ")
}

func TestStatusShowsAllMembersInOneScreen(t *testing.T) {
	clearEnvironment(t)
	urls := shown(t, well, well)
	got := cohort(t, "status", "--to", urls[1])
	want := `view 5, 2 members, according to node 1

NODE ADDRESS SHARD ROLE STRONG LOG CAUSAL MISSING KEYS CAUSAL KEYS TOMBSTONES BYTES UP
0 HOST - primary serves 11 +1 ready 2 7 6 5 40 Ki LONG
1 HOST - backup serves 11 +1 ready 2 7 6 5 40 Ki LONG

all is well
`
	if diff := cmp.Diff(want, inOrder(got.out)); got.status != 0 || got.err != "" || diff != "" {
		t.Errorf("status %d, complaint %q\n%s", got.status, got.err, diff)
	}
}

func TestStatusReportsProblemsInTextAndExitStatus(t *testing.T) {
	clearEnvironment(t)
	for _, c := range []struct {
		name  string
		nodes []func(*api.Cluster)
		want  []string
	}{
		{"dead", []func(*api.Cluster){waitsForTwo, waitsForTwo, nil}, []string{
			"node 2 at HOST does not answer: connection refused",
			"nodes 0, 1: strong: waiting for node 2, silent for 7.2 s (connection refused); to go on without it: `cohort view remove 2`",
		}},
		{"view", []func(*api.Cluster){well, func(c *api.Cluster) { c.Number = 4 }}, []string{"node 1: holds view 4, not 5"}},
		{"swapped", []func(*api.Cluster){well, func(c *api.Cluster) { c.Node = 7 }}, []string{"node 1 at HOST does not answer: node 7 answers at HOST"}},
		{"bus", []func(*api.Cluster){func(c *api.Cluster) { c.Bus = "login refused" }}, []string{"node 0: no bus: login refused"}},
		{"shard", []func(*api.Cluster){func(c *api.Cluster) {
			c.Causal.Waiting = []api.ShardWait{{Shard: "b", Members: []uint64{3}, Seconds: 2}}
		}}, []string{`node 0: causal: requests for keys of these wait, for no member of theirs is heard: shard "b" (node 3), silent for 2.0 s`}},
		{"causal", []func(*api.Cluster){func(c *api.Cluster) { c.Causal.Ready, c.Causal.Reason = false, "not all slots" }},
			[]string{"node 0: causal: not all slots"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := cohort(t, "status", "--json", "--to", shown(t, c.nodes...)[0])
			var p picture
			if err := json.Unmarshal([]byte(got.out), &p); err != nil || got.status != exitFailed || p.Well {
				t.Fatalf("status %d, %v: %+v", got.status, err, got)
			}
			for i := range p.Problems {
				p.Problems[i] = inOrder(p.Problems[i])
			}
			if diff := cmp.Diff(c.want, p.Problems); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestStatusOfANodeThatIsNotThere(t *testing.T) {
	clearEnvironment(t)
	urls := shown(t, nil)
	if got := cohort(t, "status", "--to", urls[0]); got.status != exitUnreachable || got.out != "" {
		t.Errorf("%+v", got)
	}
}

func TestStatusGoesOnUntilItIsInterrupted(t *testing.T) {
	clearEnvironment(t)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	pictures := 0
	urls := shown(t, func(*api.Cluster) {
		if pictures++; pictures == 2 {
			stop()
		}
	})
	if status := run(ctx, []string{"status", "-w", "--to", urls[0]}, terminal{nil, io.Discard, io.Discard}, nil); status != 0 || pictures < 2 {
		t.Errorf("status %d after %d pictures", status, pictures)
	}
}
