package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/cohortkv/cohort/client"
)

// credentials are what a command shows to nodes that ask who it is.
type credentials struct {
	CA        string `name:"ca" env:"COHORT_CA" type:"path" placeholder:"FILE" help:"Who signed the certificates of https nodes, in PEM (the authorities of this machine)."`
	Cert      string `env:"COHORT_CERT" type:"path" placeholder:"FILE" help:"The certificate to show, in PEM."`
	CertKey   string `env:"COHORT_CERT_KEY" type:"path" placeholder:"FILE" help:"Its key."`
	TokenFile string `env:"COHORT_TOKEN_FILE" type:"path" placeholder:"FILE" help:"The token to send. The variable COHORT_TOKEN may hold it instead."`
	Token     string `env:"COHORT_TOKEN" hidden:"" help:"Only by its variable: arguments can be read by everybody on the machine."`
}

// access reads the token.
func (c credentials) access() (client.Access, error) {
	a := client.Access{CA: c.CA, Cert: c.Cert, Key: c.CertKey, Token: c.Token}
	if c.Token != os.Getenv("COHORT_TOKEN") {
		return a, errors.New("--token would show the token to everybody who can list processes: use --token-file, or the variable COHORT_TOKEN")
	}
	if c.TokenFile == "" {
		return a, nil
	}
	text, err := os.ReadFile(c.TokenFile)
	if err != nil {
		return a, fmt.Errorf("--token-file: %w", err)
	}
	if a.Token = strings.TrimSpace(string(text)); a.Token == "" {
		return a, fmt.Errorf("--token-file: %s is empty", c.TokenFile)
	}
	return a, nil
}

// open returns a client of a node.
func (c credentials) open(url string) (*client.Client, error) {
	a, err := c.access()
	if err != nil {
		return nil, err
	}
	return client.NewWithAccess(url, a)
}
