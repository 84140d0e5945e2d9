package client

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"os"
)

// Access is what a client shows to nodes that ask who it is, and by what it knows
// them. The zero value shows nothing, and trusts whom the machine trusts.
type Access struct {
	CA    string // file, PEM: who signed the certificates of nodes; empty: the machine's authorities
	Cert  string // file, PEM: the client's own certificate; empty: none
	Key   string // file, PEM, of Cert
	Token string // sent as a bearer; empty: none
}

// TLS is how connections to https URLs are made.
func (a Access) TLS() (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	if a.CA != "" {
		text, err := os.ReadFile(a.CA)
		if err != nil {
			return nil, fmt.Errorf("CA: %w", err)
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("CA: %s holds no certificate", a.CA)
		}
	}
	if (a.Cert == "") != (a.Key == "") {
		return nil, errors.New("a certificate goes with its key")
	}
	if a.Cert != "" {
		pair, err := tls.LoadX509KeyPair(a.Cert, a.Key)
		if err != nil {
			return nil, fmt.Errorf("certificate: %w", err)
		}
		c.Certificates = []tls.Certificate{pair}
	}
	return c, nil
}

// NewWithAccess returns a client like New, with a pool of its own.
func NewWithAccess(base string, a Access) (*Client, error) {
	encrypt, err := a.TLS()
	if err != nil {
		return nil, err
	}
	transport := newTransport()
	transport.TLSClientConfig = encrypt
	c, err := New(base, transport)
	if err != nil {
		return nil, err
	}
	c.token = a.Token
	return c, nil
}

// authorize adds the client's token to a request.
func (c *Client) authorize(req *http.Request) {
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
}
