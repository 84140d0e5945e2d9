package keys

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/cohortkv/cohort/api"
)

// strongPage is a page of the strong bucket.
var strongPage = page{kind: strongCursor}

func TestCursorsThatAreNotOurs(t *testing.T) {
	good := strongPage.cursor("abc")
	if key, err := strongPage.key([]byte(good)); key != "abc" || err != nil {
		t.Fatalf("%q, %v", key, err)
	}
	for _, bad := range []string{"x", good + "x", good[1:], strings.ToUpper(good), good + "=",
		base64.RawURLEncoding.EncodeToString([]byte("\x01\x00\x00\x00\x00abc\x00\x00\x00\x00")), strongPage.cursor(""), strongPage.cursor(strings.Repeat("x", api.MaxKey+1))} {
		if key, err := strongPage.key([]byte(bad)); err == nil {
			t.Errorf("%q is the cursor of %q", bad, key)
		}
	}
}

func TestACursorIsGoodForItsBucketAndShardOnly(t *testing.T) {
	pages := []page{strongPage, {kind: causalCursor}, {kind: causalCursor, origin: "shard a"}, {kind: causalCursor, origin: "shard b"}}
	for i, maker := range pages {
		for j, reader := range pages {
			if _, err := reader.key([]byte(maker.cursor("k"))); (err == nil) != (i == j) {
				t.Errorf("made by %+v, read by %+v: %v", maker, reader, err)
			}
		}
	}
}

func FuzzCursors(f *testing.F) {
	f.Add([]byte(strongPage.cursor("key")))
	f.Add([]byte("AQAAAAB\nrZXnl1Bm6"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if key, err := strongPage.key(text); err == nil && strongPage.cursor(key) != string(text) {
			t.Fatalf("%q and %q are the same cursor", text, strongPage.cursor(key))
		}
	})
}
