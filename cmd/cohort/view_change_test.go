package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/cohortkv/cohort/api"
)

// holds is a node that holds a view with a number, and records the view that is put. That one
// has number 6.
func holds(t *testing.T, number int, view string) (url string, put *string) {
	t.Helper()
	put = new(string)
	node := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != api.PathV1View {
			t.Errorf("%s %s", r.Method, r.URL)
		}
		if r.URL.Query().Has(api.QueryDryRun) {
			io.WriteString(w, `{"members":[]}`)
			return
		}
		if r.Method == http.MethodGet {
			io.WriteString(w, `{"ready":true,"number":`+strconv.Itoa(number)+`,"view":`+view+`}`)
			return
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		*put = string(body)
		view := strings.TrimSuffix(strings.TrimPrefix(*put, `{"view":`), `}`)
		io.WriteString(w, `{"result":"ready","number":6,"view":`+strings.TrimSuffix(view, `,"force":true`)+`}`)
	}))
	t.Cleanup(node.Close)
	return node.URL, put
}

func TestMembersAreAddedToAndRemovedFromTheViewInForce(t *testing.T) {
	clearEnvironment(t)
	const flat = `[{"id":0,"address":"a:1"},{"id":1,"address":"b:1","bus":"b:9"}]`
	const sharded = `{"A":[{"id":0,"address":"a:1"}],"B":[{"id":1,"address":"b:1"}]}`
	for _, c := range []struct {
		view, args string
		put        string // empty: refused
		says       string
	}{
		{flat, "remove 0", `{"view":[{"id":1,"address":"b:1","bus":"b:9"}]}`, "ready, view 6: node 1"},
		{flat, "remove 1 --force", `{"view":[{"id":0,"address":"a:1"}],"force":true}`, "ready, view 6: node 0"},
		{flat, "remove 2", "", "node 2 is not in the view: nodes 0, 1"},
		{flat, "remove 0 1", "", "no member would be left"},
		{flat, "remove 0 0", "", "node 0 is not in the view: node 1"},
		{sharded, "remove 1", `{"view":{"A":[{"id":0,"address":"a:1"}],"B":[]}}`, "ready, view 6: node 0"},
		{flat, "add 2=c:1,bus=c:9", `{"view":[{"id":0,"address":"a:1"},{"id":1,"address":"b:1","bus":"b:9"},{"id":2,"address":"c:1","bus":"c:9"}]}`, "nodes 0, 1, 2"},
		{flat, "add 1=c:1", "", "node 1 is in the view already, at b:1"},
		{flat, "add B/2=c:1", "", "the view has no shards"},
		{sharded, "add B/2=c:1", `{"view":{"A":[{"id":0,"address":"a:1"}],"B":[{"id":1,"address":"b:1"},{"id":2,"address":"c:1"}]}}`, "nodes 0, 1, 2"},
		{sharded, "add 2=c:1", "", "the view has shards; name one: SHARD/2=c:1"},
		{sharded, "add C/2=c:1", "", "the view has no shard C"},
		{`[]`, "add 2=c:1", "", "no view yet"},
	} {
		url, put := holds(t, 5, c.view)
		got := cohort(t, strings.Fields("view "+c.args+" --to "+url)...)
		if *put != c.put || (got.status == 0) != (c.put != "") || !strings.Contains(got.out+got.err, c.says) {
			t.Errorf("%s: status %d, put %s, said %q %q", c.args, got.status, *put, got.out, got.err)
		}
	}
}

// TestAViewThatCameInBetweenIsReported: the view that is put has number 6.
func TestAViewThatCameInBetweenIsReported(t *testing.T) {
	clearEnvironment(t)
	for read, warned := range map[int]bool{4: true, 5: false, 6: false} {
		url, _ := holds(t, read, `[{"id":0,"address":"a:1"},{"id":1,"address":"b:1"}]`)
		got := cohort(t, "view", "remove", "1", "--to", url)
		if got.status != 0 || strings.Contains(got.err, "another operator") != warned {
			t.Errorf("view %d was read: status %d, said %q", read, got.status, got.err)
		}
	}
}
