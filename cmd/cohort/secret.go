package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/cohortkv/cohort/bus"
)

// secretSettings say how the nodes of a cluster know one another.
type secretSettings struct {
	SecretFile string `env:"COHORT_SECRET_FILE" type:"path" placeholder:"FILE" help:"The cluster's secret, or several, one a line: the first is used, all are accepted. The variable COHORT_SECRET may hold it instead."`
	Secret     string `env:"COHORT_SECRET" hidden:"" help:"Only by its variable: arguments can be read by everybody on the machine."`
	Insecure   bool   `env:"COHORT_INSECURE" help:"Serve without encryption beyond this machine."`
}

// check refuses a secret that everybody on the machine can read, and two sources.
func (s secretSettings) check() error {
	switch {
	case s.Secret != os.Getenv("COHORT_SECRET"):
		return errors.New("--secret would show the secret to everybody who can list processes: use --secret-file, or the variable COHORT_SECRET")
	case s.Secret != "" && s.SecretFile != "":
		return errors.New("--secret-file and COHORT_SECRET are both set: which one is the cluster's secret?")
	}
	return nil
}

// read stretches the secrets, which takes a moment for each; without any it does
// nothing.
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
	if err != nil {
		return bus.Secrets{}, fmt.Errorf("%s: %w", from, err)
	}
	return secrets, nil
}
