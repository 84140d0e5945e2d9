package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/cohortkv/cohort/client"
)

// credentials authenticate a command to nodes, and nodes to the command.
type credentials struct {
	CA        string `name:"ca" env:"COHORT_CA" type:"path" placeholder:"FILE" help:"Authorities to trust for https nodes, in PEM (those of the system)."`
	Cert      string `env:"COHORT_CERT" type:"path" placeholder:"FILE" help:"The client certificate, in PEM."`
	CertKey   string `env:"COHORT_CERT_KEY" type:"path" placeholder:"FILE" help:"The key of the client certificate, in PEM."`
	TokenFile string `env:"COHORT_TOKEN_FILE" type:"path" placeholder:"FILE" help:"File with the token to send. The variable COHORT_TOKEN may hold the token instead."`
	Token     string `env:"COHORT_TOKEN" hidden:"" help:"Only by its variable: command lines are visible to all users of the machine."`
}

// access returns the flags as client.Access. It reads the token file.
func (c credentials) access() (client.Access, error) {
	a := client.Access{CA: c.CA, Cert: c.Cert, Key: c.CertKey, Token: c.Token}
	if c.Token != os.Getenv("COHORT_TOKEN") {
		return a, errors.New("--token would expose the token in the list of processes: use --token-file or the variable COHORT_TOKEN")
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
