package bus

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"math/big"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/cohortkv/cohort/node/ids"
)

// Refusal is the error of an end that refuses a connection because of the identity of the
// other end.
type Refusal struct {
	Why  FailureCause
	Text string
}

// Error implements error.
func (r *Refusal) Error() string { return r.Text }

// Refuse makes a Refusal.
func Refuse(why FailureCause, format string, args ...any) error {
	return &Refusal{Why: why, Text: fmt.Sprintf(format, args...)}
}

// Credentials authenticate a node to other nodes, and other nodes to this one. Both ends of
// every connection show a certificate. The certificate names cluster and node, and is signed
// by an authority that the whole cluster accepts.
//
// With a secret, the key of the authority is derived from the secret. Every holder of the
// secret can act as the authority. A secret therefore distinguishes members from other
// machines, but not members from one another. A separate authority (LoadCredentials)
// distinguishes both.
type Credentials struct {
	name        NodeName
	certificate func() (*tls.Certificate, error) // of this node, at present
	accepted    func() (*x509.CertPool, error)   // authorities that are accepted, at present
	issued      *atomic.Pointer[issued]          // from secrets; nil: from files
}

// issued is a certificate that a node has issued to itself, and the authorities of
// all valid secrets.
type issued struct {
	own  *tls.Certificate
	pool *x509.CertPool
}

// Name is the node and cluster that the credentials are of.
func (c *Credentials) Name() NodeName { return c.name }

// Credentials issues the node's certificate under the first secret, and accepts certificates
// under any secret. The key of the certificate lives as long as the process.
//
// The certificates never expire. An earlier end would need synchronized clocks, and would gain
// nothing: a holder of the secret can make another certificate. A new secret invalidates all.
func (s Secrets) Credentials(name NodeName) (*Credentials, error) {
	c := &Credentials{name: name, issued: &atomic.Pointer[issued]{}}
	c.certificate = func() (*tls.Certificate, error) { return c.issued.Load().own, nil }
	c.accepted = func() (*x509.CertPool, error) { return c.issued.Load().pool, nil }
	return c, c.Renew(s)
}

// Renew replaces the secrets of the credentials. The change affects connections that are made
// afterwards. Credentials from files stay as they are.
func (c *Credentials) Renew(s Secrets) error {
	if c.issued == nil {
		return nil
	}
	if !s.Present() {
		return errors.New("no secret")
	}
	next := &issued{pool: x509.NewCertPool()}
	for i, seed := range s.Keys("bus authority") {
		authority, err := newAuthority(seed)
		if err != nil {
			return err
		}
		next.pool.AddCert(authority.certificate)
		if i > 0 {
			continue
		}
		own, err := authority.issue(c.name)
		if err != nil {
			return err
		}
		next.own = &own
	}
	c.issued.Store(next)
	return nil
}

// authority signs certificates. All nodes with the same secret have the same authority.
type authority struct {
	key         ed25519.PrivateKey
	certificate *x509.Certificate
}

// Certificates from a secret are valid at any time that a clock may show.
var (
	always = time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC)
	ever   = time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC) // no end (RFC 5280 §4.1.2.5)
)

func newAuthority(seed []byte) (*authority, error) {
	key := ed25519.NewKeyFromSeed(seed)
	id := sha256.Sum256(key.Public().(ed25519.PublicKey))
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "cohort cluster secret"}, SubjectKeyId: id[:20],
		NotBefore: always, NotAfter: ever, IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true, KeyUsage: x509.KeyUsageCertSign,
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("authority from the cluster secret: %w", err)
	}
	certificate, err := x509.ParseCertificate(raw)
	if err != nil {
		return nil, fmt.Errorf("authority from the cluster secret: %w", err)
	}
	return &authority{key, certificate}, nil
}

func (a *authority) issue(name NodeName) (tls.Certificate, error) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("key of %s: %w", name, err)
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("certificate of %s: %w", name, err)
	}
	raw, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: "cohort node"}, URIs: []*url.URL{name.uri()},
		NotBefore: always, NotAfter: ever, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}, a.certificate, public, a.key)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("certificate of %s: %w", name, err)
	}
	return tls.Certificate{Certificate: [][]byte{raw}, PrivateKey: private}, nil
}

// Listening is the configuration of the node's own server. Every node of the cluster may
// connect.
func (c *Credentials) Listening() *tls.Config {
	return &tls.Config{
		MinVersion:             tls.VersionTLS13,
		SessionTicketsDisabled: true, // each connection is checked in full
		GetCertificate:         func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.certificate() },
		ClientAuth:             tls.RequireAnyClientCert, // VerifyConnection checks the certificate
		VerifyConnection: func(s tls.ConnectionState) error {
			_, err := c.identify(s, x509.ExtKeyUsageClientAuth)
			return err
		},
		DynamicRecordSizingDisabled: true,
	}
}

// Calling is the configuration of connections to an address at which one of the wanted nodes
// should be.
func (c *Credentials) Calling(wanted func(ids.Node) bool) *tls.Config {
	return &tls.Config{
		MinVersion:             tls.VersionTLS13,
		SessionTicketsDisabled: true,
		GetClientCertificate:   func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return c.certificate() },
		InsecureSkipVerify:     true, // of host names, which certificates do not hold; VerifyConnection checks the rest
		VerifyConnection: func(s tls.ConnectionState) error {
			name, err := c.identify(s, x509.ExtKeyUsageServerAuth)
			if err == nil && !wanted(name.Node) {
				err = Refuse(WrongNode, "node %d is there", name.Node)
			}
			return err
		},
		DynamicRecordSizingDisabled: true,
	}
}

// identify verifies the certificate of the other end, and returns the node that it names.
func (c *Credentials) identify(s tls.ConnectionState, usage x509.ExtKeyUsage) (NodeName, error) {
	if len(s.PeerCertificates) == 0 {
		return NodeName{}, Refuse(NotCohort, "the other end sent no certificate")
	}
	leaf := s.PeerCertificates[0]
	roots, err := c.accepted()
	if err != nil {
		return NodeName{}, err
	}
	between := x509.NewCertPool()
	for _, cert := range s.PeerCertificates[1:] {
		between.AddCert(cert)
	}
	_, err = leaf.Verify(x509.VerifyOptions{Roots: roots, Intermediates: between, KeyUsages: []x509.ExtKeyUsage{usage}})
	if err != nil {
		return NodeName{}, Refuse(WrongSecret, "%s: %v", claim(leaf), err)
	}
	name, err := CertificateName(leaf)
	if err != nil {
		return NodeName{}, &Refusal{Why: NotCohort, Text: err.Error()}
	}
	if name.Cluster != c.name.Cluster {
		return NodeName{}, Refuse(OtherCluster, "node %d of cluster %s is there", name.Node, name.Cluster)
	}
	return name, nil
}

// claim is the node that a certificate names, for errors. The certificate is not verified.
func claim(leaf *x509.Certificate) string {
	if name, err := CertificateName(leaf); err == nil {
		return fmt.Sprintf("a certificate that names node %d of cluster %s", name.Node, name.Cluster)
	}
	return "a certificate that names no node"
}

// CertificateName is the node that a certificate names. A certificate must name exactly one.
func CertificateName(leaf *x509.Certificate) (NodeName, error) {
	var found []NodeName
	for _, uri := range leaf.URIs {
		if name, err := ParseNodeName(uri.String()); err == nil {
			found = append(found, name)
		}
	}
	if len(found) != 1 {
		return NodeName{}, errors.New("the certificate names no node: it needs one URI like urn:cohort:prod:7 among its subject alternative names")
	}
	return found[0], nil
}
