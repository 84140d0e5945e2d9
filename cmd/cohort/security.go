package main

import (
	"errors"
	"fmt"
	"net"

	"github.com/cohortkv/cohort/node"
)

// httpSecurity are the flags for TLS, authentication and authorization over HTTP.
type httpSecurity struct {
	TLSCert   string `name:"tls-cert" env:"COHORT_TLS_CERT" type:"path" placeholder:"FILE" help:"Serve clients over TLS with this certificate, in PEM. The file is reloaded when it changes."`
	TLSKey    string `name:"tls-key" env:"COHORT_TLS_KEY" type:"path" placeholder:"FILE" help:"The key of the certificate."`
	ClientCA  string `name:"client-ca" env:"COHORT_CLIENT_CA" type:"path" placeholder:"FILE" help:"Authorities for client certificates, in PEM. Without --tokens, clients with such a certificate have all rights."`
	Tokens    string `env:"COHORT_TOKENS" type:"path" placeholder:"FILE" help:"File of access rights: a name, a token's SHA-256 and rights on each line. The file is reloaded when it changes."`
	AdminHTTP string `name:"admin-http" env:"COHORT_ADMIN_HTTP" placeholder:"HOST:PORT" help:"Also serve /livez, /readyz, /metrics and profiles on this address. Its connections do not count against --max-connections."`
}

func (d httpSecurity) access() node.Access {
	return node.Access{Certificate: d.TLSCert, Key: d.TLSKey, ClientCA: d.ClientCA, Tokens: d.Tokens}
}

// check refuses flags that contradict one another. It also refuses to serve other machines
// without TLS and authentication, unless --insecure is set.
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
			return fmt.Errorf("%s %s is reachable from other machines: give --tls-cert, --tls-key and --tokens (or --client-ca), or set --insecure", at.flag, at.address)
		}
	}
	return nil
}

// onlyHere reports that an address is reachable from this machine only.
func onlyHere(address string) bool {
	host, _, err := net.SplitHostPort(address)
	ip := net.ParseIP(host)
	return err == nil && (host == "localhost" || ip != nil && ip.IsLoopback())
}
