package client

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"os"
)

// Access is how a client identifies itself to nodes, and which nodes it trusts. The
// zero value sends no identification, and trusts the authorities that the machine
// trusts.
type Access struct {
	CA    string // PEM file: the authorities of nodes' certificates; empty: those of the machine
	Cert  string // PEM file: the client's own certificate; empty: none
	Key   string // PEM file: the key of Cert
	Token string // sent as a bearer token; empty: none
}

// TLS is the configuration for https URLs. It fails if a file cannot be read.
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

// NewWithAccess returns a client like New, with a connection pool of its own.
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

// authorize adds the client's token to a request, if it has one.
func (c *Client) authorize(req *http.Request) {
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
}
