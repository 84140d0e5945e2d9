package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cohortkv/cohort/api"
)

// puts is a node that answers puts of views with the given answers, in order, and records the
// bodies.
func puts(t *testing.T, answers ...string) (url string, bodies *[]string) {
	t.Helper()
	bodies = new([]string)
	node := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if r.URL.Query().Has(api.QueryDryRun) {
			io.WriteString(w, `{"members":[]}`)
			return
		}
		if err != nil || r.Method != http.MethodPut || r.URL.Path != api.PathV1View || len(answers) == 0 {
			t.Errorf("%s %s %s, %v, %d answers left", r.Method, r.URL, body, err, len(answers))
			http.Error(w, "unexpected", http.StatusTeapot)
			return
		}
		*bodies = append(*bodies, string(body))
		status, answer, _ := strings.Cut(answers[0], " ")
		answers = answers[1:]
		w.WriteHeader(map[string]int{"200": 200, "400": 400}[status])
		io.WriteString(w, answer)
	}))
	t.Cleanup(node.Close)
	return node.URL, bodies
}

func TestViewSetSendsTheViewAsWritten(t *testing.T) {
	clearEnvironment(t)
	tests := []struct{ args, want string }{
		{"0=a:1 1=b:2", `{"view":[{"id":0,"address":"a:1"},{"id":1,"address":"b:2"}]}`},
		{"0=a:1,bus=x:9 --force", `{"view":[{"id":0,"address":"a:1","bus":"x:9"}],"force":true}`},
		{"B/2=c:1 A/0=a:1 B/1=b:1", `{"view":{"B":[{"id":2,"address":"c:1"},{"id":1,"address":"b:1"}],"A":[{"id":0,"address":"a:1"}]}}`},
		{"--empty", `{"view":[]}`},
	}
	for _, test := range tests {
		t.Run(test.args, func(t *testing.T) {
			url, bodies := puts(t, `200 {"result":"ready","view":[],"number":4}`)
			o := cohort(t, append([]string{"view", "set", "--to", url}, strings.Fields(test.args)...)...)
			if o.status != 0 || o.out != url+": ready, view 4\n" {
				t.Errorf("status %d, printed %q, complaint %q", o.status, o.out, o.err)
			}
			var want, got any
			if json.Unmarshal([]byte(test.want), &want) != nil || len(*bodies) != 1 || json.Unmarshal([]byte((*bodies)[0]), &got) != nil {
				t.Fatalf("sent %q", *bodies)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestViewSetTriesAgainUntilTheNodeIsReady(t *testing.T) {
	url, bodies := puts(t, `200 {"result":"unready","view":[],"number":1,"reason":"node 2 is silent"}`,
		`200 {"result":"ready","view":[],"number":1}`)
	if o := cohort(t, "view", "set", "--to", url, "0=a:1"); o.status != 0 || len(*bodies) != 2 {
		t.Errorf("status %d after %d tries, complaint %q", o.status, len(*bodies), o.err)
	}
}

func TestViewSetSaysWhyItGaveUp(t *testing.T) {
	tests := []struct{ name, answer, want string }{
		{"not ready", `200 {"result":"unready","view":[],"number":1,"reason":"node 2 is silent"}`, "node 2 is silent"},
		{"overtaken", `200 {"result":"overtaken","view":[],"number":1}`, "another view has replaced it"},
		{"refused", `400 {"error":"id 0 is there twice"}`, "id 0 is there twice"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			url, _ := puts(t, test.answer)
			if o := cohort(t, "view", "set", "--wait", "0s", "--to", url, "0=a:1"); o.status == 0 || !strings.Contains(o.err, test.want) {
				t.Errorf("status %d, complaint %q", o.status, o.err)
			}
		})
	}
}

func TestViewSetOfARefusedViewIsNotTriedAgain(t *testing.T) {
	url, bodies := puts(t, `400 {"error":"no"}`)
	if o := cohort(t, "view", "set", "--to", url, "0=a:1"); o.status != exitRefused || len(*bodies) != 1 {
		t.Errorf("status %d after %d tries", o.status, len(*bodies))
	}
}

// TestViewSetAsksForForceBeforeDataIsLost: the check reports the loss, and no view is put.
func TestViewSetAsksForForceBeforeDataIsLost(t *testing.T) {
	clearEnvironment(t)
	put := 0
	node := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Has(api.QueryDryRun) {
			io.WriteString(w, `{"members":[],"warnings":["no member of this list has any data"]}`)
			return
		}
		put++
		w.WriteHeader(http.StatusAccepted)
		io.WriteString(w, `{"result":"unready","view":[],"number":4,"warnings":["no member of this list has any data"],
			"members":[{"id":1,"address":"b:2","state":"unreached","reason":"no route"}]}`)
	}))
	t.Cleanup(node.Close)
	args := []string{"view", "set", "--to", node.URL, "--wait", "0s", "0=a:1", "1=b:2"}
	if o := cohort(t, args...); o.status == 0 || put != 0 || !strings.Contains(o.err, "--force") || !strings.Contains(o.err, "no member of this list has any data") {
		t.Errorf("status %d, put %d times, complaint %q", o.status, put, o.err)
	}
	o := cohort(t, append(args, "--force")...)
	if o.status == 0 || put != 1 || !strings.Contains(o.err, "warning: no member") || !strings.Contains(o.err, "node 1 at b:2: unreached: no route\n") {
		t.Errorf("by force: status %d, put %d times, complaint %q", o.status, put, o.err)
	}
}

// TestViewSetWaitsAsLongAsItSays: the request gives the node a timeout, and the
// command does not wait longer for a node that does not answer.
func TestViewSetWaitsAsLongAsItSays(t *testing.T) {
	clearEnvironment(t)
	limits := make(chan string, 10)
	node := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !r.URL.Query().Has(api.QueryDryRun) {
			limits <- r.URL.Query().Get(api.QueryTimeout)
		}
		_, _ = io.ReadAll(r.Body) // otherwise the server does not notice that the client leaves
		<-r.Context().Done()
	}))
	t.Cleanup(node.Close)
	if o := cohort(t, "view", "set", "--to", node.URL, "--wait", "0s", "0=a:1"); o.status == 0 || len(limits) != 1 {
		t.Fatalf("status %d after %d tries, complaint %q", o.status, len(limits), o.err)
	}
	if limit := <-limits; limit != "500ms" {
		t.Errorf("the node might take %q", limit)
	}
}
