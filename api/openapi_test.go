package api

import (
	"strings"
	"testing"
)

func TestTheDocumentForToolsKnowsEveryPathCodeAndHeader(t *testing.T) {
	known := []string{
		PathPing, PathView, PathV1View, PathData, DataPrefix + "{key}", KVPrefix + "{bucket}", KVPrefix + "{bucket}/{key}",
		NodesPrefix + "{id}" + ForgetSuffix, PathCluster, PathRing, PathLive, PathReady, PathMetrics, PathOpenAPI,
	}
	for _, path := range known {
		if !strings.Contains(OpenAPI, "\n  "+path+":") {
			t.Errorf("no path %s", path)
		}
	}
	for code := range Codes() {
		if !strings.Contains(OpenAPI, "\n            - "+string(code)+"\n") {
			t.Errorf("no code %s", code)
		}
	}
	for _, name := range []string{HeaderSession, HeaderMetadata, HeaderETag, HeaderMsgNum, HeaderIfMatch, HeaderIfNoneMatch} {
		if !strings.Contains(OpenAPI, name) {
			t.Errorf("no header %s", name)
		}
	}
}
