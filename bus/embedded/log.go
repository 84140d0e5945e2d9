package embedded

import (
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
)

// natsLog passes the server's warnings and errors on. Notices and traces are
// left out: a quiet cluster is silent. What the server calls fatal would have
// ended the process with its own log; here Start returns it.
type natsLog struct {
	out   *slog.Logger
	fatal atomic.Pointer[string]
}

func newLog(out *slog.Logger) *natsLog {
	if out == nil {
		out = slog.New(slog.DiscardHandler)
	}
	return &natsLog{out: out}
}

// reason is why the server did not start.
func (l *natsLog) reason() error {
	if msg := l.fatal.Load(); msg != nil {
		return errors.New(*msg)
	}
	return errors.New("the server did not start")
}

func (l *natsLog) Fatalf(format string, v ...any) {
	msg := fmt.Sprintf(format, v...)
	l.fatal.CompareAndSwap(nil, &msg)
}

func (l *natsLog) Errorf(format string, v ...any) {
	l.out.Error("bus listener", "err", fmt.Sprintf(format, v...))
}

func (l *natsLog) Warnf(format string, v ...any) {
	l.out.Warn("bus listener", "err", fmt.Sprintf(format, v...))
}

func (*natsLog) Noticef(string, ...any) {}
func (*natsLog) Debugf(string, ...any)  {}
func (*natsLog) Tracef(string, ...any)  {}
