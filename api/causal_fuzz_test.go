package api

import (
	"bytes"
	"encoding/json"
	"testing"
)

// The bodies that are found by eye must be read as JSON reads them.
func FuzzCausalBodiesAgreeWithEncodingJSON(f *testing.F) {
	for _, body := range []string{
		"", `{}`, `{"value":"v"}`, `{"value":"v","causal-metadata":{"session":"abc"}}`, `{"causal-metadata":{}}`,
		`{"value":"\u00e9","causal-metadata":{"session":"x","more":1}}`, `{"value":1}`, `{"value":"a","value":"b"}`,
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		b, err := ParseCausalBody(bytes.Clone(body))
		if err != nil || len(body) == 0 {
			return
		}
		var plain struct {
			Value    *string `json:"value"`
			Metadata *struct {
				Session *string `json:"session"`
			} `json:"causal-metadata"`
		}
		if !json.Valid(body) {
			t.Fatalf("%q is no JSON, and is read as %+v", body, b)
		}
		if json.Unmarshal(body, &plain) != nil {
			return // names in another case, say: encoding/json takes them for the same
		}
		if plain.Value != nil && b.Value != nil && bytes.IndexByte(body, '\\') < 0 && bytes.Count(bytes.ToLower(body), []byte(`"value"`)) == 1 && *plain.Value != string(bytes.ToValidUTF8(b.Value, []byte("\ufffd"))) {
			t.Fatalf("%q has the value %q, encoding/json reads %q", body, b.Value, *plain.Value)
		}
	})
}
