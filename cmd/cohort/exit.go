package main

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/cohortkv/cohort/api"
	"github.com/cohortkv/cohort/client"
)

// Exit statuses. They tell a script whether to try again: a request that was refused or
// never reached a node did not take effect; a request whose outcome is unknown may have.
const (
	exitFailed       = 1 // any other error
	exitUsage        = 2
	exitMissing      = 3 // no such key
	exitPrecondition = 4 // If-Match or --new did not hold
	exitRefused      = 5 // the node refused, and nothing took effect
	exitUnknown      = 6 // the write may have taken effect
	exitUnreachable  = 7 // no node answered, and nothing took effect
)

const exitHelp = `Exit status: 0 done; 1 any other error; 2 wrong usage; 3 no such key; 4 a condition did not hold; 5 the node refused, and nothing took effect; 6 outcome unknown: the write may have taken effect; 7 no answer, and nothing took effect.`

// exitStatus ends the program with a status and without an error message: the command
// has printed its result.
type exitStatus int

func (s exitStatus) Error() string { return fmt.Sprintf("exit status %d", int(s)) }

// failure is an error with an exit status.
type failure struct {
	status int
	error
}

func (f failure) Unwrap() error { return f.error }

// statusOf is the exit status of a command that ended with err.
func statusOf(err error) int {
	var silent exitStatus
	var known failure
	switch {
	case err == nil:
		return 0
	case errors.As(err, &silent):
		return int(silent)
	case errors.As(err, &known):
		return known.status
	case errors.As(err, new(*client.StatusError)):
		return exitRefused
	case client.OutcomeOf(api.Put, err) == api.NotApplied: // only a request that was never sent has this outcome
		return exitUnreachable
	}
	return exitFailed
}

// answered gives an error of a request its exit status. op is the kind of the request.
// Errors that do not come from the request keep their own status.
func answered(op api.Op, err error) error {
	var status *client.StatusError
	var known failure
	switch {
	case err == nil || errors.As(err, &unsent{}) || errors.As(err, &known):
		return err
	case errors.As(err, &status) && status.Status == http.StatusPreconditionFailed:
		return failure{exitPrecondition, err}
	case client.OutcomeOf(op, err) == api.Unknown:
		return failure{exitUnknown, err}
	case errors.As(err, &status):
		return failure{exitRefused, err}
	}
	return failure{exitUnreachable, err}
}
