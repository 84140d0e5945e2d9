package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime/debug"

	"github.com/cohortkv/cohort/bus"
)

// secretSettings are the flags by which the nodes of a cluster authenticate one another.
type secretSettings struct {
	SecretFile string `env:"COHORT_SECRET_FILE" type:"path" placeholder:"FILE" help:"File with the cluster's secrets, one on each line. The first is used; all are accepted. The variable COHORT_SECRET may hold them instead."`
	Secret     string `env:"COHORT_SECRET" hidden:"" help:"Only by its variable: command lines are visible to all users of the machine."`
	BusCert    string `env:"COHORT_BUS_CERT" type:"path" placeholder:"FILE" help:"This node's certificate for the bus, instead of one made from the secret. It must name urn:cohort:<cluster>:<id>. With --nats: the client certificate."`
	BusKey     string `env:"COHORT_BUS_KEY" type:"path" placeholder:"FILE" help:"The key of --bus-cert."`
	BusCA      string `name:"bus-ca" env:"COHORT_BUS_CA" type:"path" placeholder:"FILE" help:"Authorities whose certificates are accepted from other nodes, or from the NATS server."`
	Insecure   bool   `env:"COHORT_INSECURE" help:"Allow other machines to connect without encryption and authentication."`
}

// check refuses a secret on the command line, which all users of the machine can read, and
// flags that contradict one another.
func (s secretSettings) check() error {
	switch {
	case s.Secret != os.Getenv("COHORT_SECRET"):
		return errors.New("--secret would expose the secret in the list of processes: use --secret-file or the variable COHORT_SECRET")
	case s.Secret != "" && s.SecretFile != "":
		return errors.New("--secret-file and COHORT_SECRET are both set: give one of them")
	case (s.BusCert == "") != (s.BusKey == ""):
		return errors.New("--bus-cert and --bus-key go together")
	case s.BusCert != "" && s.BusCA == "":
		return errors.New("--bus-cert needs --bus-ca")
	}
	return nil
}

// read reads and stretches the secrets, which takes a moment for each secret. Without
// secrets it does nothing.
func (s secretSettings) read() (bus.Secrets, error) {
	text, from := s.Secret, "COHORT_SECRET"
	if s.SecretFile != "" {
		raw, err := os.ReadFile(s.SecretFile)
		if err != nil {
			return bus.Secrets{}, fmt.Errorf("--secret-file: %w", err)
		}
		text, from = string(raw), s.SecretFile
	} else if text == "" {
		return bus.Secrets{}, nil
	}
	secrets, err := bus.NewSecrets(text)
	debug.FreeOSMemory() // stretching takes more memory than a node holds
	if err != nil {
		return bus.Secrets{}, fmt.Errorf("%s: %w", from, err)
	}
	return secrets, nil
}

// outside is the TLS configuration for an outside NATS cluster; nil: the default of the
// system.
func (s secretSettings) outside() (*tls.Config, error) {
	if s.BusCA == "" {
		return nil, nil
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: x509.NewCertPool()}
	raw, err := os.ReadFile(s.BusCA)
	if err != nil {
		return nil, fmt.Errorf("--bus-ca: %w", err)
	}
	if !config.RootCAs.AppendCertsFromPEM(raw) {
		return nil, fmt.Errorf("--bus-ca: %s has no certificate", s.BusCA)
	}
	if s.BusCert != "" {
		pair, err := tls.LoadX509KeyPair(s.BusCert, s.BusKey)
		if err != nil {
			return nil, fmt.Errorf("--bus-cert: %w", err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
}

// credentials authenticate a node to other nodes; nil: the bus has no authentication.
func (s secretSettings) credentials(name bus.NodeName, secrets bus.Secrets, log *slog.Logger) (*bus.Credentials, error) {
	switch {
	case s.BusCert != "":
		return bus.LoadCredentials(name, s.BusCert, s.BusKey, s.BusCA, func(err error) {
			log.Warn("the bus keeps its previous certificates: the files hold none that this node can use", "err", err)
		})
	case secrets.Present():
		return secrets.Credentials(name)
	}
	return nil, nil
}

// permit refuses a bus without authentication that other machines can reach, unless
// --insecure is set.
func (s secretSettings) permit(address string, credentials *bus.Credentials, log *slog.Logger) error {
	switch {
	case credentials != nil || onlyHere(address):
		return nil
	case !s.Insecure:
		return fmt.Errorf("the bus on %s would let every host that reaches it read and write all data: give the nodes a secret (--secret-file) "+
			"or certificates (--bus-cert, --bus-key, --bus-ca), or set --insecure", address)
	}
	log.Warn("the bus is neither encrypted nor authenticated: every host that reaches its port can read and write all data, and impersonate any node",
		"bus", address)
	return nil
}
