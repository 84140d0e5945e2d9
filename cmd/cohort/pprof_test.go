package main

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
)

func TestProfilesAreServedUntilTheNodeEnds(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	address := freeAddress(t)
	wait, err := servePprof(ctx, address, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	url := "http://" + address + "/debug/pprof/goroutine?debug=1"
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(response.Body)
	response.Body.Close()
	if err != nil || response.StatusCode != http.StatusOK || !strings.Contains(string(text), "goroutine profile") {
		t.Errorf("%s, %v: %s", response.Status, err, text)
	}
	foreign, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	foreign.Host = "example.com:6060" // a web page whose name leads here
	if response, err = http.DefaultClient.Do(foreign); err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusMisdirectedRequest {
		t.Errorf("a request for another host: %s", response.Status)
	}
	stop()
	wait()
	if response, err := http.Get(url); err == nil {
		response.Body.Close()
		t.Error("profiles are served after the end")
	}
}

func TestProfilesAreOffUnlessAnAddressIsGiven(t *testing.T) {
	wait, err := servePprof(t.Context(), "", nil)
	if err != nil {
		t.Fatal(err)
	}
	wait()
}

func TestProfilesAreNotServedToOtherMachines(t *testing.T) {
	for _, address := range []string{":6060", "0.0.0.0:6060", "10.0.0.1:6060", "[::]:6060"} {
		if err := checkPprof(address); err == nil || !strings.Contains(err.Error(), "loopback only") {
			t.Errorf("%s: %v", address, err)
		}
	}
	if err := checkPprof("nonsense"); err == nil || !strings.Contains(err.Error(), "--pprof") {
		t.Errorf("nonsense: %v", err)
	}
	for _, address := range []string{"127.0.0.1:6060", "localhost:6060", "[::1]:6060", ""} {
		if err := checkPprof(address); err != nil {
			t.Errorf("%q: %v", address, err)
		}
	}
}
