package ports

import (
	"net"
	"slices"
	"strings"
	"testing"
)

func TestReservedPortsAreFreeAndExclusive(t *testing.T) {
	const each = 200
	first, second := reserve(t, each), reserve(t, each)
	all := append(slices.Clone(first.Addrs()), second.Addrs()...)
	slices.Sort(all)
	if distinct := slices.Compact(slices.Clone(all)); len(all) != 2*each || len(distinct) != len(all) {
		t.Errorf("%d ports, %d different ones, want %d", len(all), len(distinct), 2*each)
	}
	for _, addr := range all {
		for range 2 { // a server may be started again
			ln, err := net.Listen("tcp", addr)
			if err != nil {
				t.Fatal(err)
			}
			ln.Close()
		}
	}
}

func TestThePortsAreBelowThoseThatTheKernelGivesAway(t *testing.T) {
	_, high := drawn()
	if high == 1<<16 {
		t.Skip("the kernel gives away every port of this machine")
	}
	for range 100 {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		ln.Close()
		if given := ln.Addr().(*net.TCPAddr).Port; given < high {
			t.Fatalf("the kernel gave port %d, below %d", given, high)
		}
	}
}

func TestAPortIsTakenOnce(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	reserved := reserve(t, 1)
	for _, taken := range []string{listener.Addr().String(), reserved.Addrs()[0]} {
		r := &Reserved{}
		if err := r.try(taken); err == nil || len(r.Addrs()) != 0 {
			t.Errorf("%s was taken twice", taken)
		}
	}
	if err := reserved.Close(); err != nil {
		t.Fatal(err)
	}
	r := &Reserved{}
	if err := r.try(reserved.Addrs()[0]); err != nil {
		t.Errorf("%s was not given back: %v", reserved.Addrs()[0], err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestWhereThereAreTooFewIsAnError(t *testing.T) {
	r, err := Reserve(draws + 1)
	if err == nil || !strings.Contains(err.Error(), "free ports") {
		t.Errorf("err %v", err)
	}
	if err == nil {
		_ = r.Close()
	}
}

func reserve(t *testing.T, n int) *Reserved {
	t.Helper()
	r, err := Reserve(n)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return r
}
