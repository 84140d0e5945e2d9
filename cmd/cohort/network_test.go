package main

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/cohortkv/cohort/node/ids"
)

func TestOnlyPeopleOnThisMachineCutTheDemosNetwork(t *testing.T) {
	for _, c := range []struct {
		host, header, value string
		status              int
	}{
		{"127.0.0.1:8084", "", "", 200},
		{"localhost:8084", "Sec-Fetch-Site", "same-origin", 200},
		{"evil.example:8084", "", "", 421},
		{"127.0.0.1:8084", "Sec-Fetch-Site", "cross-site", 403},
		{"127.0.0.1:8084", "Origin", "http://evil.example", 403},
	} {
		n := &network{nodes: 3}
		request := httptest.NewRequest(http.MethodPost, "/cut/2", nil)
		request.Host = c.host
		if c.header != "" {
			request.Header.Set(c.header, c.value)
		}
		answer := httptest.NewRecorder()
		n.handler().ServeHTTP(answer, request)
		if cut := n.parted(ids.Node(0), ids.Node(2)); answer.Code != c.status || cut != (c.status == 200) {
			t.Errorf("%+v: %d, cut: %v", c, answer.Code, cut)
		}
	}
}
