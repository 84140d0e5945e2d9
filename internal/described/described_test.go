package described

import (
	"net/http"
	"strings"
	"testing"

	"github.com/cohortkv/cohort/api"
)

func TestTheDocumentIsValid(t *testing.T) {
	if _, err := Parse(api.OpenAPI); err != nil {
		t.Error(err)
	}
}

func TestAnUndescribedAnswerIsReported(t *testing.T) {
	v1 := func(more ...string) http.Header {
		header := http.Header{"Cohort-Node": {"3"}, "Content-Type": {api.TypeJSON}, "Date": {"today"}}
		for i := 0; i < len(more); i += 2 {
			header.Set(more[i], more[i+1])
		}
		return header
	}
	for _, c := range []struct {
		answer Answer
		says   string // "": the answer is described
	}{
		{Answer{"GET", "/v1/kv/strong/a/b/c?timeout=1s", 200, v1("ETag", `"1"`), []byte("bytes")}, ""},
		{Answer{"HEAD", "/v1/kv/strong/a", 304, v1("ETag", `"1"`), nil}, ""},
		{Answer{"GET", "/v1/kv/strong", 200, v1(), []byte(`{"items":[]}`)}, ""},
		{Answer{"PATCH", "/v1/kv/strong/a", 405, v1("Allow", "GET"), nil}, ""},
		{Answer{"GET", "/nothing", 404, v1(), nil}, ""},
		{Answer{"GET", "/nothing", 200, v1(), nil}, "no such path"},
		{Answer{"PATCH", "/v1/kv/strong/a", 200, v1(), nil}, "no PATCH of /v1/kv/{bucket}/{key}"},
		{Answer{"GET", "/v1/kv/strong/a", 206, v1(), nil}, "no such status"},
		{Answer{"GET", "/v1/kv/strong/a", 200, v1("X-New", "1"), nil}, "no header X-New"},
		{Answer{"GET", "/v1/kv/strong/a", 200, http.Header{}, nil}, "lacks the header Cohort-Node"},
		{Answer{"GET", "/v1/ring", 200, v1("Content-Type", "text/html"), []byte("x")}, `no "text/html"`},
		{Answer{"GET", "/v1/kv/strong", 200, v1(), []byte(`{"items":7}`)}, "another one"},
		{Answer{"GET", "/v1/kv/strong", 200, v1(), []byte(`{`)}, "no JSON"},
	} {
		err := Default().Check(c.answer)
		if (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s %s %d: %v, want %q", c.answer.Method, c.answer.Path, c.answer.Status, err, c.says)
		}
	}
}

func TestADocumentThatIsNotValidIsRefused(t *testing.T) {
	for _, text := range []string{
		"openapi: 3.1.0\n",
		strings.Replace(api.OpenAPI, "summary: Delete a key", "summary: Delete a key\n      nonsense: x", 1),
		strings.Replace(api.OpenAPI, "schemas/Cluster'", "schemas/Cloister'", 1),
		strings.Replace(api.OpenAPI, "{name: key, in: query, required: true", "{name: key, in: somewhere, required: true", 1),
	} {
		if _, err := Parse(text); err == nil {
			t.Errorf("%.60q is valid", text)
		}
	}
}
