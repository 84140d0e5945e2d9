package natsbus

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/cohortkv/cohort/bus"
)

// failure is the reason why a link has no connection.
type failure struct {
	err   error
	why   bus.FailureCause
	since time.Time // of the first of consecutive failures with the same why
}

// causeOf classifies an error by its remedy.
func causeOf(err error) bus.FailureCause {
	var ours *bus.Refusal
	var record tls.RecordHeaderError
	var remote *net.OpError
	var name *net.DNSError
	var network net.Error
	switch {
	case errors.Is(err, errClosed):
		return bus.Closed
	case errors.As(err, &ours):
		return ours.Why
	case errors.As(err, &record):
		return bus.NoTLS
	case errors.As(err, &remote) && remote.Op == "remote error":
		return bus.WrongSecret // an alert of TLS: the other end does not accept this one
	case errors.Is(err, syscall.ECONNREFUSED):
		return bus.Refused
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EINVAL),
		errors.Is(err, syscall.EACCES), errors.Is(err, syscall.EPERM):
		return bus.NoRoute // a blackhole route says EINVAL, a prohibit route EACCES, a local filter EPERM
	case errors.As(err, &name) && name.IsNotFound:
		return bus.NoName
	case loginRefused(err):
		return bus.BadLogin
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded), errors.Is(err, nats.ErrTimeout),
		errors.Is(err, nats.ErrStaleConnection), errors.Is(err, syscall.ETIMEDOUT), errors.As(err, &network) && network.Timeout():
		return bus.NoAnswer
	case errors.Is(err, nats.ErrNoInfoReceived):
		return bus.NotCohort
	case errors.Is(err, io.EOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, net.ErrClosed):
		return bus.Closed
	}
	return bus.Failed
}

// fail records and logs why there is no connection.
func (l *link) fail(err error) {
	if err == nil {
		err = errClosed
	}
	now := &failure{err: err, why: causeOf(err), since: time.Now()}
	before := l.failed.Load()
	if before != nil && before.why == now.why {
		now.since = before.since
	}
	l.failed.Store(now)
	if now.why.WrongPeer() {
		l.conn.counts.strangers.Add(1)
	}
	l.tellFailed(now, before == nil || before.why != now.why)
}

// errClosed is the error of a connection that ended without an error.
var errClosed = errors.New("the connection was closed")

// loginRefused reports that the server did not accept the credentials. While connecting,
// nats.go returns the answer of the server only as text.
func loginRefused(err error) bool {
	text := strings.ToLower(err.Error())
	return errors.Is(err, nats.ErrAuthorization) || strings.Contains(text, "authorization violation") || strings.Contains(text, "authentication")
}
