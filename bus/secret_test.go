package bus

import (
	"bytes"
	"strings"
	"testing"
)

func TestKeysFollowSecretsAndLabels(t *testing.T) {
	secrets := func(text string) Secrets {
		s, err := NewSecrets(text)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	both, first := secrets("new\n\n  old \n"), secrets("new")
	keys := both.Keys("a")
	if len(keys) != 2 || bytes.Equal(keys[0], keys[1]) {
		t.Fatalf("two secrets have the keys %x", keys)
	}
	if !bytes.Equal(keys[0], first.Keys("a")[0]) || !bytes.Equal(keys[1], secrets("old").Keys("a")[0]) {
		t.Error("a secret's key depends on the secrets beside it")
	}
	if bytes.Equal(keys[0], both.Keys("b")[0]) {
		t.Error("two labels have one key")
	}
	if none := (Secrets{}); none.Present() || len(none.Keys("a")) != 0 {
		t.Error("without a secret there is a key")
	}
}

func TestBadSecretsGetAClearError(t *testing.T) {
	for text, want := range map[string]string{
		"":                                  "no secret",
		" \n\n":                             "no secret",
		strings.Repeat("x\n", maxSecrets+1): "9 secrets exceed the limit of 8",
	} {
		if _, err := NewSecrets(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v", text, err)
		}
	}
}
