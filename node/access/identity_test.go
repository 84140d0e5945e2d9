package access

import (
	"encoding/base64"
	"testing"
)

func TestAClientIsIdentifiedByItsTokenInEitherForm(t *testing.T) {
	tokens, err := ParseTokens([]byte("ops " + hashed("o") + " admin\nweb " + hashed("w") + " read\n"))
	if err != nil {
		t.Fatal(err)
	}
	basic := func(pair string) string { return "Basic " + base64.StdEncoding.EncodeToString([]byte(pair)) }
	for header, want := range map[string]string{
		"Bearer o": "ops", "bearer  w ": "web", basic("anyone:o"): "ops", basic(":w"): "web",
		"": "", "o": "", "Bearer": "", "Bearer x": "", "Digest o": "", "Basic !": "", basic("o"): "",
	} {
		name := ""
		if p := Identify(tokens, []byte(header), nil); p != nil {
			name = p.Name
		}
		if name != want {
			t.Errorf("%q is %q, want %q", header, name, want)
		}
	}
	if Identify(nil, []byte("Bearer o"), nil) != nil {
		t.Error("a token is known where there are none")
	}
}

func TestAnIdentityIsAskedAgainWhenTokenOrTokensChange(t *testing.T) {
	both, err := ParseTokens([]byte("ops " + hashed("o") + " admin\nweb " + hashed("w") + " read\n"))
	if err != nil {
		t.Fatal(err)
	}
	without, err := ParseTokens([]byte("web " + hashed("w") + " read\n"))
	if err != nil {
		t.Fatal(err)
	}
	var i Identity
	for n, step := range []struct {
		tokens *Tokens
		header string
		want   string
	}{
		{both, "", ""}, {both, "Bearer o", "ops"}, {both, "Bearer o", "ops"}, {both, "Bearer w", "web"}, {both, "", ""},
		{both, "Bearer o", "ops"}, {without, "Bearer o", ""}, {both, "Bearer o", "ops"},
	} {
		name := ""
		if p := i.Of(step.tokens, []byte(step.header), nil); p != nil {
			name = p.Name
		}
		if name != step.want {
			t.Errorf("step %d: %q, want %q", n, name, step.want)
		}
	}
}
