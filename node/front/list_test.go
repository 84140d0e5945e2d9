package front

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/cohortkv/cohort/api"
	"github.com/cohortkv/cohort/node/wire"
)

func (n *node) page(t testing.TB, prefix string, limit int, cursor string) api.List {
	t.Helper()
	got := n.ask(t, "GET", api.ListPath("strong", prefix, limit, cursor), "")
	var list api.List
	if err := json.Unmarshal([]byte(got.body), &list); err != nil || got.status != 200 {
		t.Fatalf("list: %d %s", got.status, got.body)
	}
	return list
}

// keyOf draws keys that have prefixes in common, and zero and 0xff bytes.
func keyOf() *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		return string(rapid.SliceOfN(rapid.SampledFrom([]byte{0, 'a', 'b', 0xff}), 1, 5).Draw(t, "key"))
	})
}

func TestAKeyThatStaysIsListedExactlyOnceWhateverElseHappens(t *testing.T) {
	n := start(t)
	rapid.Check(t, func(rt *rapid.T) {
		keys := rapid.SliceOfDistinct(keyOf(), rapid.ID[string]).Draw(rt, "keys")
		prefix := string(rapid.SliceOfN(rapid.SampledFrom([]byte{0, 'a', 0xff}), 0, 2).Draw(rt, "prefix"))
		stays := map[string]bool{}
		n.set(func(f *fake) {
			clear(f.records)
			for _, key := range keys {
				f.records[key] = wire.Record{Key: key}
				stays[key] = strings.HasPrefix(key, prefix)
			}
		})
		var seen []string
		for cursor := ""; ; {
			list := n.page(t, prefix, rapid.IntRange(1, 4).Draw(rt, "limit"), cursor)
			for _, item := range list.Items {
				seen = append(seen, item.Name())
			}
			if cursor = list.Next; cursor == "" {
				break
			}
			n.disturb(rt, stays)
		}
		if !slices.IsSorted(seen) || len(slices.Compact(slices.Clone(seen))) != len(seen) {
			rt.Fatalf("not in order, or twice: %q", seen)
		}
		for key, must := range stays {
			if must && !slices.Contains(seen, key) {
				rt.Fatalf("%q is missing from %q, prefix %q", key, seen, prefix)
			}
		}
		if i := slices.IndexFunc(seen, func(key string) bool { return !strings.HasPrefix(key, prefix) }); i >= 0 {
			rt.Fatalf("%q has not the prefix %q", seen[i], prefix)
		}
	})
}

// disturb adds and removes a key between two pages.
func (n *node) disturb(rt *rapid.T, stays map[string]bool) {
	added, removed := keyOf().Draw(rt, "added"), keyOf().Draw(rt, "removed")
	n.set(func(f *fake) {
		f.records[added] = wire.Record{Key: added}
		delete(f.records, removed)
	})
	delete(stays, removed)
}

func TestAPageDescribesItsKeys(t *testing.T) {
	n := start(t)
	n.ask(t, "PUT", "/v1/kv/strong/b%ff", "xyz", "Content-Type: text/plain")
	n.ask(t, "PUT", "/v1/kv/strong/a", "")
	want := api.List{Items: []api.Metadata{
		{Key: "a", ETag: `"2-00000abc"`, Version: 2, ContentType: api.TypeBytes},
		{KeyBase64: []byte("b\xff"), ETag: `"1-00000abc"`, Version: 1, Size: 3, ContentType: "text/plain"},
	}}
	if diff := cmp.Diff(want, n.page(t, "", 0, "")); diff != "" {
		t.Error(diff)
	}
	if got := n.ask(t, "GET", "/v1/kv/strong?prefix=none", ""); got.body != `{"items":[]}` || got.header.Get("Msg-Num") != "3" {
		t.Errorf("%s %v", got.body, got.header)
	}
}

func TestTheLengthOfAPageHasABound(t *testing.T) {
	n := start(t)
	n.set(func(f *fake) {
		for i := range api.MaxList + 5 {
			key := fmt.Sprintf("%05d", i)
			f.records[key] = wire.Record{Key: key}
		}
	})
	for limit, want := range map[int]int{0: api.DefaultList, 7: 7, api.MaxList: api.MaxList} {
		if got := len(n.page(t, "", limit, "").Items); got != want {
			t.Errorf("limit %d: %d items", limit, got)
		}
	}
}

func TestParametersOfAListThatAreWrong(t *testing.T) {
	n := start(t)
	n.set(func(f *fake) {
		for _, key := range []string{"a", "b", "c"} {
			f.records[key] = wire.Record{Key: key}
		}
	})
	good := n.page(t, "", 1, "").Next
	for _, bad := range []string{"x", good + "x", strings.ToUpper(good)} {
		if p := problemOf(t, n.ask(t, "GET", api.ListPath("strong", "", 0, bad), "")); p.Code != api.CodeBadQuery {
			t.Errorf("%q: %+v", bad, p)
		}
	}
	if p := problemOf(t, n.ask(t, "GET", api.ListPath("strong", "x", 0, good), "")); !strings.Contains(p.Detail, "prefix") {
		t.Errorf("%+v", p)
	}
	if p := problemOf(t, n.ask(t, "GET", api.ListPath("causal", "", 0, good), "")); !strings.Contains(p.Detail, "another bucket") {
		t.Errorf("%+v", p)
	}
	for _, limit := range []string{"0", "-1", "x", "", "1001", "9999999999999999999999", "1.5"} {
		if p := problemOf(t, n.ask(t, "GET", "/v1/kv/strong?limit="+limit, "")); p.Code != api.CodeBadQuery || p.Detail != "?limit= is a number from 1 to 1000" {
			t.Errorf("limit %q: %+v", limit, p)
		}
	}
}

func TestACursorIsGoodForItsShardOnly(t *testing.T) {
	n := start(t)
	of := func(shard string) {
		n.set(func(f *fake) {
			f.status.View.Layout = wire.Layout{Shards: []wire.Shard{{Name: shard, Members: []wire.Member{{ID: 3, Address: "a:8081"}}}}}
		})
	}
	of("a")
	for _, key := range []string{"a", "b", "c"} {
		n.ask(t, "PUT", api.KVPath("causal", key), "v")
	}
	var list api.List
	if err := json.Unmarshal([]byte(n.ask(t, "GET", api.ListPath("causal", "", 1, ""), "").body), &list); err != nil || list.Next == "" {
		t.Fatal(list, err)
	}
	if got := n.ask(t, "GET", api.ListPath("causal", "", 4, list.Next), ""); got.status != 200 {
		t.Errorf("at a node of its shard: %d", got.status)
	}
	of("b")
	p := problemOf(t, n.ask(t, "GET", api.ListPath("causal", "", 4, list.Next), ""))
	if p.Code != api.CodeBadQuery || !strings.Contains(p.Detail, "another shard") {
		t.Errorf("%+v", p)
	}
}
