package main

import (
	"errors"
	"fmt"
	"net"

	"github.com/cohortkv/cohort/node"
)

// httpSecurity says which clients may use HTTP, and how.
type httpSecurity struct {
	TLSCert   string `name:"tls-cert" env:"COHORT_TLS_CERT" type:"path" placeholder:"FILE" help:"Serve clients over TLS: the certificate, in PEM. It is read again when it changes."`
	TLSKey    string `name:"tls-key" env:"COHORT_TLS_KEY" type:"path" placeholder:"FILE" help:"The key of the certificate."`
	ClientCA  string `name:"client-ca" env:"COHORT_CLIENT_CA" type:"path" placeholder:"FILE" help:"Clients with a certificate that these signed are known. Without --tokens they may do everything."`
	Tokens    string `env:"COHORT_TOKENS" type:"path" placeholder:"FILE" help:"Who may do what: a name, a token's SHA-256 and rights on each line. It is read again when it changes."`
	AdminHTTP string `name:"admin-http" env:"COHORT_ADMIN_HTTP" placeholder:"HOST:PORT" help:"Serve /livez, /readyz, /metrics and profiles here, too: clients cannot take these connections."`
}

func (d httpSecurity) access() node.Access {
	return node.Access{Certificate: d.TLSCert, Key: d.TLSKey, ClientCA: d.ClientCA, Tokens: d.Tokens}
}

// check refuses what contradicts itself, and to serve other machines without a lock
// without TLS and tokens, unless that was asked for.
func (d httpSecurity) check(http string, insecure bool) error {
	if (d.TLSCert == "") != (d.TLSKey == "") {
		return errors.New("--tls-cert and --tls-key go together")
	}
	if d.ClientCA != "" && d.TLSCert == "" {
		return errors.New("--client-ca needs --tls-cert and --tls-key")
	}
	if d.AdminHTTP != "" {
		if err := checkListen(d.AdminHTTP); err != nil {
			return fmt.Errorf("--admin-http: %w", err)
		}
	}
	guarded := d.TLSCert != "" && (d.Tokens != "" || d.ClientCA != "")
	if insecure || guarded {
		return nil
	}
	for _, at := range []struct{ flag, address string }{{"--http", http}, {"--admin-http", d.AdminHTTP}} {
		if at.address != "" && !onlyHere(at.address) {
			return fmt.Errorf("%s %s is reached from other machines: give --tls-cert, --tls-key and --tokens (or --client-ca), or say --insecure", at.flag, at.address)
		}
	}
	return nil
}

// onlyHere reports that an address is reached from this machine alone.
func onlyHere(address string) bool {
	host, _, err := net.SplitHostPort(address)
	ip := net.ParseIP(host)
	return err == nil && (host == "localhost" || ip != nil && ip.IsLoopback())
}
