package natsbus

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/cohortkv/cohort/bus"
)

// failure is why a link has no connection.
type failure struct {
	err   error
	why   bus.Trouble
	since time.Time // of the first failure in a row with the same why
}

// refusal is an error of our own: this end does not want the connection.
type refusal struct {
	why  bus.Trouble
	text string
}

func (r *refusal) Error() string { return r.text }

func refuse(why bus.Trouble, format string, args ...any) error {
	return &refusal{why: why, text: fmt.Sprintf(format, args...)}
}

// troubleOf sorts an error by what an operator would do about it.
func troubleOf(err error) bus.Trouble {
	var ours *refusal
	var name *net.DNSError
	var network net.Error
	switch {
	case err == nil:
		return bus.Closed
	case errors.As(err, &ours):
		return ours.why
	case errors.Is(err, syscall.ECONNREFUSED):
		return bus.Refused
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EINVAL):
		return bus.NoRoute // a local blackhole route says EINVAL
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

// fail remembers why there is no connection.
func (l *link) fail(err error) {
	now := &failure{err: err, why: troubleOf(err), since: time.Now()}
	if before := l.failed.Load(); before != nil && before.why == now.why {
		now.since = before.since
	}
	l.failed.Store(now)
}

// loginRefused reports that the server did not accept the credentials: while
// connecting, nats.go gives its answer as mere text.
func loginRefused(err error) bool {
	text := strings.ToLower(err.Error())
	return errors.Is(err, nats.ErrAuthorization) || strings.Contains(text, "authorization violation") || strings.Contains(text, "authentication")
}
