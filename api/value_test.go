package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestValuesOfClassicBodies(t *testing.T) {
	for _, c := range []struct {
		body string
		want string
		err  error
	}{
		{body: `{"value":"x"}`, want: "x"},
		{body: " {\n\"value\" :\t\"x y\" }\r\n", want: "x y"},
		{body: `{"value":""}`, want: ""},
		{body: `{"value":"a\"b\\c\n\u00e9\ud83d\ude00"}`, want: "a\"b\\c\né😀"},
		{body: `{"value":"ü"}`, want: "ü"},
		{body: `{"other":[1],"value":"x","causal-metadata":null}`, want: "x"},
		{body: `{"value":1,"value":"last"}`, want: "last"},
		{body: `{"value":"\\ud800"}`, want: `\ud800`},
		{body: ``, err: ErrNoBody},
		{body: `{}`, err: ErrNoValue},
		{body: `{"VALUE":"x"}`, err: ErrNoValue},
		{body: `{"value":null}`, err: ErrValueType},
		{body: `{"value":1}`, err: ErrValueType},
		{body: `{"value":["x"]}`, err: ErrValueType},
		{body: `[]`, err: ErrNotObject},
		{body: `null`, err: ErrNotObject},
		{body: `"value"`, err: ErrNotObject},
		{body: "{\"value\":\"\xff\"}", err: ErrNotUTF8},
		{body: `{"value":"\ud800"}`, err: ErrValueNoText},
		{body: `{"value":"\udc00\ud800"}`, err: ErrValueNoText},
		{body: `{"value":"\ud800\u0041"}`, err: ErrValueNoText},
	} {
		got, err := ParseValue([]byte(c.body))
		if string(got) != c.want || !errors.Is(err, c.err) {
			t.Errorf("%s: %q, %v; want %q, %v", c.body, got, err, c.want, c.err)
		}
	}
}

func TestBodiesThatAreNotJSON(t *testing.T) {
	for _, body := range []string{" ", "value", "{", `{"value"`, `{"value":`, `{"value":"x`, `{"value":"x"`, `{"value":"x"}}`,
		`{"value":"x"} x`, "{\"value\":\"\n\"}", `{'value':'x'}`, `{"value":"x",}`, "\ufeff{\"value\":\"x\"}", `{"value":"\x"}`} {
		if got, err := ParseValue([]byte(body)); err == nil || !strings.Contains(err.Error(), "not JSON") {
			t.Errorf("%s: %q, %v", body, got, err)
		}
	}
}

func TestValuesReadBackThroughJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		value := rapid.SliceOf(rapid.Byte()).Draw(t, "value")
		body, lossy := AppendValue(nil, value)
		var decoded struct{ Value string }
		if err := json.Unmarshal(body, &decoded); err != nil {
			t.Fatalf("%q is not JSON: %v", body, err)
		}
		if want := strings.ToValidUTF8(string(value), "\ufffd"); utf8.Valid(value) && decoded.Value != want {
			t.Fatalf("%q became %q", value, decoded.Value)
		}
		if lossy == utf8.Valid(value) {
			t.Fatalf("%q: lossy is %v", value, lossy)
		}
		if got, err := ParseValue(body); err != nil || string(got) != decoded.Value {
			t.Fatalf("%q reads back as %q: %v", body, got, err)
		}
	})
}

func FuzzParseValueAgreesWithEncodingJSON(f *testing.F) {
	f.Add([]byte(`{"value":"x"}`))
	f.Add([]byte(` {"value" : "\u00e9" , "v":[{}]}`))
	f.Add([]byte(`{"value":"\ud83d"}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		got, err := ParseValue(body)
		var members map[string]any
		jsonErr := json.Unmarshal(body, &members)
		want, isString := members["value"].(string)
		switch {
		case err == nil && (jsonErr != nil || !isString || want != string(got)):
			t.Fatalf("%q: took %q, encoding/json %q (%v)", body, got, want, jsonErr)
		case err != nil && jsonErr == nil && isString && !errors.Is(err, ErrNotUTF8) && !errors.Is(err, ErrValueNoText):
			t.Fatalf("%q: refused: %v", body, err)
		}
	})
}

func BenchmarkParseValue(b *testing.B) {
	body, _ := AppendValue(nil, bytes.Repeat([]byte("x"), 128))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ParseValue(body); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppendValue(b *testing.B) {
	value, dst := bytes.Repeat([]byte("x"), 128), make([]byte, 0, 256)
	b.ReportAllocs()
	for b.Loop() {
		dst, _ = AppendValue(dst[:0], value)
	}
}
