package natsbus

import (
	"context"
	"log/slog"
	"time"
)

// tellFailed logs that a link has no connection, when the failure begins or its cause changes. A
// failure that does not end by itself, such as a wrong setting, is logged again while it lasts.
// Lines are limited to one a minute for each address and cause. An absent node is no warning:
// the protocols log it.
func (l *link) tellFailed(f *failure, changed bool) {
	if !changed && f.why.Absent() && l.told {
		return
	}
	count, due := l.conn.repeats.Tell(time.Now(), l.addr+" "+string(f.why))
	if !due {
		return
	}
	l.told = true
	level := slog.LevelWarn
	if f.why.Absent() && l.peers != nil {
		level = slog.LevelInfo
	}
	attrs := append(l.attrs(), slog.String("why", string(f.why)), slog.Any("err", f.err))
	if count > 1 {
		attrs = append(attrs, slog.Uint64("count", count))
	}
	l.conn.log.LogAttrs(context.Background(), level, l.noun()+" not reached", attrs...)
}

// tellReached logs the end of a failure that tellFailed has logged, and the first connection to
// an outside cluster.
func (l *link) tellReached(conn *live) {
	first := l.conn.external && !l.reached
	if !l.told && !first {
		return
	}
	l.told = false
	attrs := l.attrs()
	if l.conn.external {
		attrs = append(attrs, slog.String("server", conn.nc.ConnectedServerName()), slog.Int64("max_payload", conn.nc.MaxPayload()))
	}
	l.conn.log.LogAttrs(context.Background(), slog.LevelInfo, l.noun()+" reached", attrs...)
}

func (l *link) noun() string {
	switch {
	case l.peers != nil:
		return "peer"
	case l.conn.external:
		return "NATS"
	}
	return "own bus"
}

func (l *link) attrs() []slog.Attr {
	attrs := []slog.Attr{slog.String("addr", l.addr)}
	if l.peers == nil {
		return attrs
	}
	ids := l.peers()
	if len(ids) == 1 {
		return append(attrs, slog.Uint64("peer", uint64(ids[0])))
	}
	return append(attrs, slog.Any("peers", ids))
}
