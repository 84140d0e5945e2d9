package api

import (
	"bytes"
	"encoding/json"
	"testing"
)

// Bodies that are parsed without encoding/json must have the same result as with
// it.
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
			return // encoding/json ignores the case of names
		}
		if plain.Value != nil && b.Value != nil && bytes.IndexByte(body, '\\') < 0 && bytes.Count(bytes.ToLower(body), []byte(`"value"`)) == 1 && *plain.Value != string(bytes.ToValidUTF8(b.Value, []byte("\ufffd"))) {
			t.Fatalf("%q has the value %q, encoding/json reads %q", body, b.Value, *plain.Value)
		}
	})
}
