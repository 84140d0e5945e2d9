package api

import (
	"net/netip"
	"strings"
)

// IsLoopbackHost reports whether the value of a Host header, with or without a
// port, is localhost or a loopback address. A web page can make any other name
// resolve to 127.0.0.1 (DNS rebinding). It could then read what a browser gets from
// there as if it were of the page's own origin.
func IsLoopbackHost(host string) bool {
	name := host
	if i := strings.LastIndexByte(host, ':'); i > 0 && isDigits(host[i+1:]) && (host[i-1] == ']' || strings.IndexByte(host, ':') == i) {
		name = host[:i]
	}
	if name == "localhost" || name == "127.0.0.1" { // the common values
		return true
	}
	if strings.EqualFold(strings.TrimSuffix(name, "."), "localhost") {
		return true
	}
	if inner, ok := strings.CutPrefix(name, "["); ok && strings.HasSuffix(inner, "]") {
		name = strings.TrimSuffix(inner, "]")
	}
	address, err := netip.ParseAddr(name)
	return err == nil && address.Zone() == "" && address.Unmap().IsLoopback()
}

func isDigits(text string) bool {
	for i := range len(text) {
		if text[i] < '0' || text[i] > '9' {
			return false
		}
	}
	return true
}
