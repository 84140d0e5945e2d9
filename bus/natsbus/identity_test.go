package natsbus_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/cohortkv/cohort/bus"
	"github.com/cohortkv/cohort/bus/conntest"
	"github.com/cohortkv/cohort/bus/embedded"
	"github.com/cohortkv/cohort/bus/natsbus"
	"github.com/cohortkv/cohort/bus/outside"
	"github.com/cohortkv/cohort/node/ids"
)

// meets lets node 1, which has the secret, connect to node 2 at an address, and returns the
// result.
func meets(t *testing.T, addr string) bus.Link {
	t.Helper()
	n := joinEmbedded(secret)(t, 1, "")
	n.Conn.Reach([]bus.Peer{{ID: 2, Addr: addr}})
	until(t, "second try", func() bool { return stats(n).Strangers >= 2 })
	if s := stats(n); s.Sent != 0 {
		t.Errorf("%d messages were sent", s.Sent)
	}
	return stats(n).Peers[0]
}

func TestAPeerIsIdentifiedBeforeAnyMessageIsSent(t *testing.T) {
	foreign, err := newCredentials("test2", 2, secret)
	if err != nil {
		t.Fatal(err)
	}
	node := func(id ids.Node, own *bus.Credentials) string { return joinWith(t, id, "", own).Addr }
	for _, test := range []struct {
		name string
		addr string
		want bus.FailureCause
		text string
	}{
		{"a node with another secret", node(2, credentials(t, 2, "another")), bus.WrongSecret, "names node 2 of cluster test"},
		{"another node", node(3, credentials(t, 3, secret)), bus.WrongNode, "node 3 is there"},
		{"the node of another cluster with the same secret", node(2, foreign), bus.OtherCluster, "node 2 of cluster test2"},
		{"a node that does not encrypt", node(2, nil), bus.NoTLS, ""},
		{"a NATS server", team(t, outside.Config{}).Addr(), bus.NoTLS, ""},
		{"a relay to another node", conntest.NewProxy(t, node(3, credentials(t, 3, secret))).Addr, bus.WrongNode, "node 3 is there"},
		{"a relay to this very node", "", bus.WrongNode, "node 1 is there"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.addr == "" {
				// It cannot be tricked into taking itself for the peer.
				test.addr = conntest.NewProxy(t, node(1, credentials(t, 1, secret))).Addr
			}
			link := meets(t, test.addr)
			if link.Connected || link.Why != test.want || link.Err == nil || !strings.Contains(link.Err.Error(), test.text) {
				t.Errorf("found %q: %v; want %q", link.Why, link.Err, test.want)
			}
		})
	}
}

// TestANodeCannotCallItselfAnotherThanItsCertificateSays: two nodes are wanted at an address,
// and one of them gives the name of the other.
func TestANodeCannotCallItselfAnotherThanItsCertificateSays(t *testing.T) {
	n := joinEmbedded(secret)(t, 1, "")
	impostor := serve(t, embedded.Config{Node: 3, Credentials: credentials(t, 2, secret)})
	n.Conn.Reach([]bus.Peer{{ID: 2, Addr: impostor.Addr()}, {ID: 3, Addr: impostor.Addr()}})
	until(t, "second try", func() bool { return stats(n).Strangers >= 2 })
	until(t, "a reason for each", func() bool {
		peers := stats(n).Peers
		return peers[0].Err != nil && peers[1].Err != nil
	})
	for _, link := range stats(n).Peers {
		if link.Connected || link.Why != bus.WrongNode || link.Err == nil || !strings.Contains(link.Err.Error(), "says that it is node 3") {
			t.Errorf("found %q: %v", link.Why, link.Err)
		}
	}
}

// dialAs connects a plain NATS client to a node's server, with any credentials.
func dialAs(t *testing.T, addr string, own *tls.Config) (*nats.Conn, error) {
	t.Helper()
	nc, err := nats.Connect("nats://"+addr, nats.Secure(own), nats.TLSHandshakeFirst(), nats.NoReconnect(), nats.Timeout(10*time.Second),
		nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}))
	if err == nil {
		t.Cleanup(nc.Close)
	}
	return nc, err
}

func TestACallerWithoutACertificateOfTheClusterIsRefused(t *testing.T) {
	n := joinEmbedded(secret)(t, 1, "")
	foreign, err := newCredentials("test2", 2, secret)
	if err != nil {
		t.Fatal(err)
	}
	anybody := func(ids.Node) bool { return true }
	for name, config := range map[string]*tls.Config{
		"none":                     {InsecureSkipVerify: true},
		"of another secret":        trusting(credentials(t, 2, "another").Calling(anybody)),
		"of another cluster":       trusting(foreign.Calling(anybody)),
		"that it signed by itself": trusting(selfSigned(t)),
	} {
		t.Run(name, func(t *testing.T) {
			if nc, err := dialAs(t, n.Addr, config); err == nil {
				t.Errorf("connected to %s", nc.ConnectedServerName())
			} else if !strings.Contains(err.Error(), "tls:") {
				t.Error(err)
			}
		})
	}
}

// trusting removes the checks from a configuration.
func trusting(c *tls.Config) *tls.Config {
	c.InsecureSkipVerify, c.VerifyConnection = true, nil
	return c
}

func selfSigned(t *testing.T) *tls.Config {
	t.Helper()
	authority := newPKI(t)
	pair := authority.pair(t, "urn:cohort:test:2")
	return &tls.Config{Certificates: []tls.Certificate{pair}}
}

func TestANodeSpeaksInItsOwnNameOnly(t *testing.T) {
	n := joinEmbedded(secret)(t, 1, "")
	got := make(chan bus.Message, 100)
	if err := n.Conn.Listen(func(m bus.Message) { got <- m }, "all"); err != nil {
		t.Fatal(err)
	}
	subjects, err := bus.NewSubjects(cluster)
	if err != nil {
		t.Fatal(err)
	}
	nc, err := dialAs(t, n.Addr, credentials(t, 3, secret).Calling(func(id ids.Node) bool { return id == 1 }))
	if err != nil {
		t.Fatal(err)
	}
	until(t, "subscription to the shard", func() bool { // the last subscription of the node itself
		if err := nc.Publish(subjects.Shard("all", 3, "ready"), nil); err != nil {
			t.Fatal(err)
		}
		return len(got) > 0
	})
	listening := make(chan *nats.Msg, 10)
	for _, subject := range []string{subjects.ToNode(1), subjects.Answers(2, 9).All(), ">"} {
		if _, err := nc.ChanSubscribe(subject, listening); err != nil {
			t.Fatal(err)
		}
	}
	for _, m := range []nats.Msg{
		{Subject: subjects.Node(1, 2, "k")},                                         // in the name of node 2
		{Subject: subjects.Node(1, 1, "k")},                                         // in the receiver's
		{Subject: subjects.Shard("all", 2, "k")},                                    // to the shard, in the name of node 2
		{Subject: subjects.Answers(1, 7).To(1, 3)},                                  // an answer without a request
		{Subject: subjects.Node(1, 3, "k"), Reply: subjects.Answers(2, 9).To(1, 1)}, // the answer would go to node 2
		{Subject: subjects.Node(1, 3, "k"), Reply: subjects.Answers(3, 9).To(1, 1)}, // allowed
		{Subject: subjects.Shard("all", 3, "last"), Data: []byte("last")},           // allowed
	} {
		if m.Data == nil {
			m.Data = []byte("x")
		}
		if err := nc.PublishMsg(&m); err != nil {
			t.Fatal(err)
		}
	}
	var heard []bus.Message
	for len(heard) == 0 || string(heard[len(heard)-1].Payload) != "last" {
		if m := <-got; len(m.Payload) > 0 {
			heard = append(heard, m)
		}
	}
	if len(heard) != 3 {
		t.Errorf("%d messages came through: %+v", len(heard), heard)
	}
	for i, m := range heard {
		if m.From != 3 {
			t.Errorf("message %d is from %d", i, m.From)
		}
		if answered := m.ReplyTo != ""; answered != (i == 1) {
			t.Errorf("message %d is answered to %q", i, m.ReplyTo)
		}
	}
	if len(listening) != 0 {
		t.Errorf("it overheard %s", (<-listening).Subject)
	}
}

// TestAttacksThatAreNotPrevented shows the limits that docs/security.md states.
func TestAttacksThatAreNotPrevented(t *testing.T) {
	subjects, err := bus.NewSubjects(cluster)
	if err != nil {
		t.Fatal(err)
	}
	claimed := bus.NodeName{Cluster: cluster, Node: 2}
	plain, encrypted := joinEmbedded("")(t, 1, ""), joinEmbedded(secret)(t, 1, "")
	for what, test := range map[string]struct {
		at      conntest.Node
		options []nats.Option
	}{
		"without credentials, callers are who they say": {plain, []nats.Option{nats.UserInfo(claimed.String(), "")}},
		"who has the secret is any node": {encrypted, []nats.Option{
			nats.Secure(credentials(t, 2, secret).Calling(func(ids.Node) bool { return true })), nats.TLSHandshakeFirst()}},
	} {
		t.Run(what, func(t *testing.T) {
			nc, err := nats.Connect("nats://"+test.at.Addr, append(test.options, nats.NoReconnect())...)
			if err != nil {
				t.Fatal(err)
			}
			defer nc.Close()
			from := make(chan ids.Node, 1000)
			if err := test.at.Conn.Listen(func(m bus.Message) { from <- m.From }); err != nil {
				t.Fatal(err)
			}
			until(t, "message", func() bool {
				if err := nc.Publish(subjects.Node(1, 2, "k"), nil); err != nil {
					t.Fatal(err)
				}
				return len(from) > 0
			})
			if id := <-from; id != 2 {
				t.Errorf("message of %d", id)
			}
		})
	}
}

// TestSecretsAreChangedUnderTraffic replaces a secret, one node at a time and in the order that
// docs/security.md gives. After each step all nodes still reach one another. At the end, the
// old secret is invalid, also over connections that were made with it.
func TestSecretsAreChangedUnderTraffic(t *testing.T) {
	type node struct {
		conntest.Node
		own    *bus.Credentials
		server *embedded.Server
		heard  atomic.Int64
	}
	nodes, peers := make([]*node, 3), make([]bus.Peer, 3)
	for i := range nodes {
		id := ids.Node(i)
		n := &node{own: credentials(t, id, "old")}
		n.server = serve(t, embedded.Config{Node: id, Credentials: n.own})
		conn, err := natsbus.Embedded(natsbus.Config{Cluster: cluster, Node: id, Credentials: n.own}, n.server)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		if err := conn.Listen(func(bus.Message) { n.heard.Add(1) }); err != nil {
			t.Fatal(err)
		}
		n.Node = conntest.Node{Peer: bus.Peer{ID: id, Addr: n.server.Addr()}, Conn: conn}
		nodes[i], peers[i] = n, n.Peer
	}
	for _, n := range nodes {
		n.Conn.Reach(peers)
	}
	all := func(what string) {
		t.Helper()
		for _, from := range nodes {
			for _, to := range nodes {
				before := to.heard.Load()
				until(t, fmt.Sprintf("%s: message from %d to %d", what, from.ID, to.ID), func() bool {
					_ = from.Conn.Send(bus.Envelope{To: to.ID, Kind: "k"})
					return to.heard.Load() > before
				})
			}
		}
	}
	all("old")
	spy, err := dialAs(t, nodes[1].Addr, credentials(t, 9, "old").Calling(func(ids.Node) bool { return true }))
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []string{"old\nnew", "new\nold", "new"} {
		secrets, err := stretched(step)
		if err != nil {
			t.Fatal(err)
		}
		for i, n := range nodes {
			if err := n.own.Renew(secrets); err != nil {
				t.Fatal(err)
			}
			n.Conn.(*natsbus.Conn).Renew()
			if err := n.server.Disconnect(); err != nil {
				t.Fatal(err)
			}
			all(fmt.Sprintf("node %d has %q", i, step))
		}
	}
	until(t, "end of the old connection", spy.IsClosed)
	late := joinEmbedded("old")(t, 9, "")
	late.Conn.Reach(peers)
	for i := range peers { // the addresses are dialled one by one
		until(t, fmt.Sprintf("refusal by node %d", i), func() bool { return stats(late).Peers[i].Err != nil })
		if link := stats(late).Peers[i]; link.Why != bus.WrongSecret {
			t.Errorf("a node with the old secret only found %q at node %d: %v", link.Why, i, link.Err)
		}
	}
}

// pki is a private authority.
type pki struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	dir  string
}

func newPKI(t *testing.T) *pki {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "a company"}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(raw)
	if err != nil {
		t.Fatal(err)
	}
	return &pki{cert, key, t.TempDir()}
}

func (p *pki) pair(t *testing.T, names ...string) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
	}
	for _, name := range names {
		uri, err := url.Parse(name)
		if err != nil {
			t.Fatal(err)
		}
		template.URIs = append(template.URIs, uri)
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, p.cert, key.Public(), p.key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{raw}, PrivateKey: key}
}

// listening is the configuration of a server at 127.0.0.1.
func (p *pki) listening(t *testing.T) *tls.Config {
	t.Helper()
	return &tls.Config{Certificates: []tls.Certificate{p.pair(t)}}
}

// write puts a pair and the authority into files.
func (p *pki) write(t *testing.T, file string, pair tls.Certificate) (cert, key, ca string) {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	base := filepath.Join(p.dir, file)
	for name, block := range map[string]*pem.Block{
		base + ".crt": {Type: "CERTIFICATE", Bytes: pair.Certificate[0]},
		base + ".key": {Type: "PRIVATE KEY", Bytes: der},
		base + ".ca":  {Type: "CERTIFICATE", Bytes: p.cert.Raw},
	} {
		if err := os.WriteFile(name, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return base + ".crt", base + ".key", base + ".ca"
}

func (p *pki) credentials(t *testing.T, id ids.Node) (*bus.Credentials, error) {
	t.Helper()
	name := bus.NodeName{Cluster: cluster, Node: id}
	cert, key, ca := p.write(t, fmt.Sprint(id), p.pair(t, "https://elsewhere.example", name.String()))
	return bus.LoadCredentials(name, cert, key, ca, func(err error) { t.Error(err) })
}

func TestNodesKnowOneAnotherByCertificatesOfAPKI(t *testing.T) {
	company, other := newPKI(t), newPKI(t)
	join := func(p *pki, id ids.Node) conntest.Node {
		own, err := p.credentials(t, id)
		if err != nil {
			t.Fatal(err)
		}
		return joinWith(t, id, "", own)
	}
	one, two, stranger := join(company, 1), join(company, 2), join(other, 3)
	one.Conn.Reach([]bus.Peer{two.Peer, {ID: 4, Addr: conntest.NewProxy(t, two.Addr).Addr}, stranger.Peer})
	until(t, "all three", func() bool {
		peers := stats(one).Peers
		return peers[0].Connected && peers[1].Err != nil && peers[2].Err != nil
	})
	if why := stats(one).Peers[1].Why; why != bus.WrongNode {
		t.Errorf("node 2 in place of 4: %q", why)
	}
	if why := stats(one).Peers[2].Why; why != bus.WrongSecret {
		t.Errorf("a node of another authority: %q", why)
	}
}

func TestCertificatesThatDoNotFitTheNodeAreRefusedAtItsStart(t *testing.T) {
	company := newPKI(t)
	name := bus.NodeName{Cluster: cluster, Node: 7}
	for want, names := range map[string][]string{
		"this node is urn:cohort:test:7":   {"urn:cohort:test:8"},
		"names urn:cohort:test2:7":         {"urn:cohort:test2:7"},
		"the certificate names no node":    {"https://elsewhere.example"},
		"it needs one URI like urn:cohort": {"urn:cohort:test:7", "urn:cohort:test:8"},
	} {
		cert, key, ca := company.write(t, "7", company.pair(t, names...))
		if _, err := bus.LoadCredentials(name, cert, key, ca, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("certificate for %v: %v", names, err)
		}
	}
	cert, key, ca := company.write(t, "7", company.pair(t, name.String()))
	for want, files := range map[string][3]string{
		"no such file":                {cert, key, ca + "x"},
		"the file has no certificate": {cert, key, key},
		"failed to find certificate":  {key, key, ca},
	} {
		if _, err := bus.LoadCredentials(name, files[0], files[1], files[2], nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("files %v: %v", files, err)
		}
	}
}

// TestCertificatesAreReadAgain replaces the authority of a running node.
func TestCertificatesAreReadAgain(t *testing.T) {
	company, next := newPKI(t), newPKI(t)
	name := bus.NodeName{Cluster: cluster, Node: 1}
	cert, key, ca := company.write(t, "1", company.pair(t, name.String()))
	var complaints []string
	own, err := bus.LoadCredentials(name, cert, key, ca, func(err error) { complaints = append(complaints, err.Error()) })
	if err != nil {
		t.Fatal(err)
	}
	shown := func() string {
		t.Helper()
		client, server := net.Pipe()
		defer client.Close()
		defer server.Close()
		go func() { _ = tls.Server(server, own.Listening()).Handshake() }()
		conn := tls.Client(client, &tls.Config{InsecureSkipVerify: true})
		if err := conn.Handshake(); err != nil {
			t.Fatal(err)
		}
		return conn.ConnectionState().PeerCertificates[0].SerialNumber.String()
	}
	first := shown()
	if shown() != first {
		t.Fatal("it shows another certificate each time")
	}
	if err := os.WriteFile(cert, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	if again, once := shown(), shown(); again != first || once != first {
		t.Error("a damaged file took the certificate away")
	}
	if len(complaints) != 1 || !strings.Contains(complaints[0], "1.crt") {
		t.Errorf("complaints: %q", complaints)
	}
	next.dir = company.dir
	next.write(t, "1", next.pair(t, name.String()))
	if shown() == first {
		t.Error("the new certificate is not shown")
	}
}

func TestANodeThatDoesNotEncryptIsToldByBothEnds(t *testing.T) {
	plain := joinEmbedded("")(t, 1, "")
	var log lines
	listener := serve(t, embedded.Config{Node: 2, Credentials: credentials(t, 2, secret), Logger: log.logger()})
	plain.Conn.Reach([]bus.Peer{{ID: 2, Addr: listener.Addr()}})
	until(t, "failure", func() bool { return stats(plain).Peers[0].Err != nil })
	if why := stats(plain).Peers[0].Why; !slices.Contains([]bus.FailureCause{bus.NoAnswer, bus.Closed, bus.NoTLS}, why) {
		t.Errorf("the one that does not encrypt found %q", why)
	}
	until(t, "log line", func() bool { return strings.Contains(log.text(), "bus listener") })
	t.Log(log.text())
}
