package main

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/cohortkv/cohort/api"
	"github.com/cohortkv/cohort/client"
)

// Exit statuses. A script can tell by them whether to try again: what was
// refused or never reached a node did not happen, what is unknown may have.
const (
	exitFailed       = 1 // anything that has no status of its own
	exitUsage        = 2
	exitMissing      = 3 // no such key
	exitPrecondition = 4 // If-Match or --new did not hold
	exitRefused      = 5 // the node answered that it did not do it
	exitUnknown      = 6 // the write may have taken effect
	exitUnreachable  = 7 // no node answered, and nothing took effect
)

const exitHelp = `Exit status: 0 done; 2 wrong usage; 3 no such key; 4 a condition did not hold; 5 the node refused, and nothing took effect; 6 unknown: the write may have taken effect; 7 no answer, and nothing took effect; 1 anything else.`

// exitStatus ends the program with a status, without a complaint: what there is
// to say has been printed.
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
	case client.OutcomeOf(api.Put, err) == api.NotApplied: // of what was never sent, as of nothing else
		return exitUnreachable
	}
	return exitFailed
}

// answered gives an error of a request its exit status; what says whether the
// request was a read. Errors that do not come from the request keep their own.
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
