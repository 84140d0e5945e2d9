package node

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/cohortkv/cohort/api"
	"github.com/cohortkv/cohort/client"
	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

// forged is a session that a client with knowledge of the format makes.
func forged(c wire.Context) string { return string(wire.AppendContextText(nil, "cohort", nil, c)) }

// seenOf is the session of a client that has written a key.
func seenOf(t *testing.T, r *running, key string) wire.Context {
	t.Helper()
	a, err := r.Put(t.Context(), "causal", key, []byte("v"), client.Options{})
	if err != nil {
		t.Fatal(err)
	}
	seen, err := wire.ParseContext("cohort", nil, a.Session)
	if err != nil {
		t.Fatal(err)
	}
	return seen
}

// naming is a copy of a valid context with another version.
func naming(c wire.Context, v wire.CausalVersion) wire.Context {
	return wire.Context{Exact: []wire.Dependency{{Hash: c.Exact[0].Hash, Version: v}}}
}

// stranger is a stream that no node knows.
var stranger = wire.Stream{View: ids.View{Number: 7, Author: 3, Boot: 5}, Node: 3, Boot: 5}

// send is a request with a session, on one of the surfaces.
func send(t *testing.T, base, method, path, session string) map[string]*http.Response {
	t.Helper()
	metadata := fmt.Sprintf(`{"session":%q}`, session)
	answers := map[string]*http.Response{}
	ask := func(way, url, body string, header ...string) {
		req, err := http.NewRequestWithContext(t.Context(), method, base+url, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i < len(header); i += 2 {
			req.Header.Set(header[i], header[i+1])
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		answers[way] = res
	}
	kv := "/v1/kv/causal" + path
	ask("Cohort-Session", kv, "v", api.HeaderSession, session)
	ask("?session=", kv+"?session="+session, "v")
	value := ""
	if method == http.MethodPut {
		value = `"value":"v",`
	}
	ask("causal-metadata", "/data"+path, fmt.Sprintf(`{%s"causal-metadata":%s}`, value, metadata))
	ask("X-Causal-Metadata", "/data"+path, fmt.Sprintf(`{%s"x":1}`, value), api.HeaderMetadata, metadata)
	return answers
}

// TestAForgedSessionIsRefusedWhereItIsPresented: one PUT with a counter of 2^48 in its session once
// gave its key a counter that nodes refuse. The sessions of all clients that had read the key, or
// listed its shard, were then refused for good.
func TestAForgedSessionIsRefusedWhereItIsPresented(t *testing.T) {
	c := startCausal(t, 3)
	seen := seenOf(t, c.nodes[0], "k")
	other := seenOf(t, c.nodes[0], "other")
	ofNode0 := seen.Exact[0].Version.Dot.Stream
	at := func(counter uint64, s wire.Stream, n uint64) wire.CausalVersion {
		return wire.CausalVersion{Counter: counter, Dot: wire.Dot{Stream: s, N: n}}
	}
	earlier := ofNode0
	earlier.View.Number += 9
	for _, f := range []struct {
		name    string
		context wire.Context
	}{
		{"a counter of 2^48", naming(seen, at(1<<48, stranger, 1))},
		{"a counter of 2^59 of another key", naming(other, at(1<<59, stranger, 1))},
		{"a ceil of 2^48", wire.Context{Vector: wire.Vector{{Stream: stranger, N: 1}}, Ceil: 1 << 48}},
		{"a place of 2^48 in a stream", naming(seen, at(1, stranger, 1<<48))},
		{"a place of 2^48 in a vector", wire.Context{Vector: wire.Vector{{Stream: stranger, N: 1 << 48}}}},
		{"a write that the node did not make", naming(seen, at(1, ofNode0, 1000))},
		{"a vector beyond what the node wrote", wire.Context{Vector: wire.Vector{{Stream: ofNode0, N: 1000}}}},
		{"a write of the node in a view that there was not", naming(seen, at(1, earlier, 1))},
	} {
		for _, method := range []string{http.MethodPut, http.MethodGet, http.MethodDelete} {
			for way, res := range send(t, c.nodes[0].Base(), method, "/k", forged(f.context)) {
				if res.StatusCode != http.StatusBadRequest {
					t.Errorf("%s by %s: %s is %d, want 400", f.name, way, method, res.StatusCode)
				}
			}
		}
		for way, res := range send(t, c.nodes[0].Base(), http.MethodGet, "", forged(f.context)) {
			if res.StatusCode != http.StatusBadRequest {
				t.Errorf("%s by %s: a list is %d, want 400", f.name, way, res.StatusCode)
			}
		}
	}
	untouched(t, c, forged(seen))
}

// untouched runs honest clients at every node. Each has the sessions of all others.
func untouched(t *testing.T, c *cluster, session string) {
	t.Helper()
	seen := json.RawMessage(fmt.Sprintf(`{"session":%q}`, session))
	for i, r := range c.nodes {
		value := fmt.Sprint("honest ", i)
		a, err := r.PutCausal(t.Context(), "k", value, seen)
		if err != nil {
			t.Fatalf("put at %d: %v", i, err)
		}
		for j, reader := range c.nodes {
			if a, err = reader.GetCausal(t.Context(), "k", a.Metadata); err != nil || string(a.Value) != value {
				t.Fatalf("get at %d what %d wrote: %+v, %v", j, i, a, err)
			}
			var all map[string]string
			if all, a, err = reader.AllCausal(t.Context(), a.Metadata); err != nil || all["k"] != value {
				t.Fatalf("list at %d what %d wrote: %v, %v", j, i, all, err)
			}
		}
		seen = a.Metadata
	}
}

// TestTheLargestCountersThatAreTakenEndNothing: without a secret, a client can claim the largest
// plausible number of writes. Even if it does so repeatedly, its key stays usable.
func TestTheLargestCountersThatAreTakenEndNothing(t *testing.T) {
	c := startCausal(t, 3)
	seen := seenOf(t, c.nodes[0], "k")
	session := forged(seen)
	for i, r := range c.nodes {
		most := writesBy(time.Now().Add(-time.Second)) // the largest of a second ago
		last := uint64(0)
		for step := most / 2; step > 0; step /= 2 {
			last += step
			claim := naming(seen, wire.CausalVersion{Counter: last, Dot: wire.Dot{Stream: stranger, N: 1}})
			a, err := r.Put(t.Context(), "causal", "k", []byte("v"), client.Options{Session: forged(claim)})
			if err != nil {
				t.Fatalf("counter %d at %d: %v", last, i, err)
			}
			session = a.Session
		}
		if m, err := r.Metadata(t.Context(), "causal", "k"); err != nil || m.Version <= last {
			t.Fatalf("at %d: %+v, %v", i, m, err)
		}
	}
	untouched(t, c, session)
}

// TestAForwardedWriteIsCheckedByItsOwner: only the owner knows the number of its own writes.
func TestAForwardedWriteIsCheckedByItsOwner(t *testing.T) {
	c := startCluster(t, 0)
	c.bucket = "causal"
	for id := range 2 {
		c.start(t, uint64(id))
	}
	request := api.ViewRequest{View: api.View{Shards: []api.Shard{
		{Name: "a", Members: []api.Member{c.nodes[0].member}}, {Name: "b", Members: []api.Member{c.nodes[1].member}},
	}}}
	for _, r := range c.nodes {
		if a, err := r.PutView(t.Context(), request); err != nil || a.Result != api.ViewReady {
			t.Fatalf("%+v, %v", a, err)
		}
	}
	key := ""
	for i := 0; key == ""; i++ {
		if a, err := c.nodes[0].Ring(t.Context(), fmt.Sprint(i)); err != nil {
			t.Fatal(err)
		} else if *a.Shard == "b" {
			key = fmt.Sprint(i)
		}
	}
	seen := seenOf(t, c.nodes[0], key)
	session := client.Options{Session: forged(seen)}
	seen.Exact[0].Version.Dot.N += 1000
	beyond := client.Options{Session: forged(seen)}
	if _, err := c.nodes[0].Put(t.Context(), "causal", key, []byte("w"), beyond); problemOf(err).Code != api.CodeBadSession {
		t.Errorf("put: %v", err)
	}
	if _, err := c.nodes[0].Get(t.Context(), "causal", key, beyond); problemOf(err).Code != api.CodeBadSession {
		t.Errorf("get: %v", err)
	}
	if a, err := c.nodes[0].Get(t.Context(), "causal", key, session); err != nil || string(a.Value) != "v" {
		t.Errorf("%+v, %v", a, err)
	}
}

// TestWithASecretASessionCannotBeForged makes plausible sessions with a correct checksum.
func TestWithASecretASessionCannotBeForged(t *testing.T) {
	c := startCluster(t, 0)
	c.bucket = "causal"
	first, second := []byte("the first key of this cluster..."), []byte("the second one, while it changes")
	for id, keys := range [][][]byte{{first}, {first, second}, {second, first}} {
		c.keys = keys
		c.start(t, uint64(id))
	}
	c.putView(t, c.nodes[:2]...)
	a, err := c.nodes[0].Put(t.Context(), "causal", "k", []byte("v"), client.Options{})
	if err != nil {
		t.Fatal(err)
	}
	seen, sealed, err := wire.ReadContext("cohort", a.Session)
	if err != nil || !sealed {
		t.Fatalf("sealed %t, %v", sealed, err)
	}
	middle := len(a.Session) / 2
	other := "A"
	if a.Session[middle] == 'A' {
		other = "B"
	}
	changed := a.Session[:middle] + other + a.Session[middle+1:]
	for name, session := range map[string]string{"with a checksum": forged(seen), "changed": changed, "cut": a.Session[:len(a.Session)-4]} {
		for _, method := range []string{http.MethodPut, http.MethodGet, http.MethodDelete} {
			for way, res := range send(t, c.nodes[0].Base(), method, "/k", session) {
				if res.StatusCode != http.StatusBadRequest {
					t.Errorf("%s by %s: %s is %d, want 400", name, way, method, res.StatusCode)
				}
			}
		}
	}
	untouched(t, &cluster{nodes: c.nodes[:2]}, a.Session)

	c.putView(t, c.nodes[1:]...) // the next step of the change: a node that seals with the second
	a, err = c.nodes[2].Get(t.Context(), "causal", "k", client.Options{Session: a.Session})
	if err != nil {
		t.Fatal(err)
	}
	untouched(t, &cluster{nodes: c.nodes[1:]}, a.Session)
}
