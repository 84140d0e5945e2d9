package api

import (
	"net/netip"
	"strings"
)

// IsLoopbackHost reports whether the value of a Host header, with or without a port,
// names the machine that it is sent on: localhost, or a loopback address. A page on
// the web can make every other name lead to 127.0.0.1 (DNS rebinding), and then read
// what a browser gets from there as its own.
func IsLoopbackHost(host string) bool {
	switch name, _, _ := strings.Cut(host, ":"); name {
	case "localhost", "127.0.0.1": // what practically everybody sends
		return true
	}
	if i := strings.LastIndexByte(host, ':'); i >= 0 && host[len(host)-1] != ']' && strings.IndexByte(host, ':') == i {
		host = host[:i]
	} else if i := strings.IndexByte(host, ']'); i >= 0 && host[0] == '[' {
		if rest := host[i+1:]; rest != "" && rest[0] != ':' {
			return false
		}
		host = host[1:i]
	}
	if strings.EqualFold(strings.TrimSuffix(host, "."), "localhost") {
		return true
	}
	address, err := netip.ParseAddr(host)
	return err == nil && address.Unmap().IsLoopback()
}
