package api

import (
	"bytes"
	"errors"
	"net/url"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestEveryByteSurvivesAKeysPath(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		key := string(rapid.SliceOfN(rapid.Byte(), 1, 40).Draw(t, "key"))
		for _, path := range []string{DataPath(key), KVPath(BucketStrong, key)} {
			tail := strings.TrimPrefix(strings.TrimPrefix(path, DataPrefix), KVPrefix+BucketStrong+"/")
			got, err := AppendKey(nil, []byte(tail))
			if err != nil || string(got) != key {
				t.Fatalf("key %q became %q by way of %q: %v", key, got, path, err)
			}
			u, err := url.Parse("http://node" + path)
			if err != nil || u.EscapedPath() != path {
				t.Fatalf("key %q: net/url makes %q of %q: %v", key, u.EscapedPath(), path, err)
			}
		}
	})
}

func TestPathsThatOthersWouldFoldAreHidden(t *testing.T) {
	for key, want := range map[string]string{
		"a/b.c": "/data/a/b.c",
		"..":    "/data/%2E%2E",
		"a/../": "/data/a%2F%2E%2E%2F",
		"/x":    "/data/%2Fx",
		"a//b":  "/data/a%2F%2Fb",
		"ü +":   "/data/%C3%BC%20%2B",
		"a%2Fb": "/data/a%252Fb",
		"a?b#c": "/data/a%3Fb%23c",
	} {
		if got := DataPath(key); got != want {
			t.Errorf("path of %q is %q, not %q", key, got, want)
		}
	}
}

func TestKeysThatAreRefused(t *testing.T) {
	for _, c := range []struct {
		raw  string
		want error
	}{
		{"", ErrNoKey},
		{"%", ErrBadEscape},
		{"a%2", ErrBadEscape},
		{"%zz", ErrBadEscape},
		{"%2g", ErrBadEscape},
		{strings.Repeat("a", MaxKey+1), ErrKeyTooLong},
		{strings.Repeat("%61", MaxKey+1), ErrKeyTooLong},
		{strings.Repeat("%61", MaxKey), nil},
	} {
		if _, err := AppendKey(nil, []byte(c.raw)); !errors.Is(err, c.want) {
			t.Errorf("%.20q: %v, want %v", c.raw, err, c.want)
		}
	}
}

func FuzzKeysFromPaths(f *testing.F) {
	f.Add([]byte("a/b%2Fc"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		key, err := AppendKey([]byte("kept"), raw)
		if !bytes.HasPrefix(key, []byte("kept")) {
			t.Fatalf("%q: wrote over what was there: %q", raw, key)
		}
		if err != nil {
			return
		}
		tail := strings.TrimPrefix(DataPath(string(key[4:])), DataPrefix)
		if again, err := AppendKey(nil, []byte(tail)); err != nil || string(again) != string(key[4:]) {
			t.Fatalf("%q: %q escaped is %q, which is %q (%v)", raw, key[4:], tail, again, err)
		}
	})
}
