package natsbus

import (
	"context"
	"fmt"
	"net"
	"os"
	"syscall"
	"testing"

	"github.com/nats-io/nats.go"

	"github.com/cohortkv/cohort/bus"
)

func TestEveryErrorOfADialHasItsReason(t *testing.T) {
	dial := func(err error) error {
		return fmt.Errorf("join n1: %w", &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", err)})
	}
	for _, c := range []struct {
		err  error
		want bus.FailureCause
	}{
		{dial(syscall.ENETUNREACH), bus.NoRoute}, // no route at all
		{dial(syscall.EHOSTUNREACH), bus.NoRoute},
		{dial(syscall.EINVAL), bus.NoRoute}, // a route of type blackhole
		{dial(syscall.EACCES), bus.NoRoute}, // a route of type prohibit
		{dial(syscall.EPERM), bus.NoRoute},  // a filter of this machine's
		{dial(syscall.ECONNREFUSED), bus.Refused},
		{dial(syscall.ETIMEDOUT), bus.NoAnswer},
		{&net.OpError{Op: "dial", Net: "tcp", Err: os.ErrDeadlineExceeded}, bus.NoAnswer},
		{context.DeadlineExceeded, bus.NoAnswer},
		{nats.ErrTimeout, bus.NoAnswer},
		{&net.DNSError{Err: "no such host", Name: "nowhere.invalid", IsNotFound: true}, bus.NoName},
		{&net.DNSError{Err: "i/o timeout", Name: "nowhere.invalid", IsTimeout: true}, bus.NoAnswer},
		{dial(syscall.ECONNRESET), bus.Closed},
		{dial(syscall.EMFILE), bus.Failed},
	} {
		if got := causeOf(c.err); got != c.want {
			t.Errorf("%v: %q, want %q", c.err, got, c.want)
		}
	}
}
