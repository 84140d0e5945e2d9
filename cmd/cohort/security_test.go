package main

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"

	"github.com/cohortkv/cohort/client"
)

// served runs "cohort serve" with these arguments until the test ends.
func served(t *testing.T, args ...string) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	reader, writer := io.Pipe()
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, append([]string{"serve", "--log-format", "json"}, args...), terminal{nil, io.Discard, writer}, nil)
		writer.Close()
	}()
	log := bufio.NewScanner(reader)
	for log.Scan() && !strings.Contains(log.Text(), `"msg":"node up"`) {
	}
	go func() { _, _ = io.Copy(io.Discard, reader) }()
	t.Cleanup(func() {
		stop()
		if status := <-ended; status != 0 {
			t.Errorf("serve: status %d", status)
		}
	})
}

// selfSigned writes a certificate for 127.0.0.1 that is its own authority.
func selfSigned(t *testing.T, dir string) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "node"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	write(t, cert, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	write(t, key, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw})))
	return cert, key
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestCommandsSpeakToANodeWithTLSAndTokens(t *testing.T) {
	clearEnvironment(t)
	dir := t.TempDir()
	cert, key := selfSigned(t, dir)
	tokens, token, admin := filepath.Join(dir, "tokens"), filepath.Join(dir, "app-token"), filepath.Join(dir, "ops-token")
	app, ops := sha256.Sum256([]byte("app's")), sha256.Sum256([]byte("ops'"))
	write(t, tokens, "app sha256:"+hex.EncodeToString(app[:])+" read,write\nops sha256:"+hex.EncodeToString(ops[:])+" admin\n")
	write(t, token, "app's\n")
	write(t, admin, "ops'\n")
	address, side := freeAddress(t), freeAddress(t)
	bus := freeAddress(t)
	served(t, "--id", "0", "--http", address, "--bus", bus, "--tls-cert", cert, "--tls-key", key, "--tokens", tokens, "--admin-http", side)

	url := "https://" + address
	for _, c := range []struct {
		args   string
		status int
		out    string // part of the output or of the error output
	}{
		{"health --to " + url + " --ca " + cert, 0, "ok"},
		{"health --to https://" + side + " --ca " + cert, 0, "ok"},
		{"health --to " + url, -1, "certificate"},
		{"view set 0=" + address + ",bus=" + bus + " --to " + url + " --ca " + cert + " --token-file " + token, -1, "403"},
		{"view set 0=" + address + ",bus=" + bus + " --to " + url + " --ca " + cert + " --token-file " + admin, 0, "ready"},
		{"view get --to " + url + " --ca " + cert, -1, "401"},
		{"kv put k v --to " + url + " --ca " + cert, -1, "401"},
		{"kv put k v --to " + url + " --ca " + cert + " --token-file " + token, 0, "created"},
		{"kv get k --to " + url + " --ca " + cert + " --token-file " + token, 0, "v"},
		{"kv get k --to " + url + " --ca " + cert + " --token-file " + admin, -1, "403"},
		{"kv get k --to " + url + " --token app's", -1, "--token-file"},
		{"bench --url " + url + " --ca " + cert + " --token-file " + token + " --clients 2 --warmup 0s --count 50 --keys 5", 0, "linearizable"},
	} {
		o := cohort(t, strings.Fields(c.args)...)
		if ok := o.status == c.status || c.status < 0 && o.status != 0; !ok || !strings.Contains(o.out+o.err, c.out) {
			t.Errorf("cohort %s: status %d\n%s%s", c.args, o.status, o.out, o.err)
		}
	}
	t.Setenv("COHORT_TOKEN", "app's")
	if o := cohort(t, "kv", "get", "k", "--to", url, "--ca", cert); o.status != 0 || o.out != "v" {
		t.Errorf("with the token in a variable: %+v", o)
	}
}

func TestANodeServesOtherMachinesOnlyWithTLSAndTokensOrInsecure(t *testing.T) {
	for args, want := range map[string]bool{
		"--http 0.0.0.0:8081":                                                   false,
		"--http :8081":                                                          false,
		"--http 10.1.2.3:8081 --tokens t":                                       false,
		"--http 10.1.2.3:8081 --tls-cert c --tls-key k":                         false,
		"--http 10.1.2.3:8081 --tls-cert c --tls-key k --tokens t":              true,
		"--http 10.1.2.3:8081 --tls-cert c --tls-key k --client-ca a":           true,
		"--http 10.1.2.3:8081 --insecure":                                       true,
		"--http localhost:8081 --admin-http :8083":                              false,
		"--http [::1]:8081 --admin-http 127.0.0.1:8083":                         true,
		"--http 127.0.0.1:8081 --tls-cert c":                                    false,
		"--http 127.0.0.1:8081 --client-ca c":                                   false,
		"--http 127.0.0.1:8081 --admin-http nonsense --insecure":                false,
		"--http 10.1.2.3:8081 --tls-cert c --tls-key k --tokens t --insecure":   true,
		"--http 127.0.0.1:8081 --tls-cert c --tls-key k --tokens t --client-ca": false,
	} {
		clearEnvironment(t)
		var c cli
		parser, err := kong.New(&c, options(t.Context(), terminal{}, func(int) {})...)
		if err != nil {
			t.Fatal(err)
		}
		_, err = parser.Parse(append([]string{"serve", "--id", "1"}, strings.Fields(args)...))
		if (err == nil) != want {
			t.Errorf("%s: %v", args, err)
		}
	}
}

func TestATokenIsReadFromItsFile(t *testing.T) {
	clearEnvironment(t)
	path := filepath.Join(t.TempDir(), "token")
	write(t, path, "  secret \n")
	if a, err := (credentials{TokenFile: path}).access(); err != nil || a != (client.Access{Token: "secret"}) {
		t.Errorf("%+v, %v", a, err)
	}
	write(t, path, "\n")
	if _, err := (credentials{TokenFile: path}).access(); err == nil {
		t.Error("an empty file is a token")
	}
}
