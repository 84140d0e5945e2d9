package embedded

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"regexp"
	"strings"
	"sync/atomic"
	"time"

	"github.com/cohortkv/cohort/bus"
)

// natsLog forwards the server's warnings and errors, at most one line a minute for each caller
// and kind. Notices and traces are left out: a quiet cluster is silent. A fatal error does not
// end the process, as with the server's own log; Start returns the error.
type natsLog struct {
	out     *slog.Logger
	fatal   atomic.Pointer[string]
	repeats bus.Repeats
}

func newLog(out *slog.Logger) *natsLog {
	if out == nil {
		out = slog.New(slog.DiscardHandler)
	}
	return &natsLog{out: out}
}

// reason is the error for which the server did not start.
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

func (l *natsLog) Errorf(format string, v ...any) { l.tell(slog.LevelError, fmt.Sprintf(format, v...)) }

func (l *natsLog) Warnf(format string, v ...any) {
	if strings.Contains(format, "TLS Handshake First") {
		return // a warning about a setting that is intended
	}
	l.tell(slog.LevelWarn, fmt.Sprintf(format, v...))
}

func (*natsLog) Noticef(string, ...any) {}
func (*natsLog) Debugf(string, ...any)  {}
func (*natsLog) Tracef(string, ...any)  {}

// Parts of a line of the server: the caller at its beginning, and ports, which change.
var (
	callerFirst = regexp.MustCompile(`^(\[[0-9a-fA-F:.%a-z]+\]|[^ ]+?):\d+ - [a-z]+:\d+ - (?:".*?" - )?`)
	changing    = regexp.MustCompile(`:\d{2,5}\b`)
)

// tell logs a line. A fault of a caller is no error of this node.
func (l *natsLog) tell(level slog.Level, text string) {
	var attrs []any
	if m := callerFirst.FindStringSubmatch(text); m != nil {
		level, text = slog.LevelWarn, strings.Trim(text[len(m[0]):], `"`)
		attrs = append(attrs, "from", m[1])
	}
	text = changing.ReplaceAllString(text, "")
	l.put(level, append(attrs, "err", text+hint(text)))
}

// stranger logs a connection from a node of another cluster.
func (l *natsLog) stranger(from net.Addr, name bus.NodeName) {
	host, _, err := net.SplitHostPort(from.String())
	if err != nil {
		host = from.String()
	}
	l.put(slog.LevelWarn, []any{"from", host, "err", fmt.Sprintf("connection from node %d of cluster %s", name.Node, name.Cluster)})
}

func (l *natsLog) put(level slog.Level, attrs []any) {
	count, due := l.repeats.Tell(time.Now(), fmt.Sprint(attrs...))
	if !due {
		return
	}
	if count > 1 {
		attrs = append(attrs, "count", count)
	}
	l.out.Log(context.Background(), level, "bus listener", attrs...)
}

// hint explains some errors of TLS.
func hint(text string) string {
	switch {
	case strings.Contains(text, "remote error: tls"):
		return " (the caller does not accept this node: another secret or authority, another cluster, or another node id than it looks for)"
	case strings.Contains(text, "does not look like a TLS handshake"):
		return " (the caller does not encrypt: it has no secret and no certificates)"
	case strings.HasSuffix(text, "TLS handshake error: EOF"), strings.Contains(text, "TLS handshake") && strings.Contains(text, "timeout"):
		return " (the caller sent no TLS handshake: perhaps it does not encrypt)"
	}
	return ""
}
