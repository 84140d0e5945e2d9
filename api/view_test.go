package api

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestViewsOfBothShapesReadBack(t *testing.T) {
	for body, want := range map[string]ViewRequest{
		`{"view":[{"address":"a:8081","id":0},{"address":"[::1]:1","id":7,"bus":"b:2","role":"x"}]}`: {View: View{Flat: true,
			Shards: []Shard{{Members: []Member{{ID: 0, Address: "a:8081"}, {ID: 7, Address: "[::1]:1", Bus: "b:2"}}}}}},
		`{"view":{"B":[{"address":"a_b.c:8081","id":0}],"A":[]},"force":true,"who":"me"}`: {Force: true, View: View{
			Shards: []Shard{{Name: "B", Members: []Member{{ID: 0, Address: "a_b.c:8081"}}}, {Name: "A", Members: []Member{}}}}},
		`{"view":[]}`:                    {View: View{Flat: true}},
		`{"view":{},"force":null}`:       {View: View{Shards: []Shard{}}},
		`{"force":false,"view" : [ ] } `: {View: View{Flat: true}},
	} {
		got, err := ParseViewRequest([]byte(body))
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%s: %v\n%s", body, err, diff)
			continue
		}
		again, err := json.Marshal(got)
		if err != nil {
			t.Errorf("%s: %v", body, err)
			continue
		}
		back, err := ParseViewRequest(again)
		if diff := cmp.Diff(want, back); diff != "" || err != nil {
			t.Errorf("%s was written as %s: %v\n%s", body, again, err, diff)
		}
	}
}

func TestViewsThatAreRefusedSayWhy(t *testing.T) {
	for body, want := range map[string]string{
		``:                         "missing",
		`x`:                        "not JSON",
		`[]`:                       "not a JSON object",
		`{}`:                       `no "view"`,
		`{"views":[]}`:             `no "view"`,
		`{"view":null}`:            "neither",
		`{"view":"a:1"}`:           "neither",
		`{"view":[],"force":1}`:    "force",
		`{"view":[1]}`:             "view[0]",
		`{"view":[null]}`:          "view[0]",
		`{"view":{"a":null}}`:      `view["a"]`,
		`{"view":{"a":{}}}`:        `view["a"]`,
		`{"view":{"a":[],"a":[]}}`: "twice",
		`{"view":{"` + strings.Repeat("s", MaxShardName+1) + `":[]}}`:               "name",
		`{"view":[{"address":"a:1"}]}`:                                              `no "id"`,
		`{"view":[{"id":1}]}`:                                                       `no "address"`,
		`{"view":[{"address":"a:1","id":-1}]}`:                                      "negative",
		`{"view":[{"address":"a:1","id":"1"}]}`:                                     "whole number",
		`{"view":[{"address":"a:1","id":1.0}]}`:                                     "whole number",
		`{"view":[{"address":"a:1","id":18446744073709551616}]}`:                    "whole number",
		`{"view":[{"address":1,"id":1}]}`:                                           "not a string",
		`{"view":[{"address":"a","id":1}]}`:                                         "host:port",
		`{"view":[{"address":"a:0","id":1}]}`:                                       "port between",
		`{"view":[{"address":"a:65536","id":1}]}`:                                   "port between",
		`{"view":[{"address":"a:080","id":1}]}`:                                     "port between",
		`{"view":[{"address":"a:http","id":1}]}`:                                    "port between",
		`{"view":[{"address":":80","id":1}]}`:                                       "valid host",
		`{"view":[{"address":"a b:80","id":1}]}`:                                    "valid host",
		`{"view":[{"address":"http://a:80","id":1}]}`:                               "host:port",
		`{"view":[{"address":"a:65000","id":1}]}`:                                   "no port for the bus",
		`{"view":[{"address":"a:80","id":1,"bus":"b"}]}`:                            "bus",
		`{"view":[{"address":"a:80","id":1,"bus":null}]}`:                           "bus",
		`{"view":[{"address":"a:80","id":1},{"address":"b:80","id":1}]}`:            "id 1 is there twice",
		`{"view":{"x":[{"address":"a:80","id":1}],"y":[{"address":"b:1","id":1}]}}`: "id 1 is there twice",
		`{"view":[{"address":"a:80","id":1},{"address":"a:80","id":2}]}`:            "given to 1 and to 2",
	} {
		if _, err := ParseViewRequest([]byte(body)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want something about %q", body, err, want)
		}
	}
}

func FuzzViewsReadBack(f *testing.F) {
	f.Add([]byte(`{"view":[{"address":"a:8081","id":0}]}`))
	f.Add([]byte(`{"view":{"A":[{"address":"[::1]:8081","id":3,"bus":"x:1"}],"B":[]},"force":true}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		request, err := ParseViewRequest(body)
		if err != nil {
			return
		}
		again, err := json.Marshal(request)
		if err != nil {
			t.Fatal(err)
		}
		back, err := ParseViewRequest(again)
		if diff := cmp.Diff(request, back); diff != "" || err != nil {
			t.Fatalf("%q was written as %q: %v\n%s", body, again, err, diff)
		}
	})
}
