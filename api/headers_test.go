package api

import (
	"testing"
)

func TestETagsReadBackAndNothingElseDoes(t *testing.T) {
	for _, v := range []Version{{}, {1, 0}, {1 << 63, 0xdeadbeef}, {17, 0x0000000a}} {
		if got, ok := ParseETag(v.ETag()); !ok || got != v {
			t.Errorf("%s reads back as %v, %v", v.ETag(), got, ok)
		}
	}
	if got, want := (Version{42, 0xAB}).ETag(), `"42-000000ab"`; got != want {
		t.Errorf("ETag is %s, not %s", got, want)
	}
	for _, tag := range []string{``, `"`, `""`, `"1-00000000`, `1-00000000`, `W/"1-00000000"`, `"01-00000000"`,
		`"1-0000000A"`, `"1-000"`, `"-00000000"`, `"+1-00000000"`, `"1-00000000" `, `"x"`} {
		if v, ok := ParseETag(tag); ok {
			t.Errorf("%q was taken for %v", tag, v)
		}
	}
}
