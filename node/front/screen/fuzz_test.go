package screen

import (
	"bytes"
	"testing"

	"github.com/cohortkv/cohort/api"
)

// FuzzHeaderLines looks for lines that end the pass over them, or are missed by it.
func FuzzHeaderLines(f *testing.F) {
	f.Add([]byte("If-Match"), []byte(" \"a\""))
	f.Add([]byte("Transfer-Encoding"), []byte("chunked"))
	f.Add([]byte("cohort-sesion"), []byte(""))
	f.Fuzz(func(t *testing.T, name, value []byte) {
		raw := append(append(append([]byte("Host: n\r\n"), name...), ':'), value...)
		seen, err := scan(append(raw, "\r\n\r\n"...))
		if bytes.ContainsAny(name, " \t:\r\n") || bytes.ContainsAny(value, "\r\n") || len(name) == 0 {
			return
		}
		if want := known.bitOf(name); err == nil && !seen.has(want) && want != 0 {
			t.Fatalf("%q was missed", name)
		}
	})
}

// FuzzHosts looks for names that only one of two readers takes for a loopback host.
func FuzzHosts(f *testing.F) {
	f.Add("localhost:1")
	f.Add("[::1]:1")
	f.Fuzz(func(t *testing.T, host string) {
		if api.IsLoopbackHost(host) && bytes.ContainsAny([]byte(host), "/@ \t\r\n?#") {
			t.Fatalf("%q is a loopback host", host)
		}
	})
}
