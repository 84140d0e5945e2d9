package front

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cohortkv/cohort/api"
	"github.com/cohortkv/cohort/internal/described"
	"github.com/cohortkv/cohort/node/access"
	"github.com/cohortkv/cohort/node/wire"
)

// guarded serves a fake with tokens, and returns what it logs.
func guarded(t testing.TB, cfg access.Config, model string) (*node, *lockedBuffer) {
	t.Helper()
	guard, err := access.Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	log := &lockedBuffer{}
	n := serveWith(t, ln, func() (net.Conn, error) { return net.Dial("tcp", ln.Addr().String()) }, Config{
		Guard: guard, DefaultBucket: model, Log: slog.New(slog.NewTextHandler(log, nil)),
	})
	return n, log
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func written(t testing.TB, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// tokens has one party a line: its token is its name and "-token".
func tokens(t testing.TB, rights map[string]string) string {
	var file strings.Builder
	for name, of := range rights {
		sum := sha256.Sum256([]byte(name + "-token"))
		fmt.Fprintf(&file, "%s sha256:%s %s\n", name, hex.EncodeToString(sum[:]), of)
	}
	return written(t, "tokens", file.String())
}

func bearer(name string) string { return "Authorization: Bearer " + name + "-token" }

const emptyView = `{"view":[]}`

// Which client may send which request: the rows of docs/security.md, §1.
func TestEachClientMayDoWhatItsTokenSaysAndNothingElse(t *testing.T) {
	rights := map[string]string{
		"reader": "read", "writer": "write", "admin": "admin",
		"app": "read,write:strong/app/", "causal": "read,write:causal",
	}
	type request struct{ method, path, body string }
	const ok, who, no = 200, 401, 403
	for _, c := range []struct {
		request
		stranger, reader, writer, admin, app, causal int
	}{
		{request{"GET", "/ping", ""}, ok, ok, ok, ok, ok, ok},
		{request{"GET", "/livez", ""}, ok, ok, ok, ok, ok, ok},
		{request{"GET", "/readyz", ""}, ok, ok, ok, ok, ok, ok},
		{request{"GET", "/openapi.yaml", ""}, ok, ok, ok, ok, ok, ok},
		{request{"GET", "/view", ""}, who, ok, ok, ok, ok, ok},
		{request{"GET", "/v1/cluster", ""}, who, ok, ok, ok, ok, ok},
		{request{"GET", "/v1/ring?key=k", ""}, who, ok, ok, ok, ok, ok},
		{request{"GET", "/data/k", ""}, who, ok, no, no, no, no},
		{request{"PUT", "/data/k", `{"value":"v"}`}, who, no, ok, no, no, no},
		{request{"GET", "/data/app/k", ""}, who, ok, no, no, ok, no},
		{request{"PUT", "/data/app/k", `{"value":"v"}`}, who, no, ok, no, ok, no},
		{request{"PUT", "/data/%61pp%2Fk", `{"value":"v"}`}, who, no, ok, no, ok, no},
		{request{"PUT", "/data/app%252Fk", `{"value":"v"}`}, who, no, ok, no, no, no},
		{request{"GET", "/data", ""}, who, ok, no, no, no, no},
		{request{"GET", "/v1/kv/strong/app/k", ""}, who, ok, no, no, ok, no},
		{request{"GET", "/v1/kv/strong/k", ""}, who, ok, no, no, no, no},
		{request{"PUT", "/v1/kv/causal/k", "v"}, who, no, ok, no, no, ok},
		{request{"GET", "/v1/kv/causal/k", ""}, who, ok, no, no, no, ok},
		{request{"GET", "/v1/kv/weak/k", ""}, who, 404, no, no, no, no},
		{request{"PUT", "/v1/kv/weak/k", ""}, who, no, 404, no, no, no},
		{request{"GET", "/v1/kv/weak", ""}, who, 404, no, no, no, no},
		{request{"GET", "/v1/kv/strong", ""}, who, ok, no, no, no, no},
		{request{"GET", "/v1/kv/strong?prefix=app/", ""}, who, ok, no, no, ok, no},
		{request{"GET", "/v1/kv/strong?prefix=ap", ""}, who, ok, no, no, no, no},
		{request{"GET", "/v1/kv/causal?prefix=app/", ""}, who, ok, no, no, no, ok},
		{request{"DELETE", "/v1/kv/strong/app/k", ""}, who, no, ok, no, ok, no},
		{request{"PUT", "/view", emptyView}, who, no, no, ok, no, no},
		{request{"POST", "/v1/nodes/1/forget", ""}, who, no, no, ok, no, no},
		{request{"POST", "/v1/whatever/comes", ""}, who, no, no, 404, no, no},
		{request{"GET", "/nothing/here", ""}, who, 404, 404, 404, 404, 404},
	} {
		n, _ := guarded(t, access.Config{Tokens: tokens(t, rights)}, "strong")
		for _, key := range []string{"k", "app/k"} {
			n.set(func(f *fake) { f.apply(putOp(key)) })
		}
		if got := n.ask(t, "PUT", "/v1/kv/causal/k", "v", bearer("causal")); got.status/100 != 2 {
			t.Fatal(got.status, got.body)
		}
		for name, want := range map[string]int{"": c.stranger, "reader": c.reader, "writer": c.writer, "admin": c.admin, "app": c.app, "causal": c.causal} {
			var headers []string
			if name != "" {
				headers = append(headers, bearer(name))
			}
			got := n.ask(t, c.method, c.path, c.body, headers...)
			if same := got.status == want || want == ok && got.status/100 == 2; !same {
				t.Errorf("%q: %s %s: %d %s, want %d", name, c.method, c.path, got.status, got.body, want)
			}
			if challenge := got.header.Get("WWW-Authenticate"); (got.status == who) != (challenge != "") {
				t.Errorf("%q: %s %s: %d, WWW-Authenticate: %q", name, c.method, c.path, got.status, challenge)
			}
		}
	}
}

func TestATokenMayBeThePasswordOfBasicAuthenticationAndABadOneIsNobody(t *testing.T) {
	n, _ := guarded(t, access.Config{Tokens: tokens(t, map[string]string{"reader": "read"})}, "strong")
	basic := func(pair string) string {
		return "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(pair))
	}
	for header, want := range map[string]int{
		basic("anyone:reader-token"):            404,
		basic(":reader-token"):                  404,
		basic("reader-token"):                   401,
		basic("reader:other"):                   401,
		"Authorization: bearer reader-token":    404,
		"Authorization: Bearer  reader-token":   404,
		"Authorization: Bearer reader-token x":  401,
		"Authorization: Bearer":                 401,
		"Authorization: Basic !":                401,
		"Authorization: Digest reader-token":    401,
		"Authorization: reader-token":           401,
		"Proxy-Authorization: Bearer reader-to": 401,
	} {
		if got := n.ask(t, "GET", "/data/k", "", header); got.status != want {
			t.Errorf("%s: %d %s", header, got.status, got.body)
		}
	}
}

func TestATokenThatIsTakenAwayEndsItsConnections(t *testing.T) {
	path := tokens(t, map[string]string{"reader": "read"})
	guard, err := access.Open(access.Config{Tokens: path})
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	n := serveWith(t, ln, func() (net.Conn, error) { return net.Dial("tcp", ln.Addr().String()) }, Config{Guard: guard})
	if got := n.ask(t, "GET", "/data/k", "", bearer("reader")); got.status != 404 {
		t.Fatal(got.status)
	}
	if err := os.WriteFile(path, []byte("# nobody\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := guard.Reload(); err != nil {
		t.Fatal(err)
	}
	if got := n.ask(t, "GET", "/data/k", "", bearer("reader")); got.status != 401 {
		t.Errorf("on the same connection, after the token was taken away: %d", got.status)
	}
}

func TestEveryAdminActIsAudited(t *testing.T) {
	n, log := guarded(t, access.Config{Tokens: tokens(t, map[string]string{"ops": "admin", "reader": "read"})}, "strong")
	n.ask(t, "PUT", "/view", emptyView, bearer("ops"))
	n.ask(t, "PUT", "/view", "nonsense", bearer("ops"))
	n.ask(t, "PUT", "/view?session=s3cret", emptyView, bearer("reader"))
	n.ask(t, "PUT", "/view", emptyView)
	n.ask(t, "GET", "/view", "", bearer("reader"))
	text := log.String()
	for _, want := range []string{
		`who=ops what="PUT /view" from=127.0.0.1:`, "result=200", "result=400", `who=reader what="PUT /view" from=127.0.0.1:`, "result=403",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
	if lines := strings.Count(text, "msg=audit"); lines != 3 || strings.Contains(text, "-token") || strings.Contains(text, "s3cret") {
		t.Errorf("%d lines:\n%s", lines, text)
	}
}

// authority signs certificates.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t testing.TB) *authority {
	a := &authority{}
	a.cert, a.key = a.sign(t, "authority")
	return a
}

// sign makes a certificate for a name; the first one signs itself.
func (a *authority) sign(t testing.TB, name string) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, DNSNames: []string{"localhost"},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	parent, signer := a.cert, a.key
	if parent == nil {
		template.IsCA, template.BasicConstraintsValid = true, true
		parent, signer = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert, key
}

func certificatePEM(cert *x509.Certificate) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw}))
}

// issue writes a certificate and its key to files.
func (a *authority) issue(t testing.TB, name string) (cert, key string) {
	t.Helper()
	c, k := a.sign(t, name)
	der, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	return written(t, "cert.pem", certificatePEM(c)), written(t, "key.pem", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})))
}

// over makes the node's client speak TLS, with a certificate if name is not empty.
func (n *node) over(t testing.TB, server, own *authority, name string) {
	config := &tls.Config{RootCAs: x509.NewCertPool(), ServerName: "localhost"}
	config.RootCAs.AddCert(server.cert)
	if name != "" {
		cert, key := own.issue(t, name)
		pair, err := tls.LoadX509KeyPair(cert, key)
		if err != nil {
			t.Fatal(err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	transport := n.http.Transport.(*http.Transport)
	transport.CloseIdleConnections()
	n.http.Transport = &http.Transport{DialContext: transport.DialContext, TLSClientConfig: config}
	n.scheme = "https"
}

func TestConnectionsAreEncryptedAndCertificatesChangeWithoutARestart(t *testing.T) {
	first, second := newAuthority(t), newAuthority(t)
	cert, key := first.issue(t, "node")
	n, _ := guarded(t, access.Config{Certificate: cert, Key: key}, "strong")
	n.over(t, first, nil, "")
	if got := n.ask(t, "PUT", "/data/k", `{"value":"`+strings.Repeat("x", 100_000)+`"}`); got.status != 201 {
		t.Fatal(got.status, got.body)
	}
	if got := n.ask(t, "GET", "/data/k", ""); got.status != 200 || len(got.body) < 100_000 {
		t.Error(got.status)
	}
	cert2, key2 := second.issue(t, "node")
	for from, to := range map[string]string{cert2: cert, key2: key} {
		text, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(to, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := n.server.gate.guard.Reload(); err != nil {
		t.Fatal(err)
	}
	n.over(t, second, nil, "")
	if got := n.ask(t, "GET", "/ping", ""); got.status != 200 {
		t.Error(got.status)
	}
	plain := n.raw(t, "GET /ping HTTP/1.1\r\nHost: localhost\r\n\r\n")
	if text := readAll(t, plain); !strings.Contains(text, "400") || !strings.Contains(text, "https") {
		t.Errorf("without TLS: %q", text)
	}
}

func TestAClientsCertificateSaysWhoItIs(t *testing.T) {
	own, other := newAuthority(t), newAuthority(t)
	cert, key := own.issue(t, "node")
	ca := written(t, "ca.pem", certificatePEM(own.cert))
	config := access.Config{Certificate: cert, Key: key, ClientCA: ca}

	n, log := guarded(t, config, "strong")
	n.over(t, own, nil, "")
	if got := n.ask(t, "GET", "/data/k", ""); got.status != 401 {
		t.Errorf("without a certificate: %d", got.status)
	}
	if got := n.ask(t, "GET", "/livez", ""); got.status != 200 {
		t.Errorf("health without a certificate: %d", got.status)
	}
	n.over(t, own, own, "operator")
	if got := n.ask(t, "PUT", "/view", emptyView); got.status != 200 || !strings.Contains(log.String(), `who="CN=operator"`) {
		t.Errorf("with one: %d %s", got.status, log)
	}
	n.over(t, own, other, "operator")
	if _, err := n.http.Get("https://localhost/data/k"); err == nil {
		t.Error("a certificate of another authority is accepted")
	}

	config.Tokens = written(t, "tokens", "probe cert:probe read\n")
	n, _ = guarded(t, config, "strong")
	for name, want := range map[string]int{"probe": 404, "operator": 401} {
		n.over(t, own, own, name)
		if got := n.ask(t, "GET", "/data/k", ""); got.status != want {
			t.Errorf("%s, where tokens say who may do what: %d", name, got.status)
		}
	}
	n.over(t, own, own, "probe")
	if got := n.ask(t, "PUT", "/data/k", `{"value":"v"}`); got.status != 403 {
		t.Errorf("a reader writes: %d", got.status)
	}
}

func TestTheListenerForAdministratorsHasHealthMetricsAndProfiles(t *testing.T) {
	guard, err := access.Open(access.Config{Tokens: tokens(t, map[string]string{"ops": "admin", "reader": "read"})})
	if err != nil {
		t.Fatal(err)
	}
	log := &lockedBuffer{}
	n := startConfigured(t, Config{
		Limits: Limits{Connections: 1, ConnectionsPerAddress: 1}, Guard: guard, Log: slog.New(slog.NewTextHandler(log, nil)),
	})
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = n.server.ServeAdmin(ln) }()
	n.raw(t, "") // the only place
	for i, c := range []struct {
		path, who string
		want      int
	}{
		{"/livez", "", 200}, {"/readyz", "", 200}, {"/ping", "", 200},
		{"/debug/pprof/goroutine?debug=1", "", 401}, {"/debug/pprof/goroutine?debug=1", "reader", 403},
		{"/debug/pprof/goroutine?debug=1", "ops", 200}, {"/debug/pprof/none", "ops", 404},
		{"/data/k", "reader", 404}, {"/view", "ops", 404}, {"/livez?x=1", "", 400}, {"/debug/pprof/heap?debg=1", "ops", 400},
		{"/debug/pprof/heap", "ops", 200},
	} {
		request, err := http.NewRequest("GET", "http://"+ln.Addr().String()+c.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if c.who != "" {
			request.Header.Set("Authorization", "Bearer "+c.who+"-token")
		}
		res, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if err := described.Default().Check(described.Answer{Method: "GET", Path: c.path, Status: res.StatusCode, Header: res.Header}); err != nil && c.want != 404 {
			t.Error(err)
		}
		if res.StatusCode != c.want {
			t.Errorf("%d: %s %s: %d, want %d", i, c.path, c.who, res.StatusCode, c.want)
		}
	}
	if text := log.String(); !strings.Contains(text, `who=ops what="GET /debug/pprof/goroutine"`) {
		t.Errorf("profiles are not audited: %s", text)
	}
}

func TestAPathToProfilesLeadsNowhereForClients(t *testing.T) {
	n := start(t)
	if p := problemOf(t, n.ask(t, "GET", "/debug/pprof/heap", "")); p.Code != api.CodeNoSuchPath {
		t.Errorf("%+v", p)
	}
}

func putOp(key string) wire.Op { return wire.Op{Kind: wire.OpPut, Key: key, Value: []byte("v")} }
