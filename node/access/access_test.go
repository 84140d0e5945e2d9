package access

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func hashed(token string) string {
	sum := sha256.Sum256([]byte(token))
	return "sha256:" + hex.EncodeToString(sum[:])
}

func TestAFileOfTokensSaysWhoMayDoWhat(t *testing.T) {
	tokens, err := ParseTokens([]byte(`
# who     what they show      what they may do
ops       ` + hashed("o") + ` admin
web       ` + hashed("w") + ` read,write:strong/app/ read:causal
web       ` + hashed("w2") + ` read
odd       ` + hashed("x") + ` write:strong/a%20b/%2F
probe     cert:probe.local    read:causal
`))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		token       string
		right       Right
		bucket, key string
		want        bool
	}{
		{"o", Admin, "", "", true},
		{"o", Read, "strong", "k", false},
		{"w", Read, "strong", "app/k", true},
		{"w", Write, "strong", "app/", true},
		{"w", Write, "strong", "app", false},
		{"w", Read, "strong", "", false},
		{"w", Write, "causal", "app/k", false},
		{"w", Read, "causal", "", true},
		{"w", Admin, "", "", false},
		{"w2", Read, "strong", "any", true},
		{"w2", Write, "strong", "any", false},
		{"x", Write, "strong", "a b//k", true},
		{"x", Write, "strong", "a%20b/%2Fk", false},
	} {
		if got := tokens.Token([]byte(c.token)).May(c.right, c.bucket, c.key); got != c.want {
			t.Errorf("%s, right %d of %s/%s: %v", c.token, c.right, c.bucket, c.key, got)
		}
	}
	if tokens.Token(nil) != nil || tokens.Token([]byte("nobody")) != nil || tokens.Certificate("nobody") != nil {
		t.Error("somebody is known who is not in the file")
	}
	if p := tokens.Certificate("probe.local"); p == nil || p.Name != "probe" || !p.May(Read, "causal", "k") {
		t.Errorf("%+v", p)
	}
}

func TestAFileOfTokensWithAMistakeIsRefused(t *testing.T) {
	for _, text := range []string{
		"name", "name " + hashed("x"), "name token read", "name sha256:12 read", "name cert: read",
		"name " + hashed("x") + " delete", "name " + hashed("x") + " admin:strong", "name " + hashed("x") + " read:other",
		"name " + hashed("x") + " read:strong/%2", "name " + hashed("x") + " read,",
		"a " + hashed("x") + " read\nb " + hashed("x") + " write", "a cert:x read\nb cert:x write",
	} {
		_, err := ParseTokens([]byte("# first\n" + text))
		if err == nil || !strings.HasPrefix(err.Error(), "line ") {
			t.Errorf("%q: %v", text, err)
		}
		if err != nil && strings.Contains(err.Error(), "token read") {
			t.Errorf("%q: the complaint shows what may be a token: %v", text, err)
		}
	}
}

func TestABadFileLeavesTheOldOneInForce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tokens")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("a " + hashed("first") + " read")
	g, err := Open(Config{Tokens: path})
	if err != nil {
		t.Fatal(err)
	}
	write("a " + hashed("second token, of another length"))
	g.look()
	if g.Tokens().Token([]byte("first")) == nil {
		t.Error("a file that cannot be read took the tokens away")
	}
	write("bb " + hashed("second") + " read")
	g.look()
	if g.Tokens().Token([]byte("first")) != nil || g.Tokens().Token([]byte("second")) == nil {
		t.Error("the file was not read again")
	}
}

func TestHalfAGuardIsRefused(t *testing.T) {
	for name, cfg := range map[string]Config{
		"a certificate without its key": {Certificate: "c"},
		"clients without TLS":           {ClientCA: "c"},
		"a file that is not there":      {Tokens: filepath.Join(t.TempDir(), "none")},
	} {
		if _, err := Open(cfg); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}

func FuzzTokens(f *testing.F) {
	f.Add([]byte("web " + hashed("w") + " read,write:strong/app/ read:causal\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if tokens, err := ParseTokens(text); err == nil {
			for _, p := range tokens.byToken {
				if p.Name == "" || len(p.grants) == 0 || p.all {
					t.Fatalf("%q: %+v", text, p)
				}
			}
		}
	})
}
