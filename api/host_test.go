package api

import "testing"

func TestOnlyNamesOfThisMachineAreLoopbackHosts(t *testing.T) {
	for host, want := range map[string]bool{
		"localhost": true, "localhost:8081": true, "LocalHost:80": true, "localhost.": true, "127.0.0.1": true, "127.0.0.1:1": true,
		"127.1.2.3:9": true, "[::1]": true, "[::1]:8081": true, "::1": true, "[::ffff:127.0.0.1]:1": true,
		"": false, "example.com": false, "localhost.example.com": false, "127.0.0.1.example.com:80": false, "notlocalhost": false,
		"10.0.0.1:8081": false, "0.0.0.0:8081": false, "[::]": false, "[::1]x": false, "[::1": false, "[": false, ":": false, "]": false,
		"127.0.0.1@example.com": false, "node:8081": false, "localhost:@evil.example": false, "localhost:8081/": false, "localhost:": true, "[127.0.0.1]": true, "::1%lo": false,
	} {
		if got := IsLoopbackHost(host); got != want {
			t.Errorf("%q: %v", host, got)
		}
	}
}
