package natsbus

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/cohortkv/cohort/bus"
)

const (
	// dialTimeout bounds a dial, and then again the exchange of hellos.
	dialTimeout = 500 * time.Millisecond
	// redialWait is the pause before the next try: with dialTimeout it decides
	// how soon a healed link works again.
	redialWait = 200 * time.Millisecond
	// pingInterval and pingsOut give up a connection whose other end is silent,
	// a frozen peer's for one. 22 nodes with pings of 200 ms spend 16 % of a core.
	pingInterval = time.Second
	pingsOut     = 2
	// silenceBound is how long a TCP flow may go unacknowledged.
	silenceBound = 2 * time.Second
	// inProcessURL stands where nats.go wants one. Nothing dials it.
	inProcessURL = "nats://in-process:0"
)

// link keeps one connection alive: it connects, shows the connection to senders
// once it has been admitted, and connects again when it breaks. What was sent
// over a broken connection is lost; nothing is sent twice.
type link struct {
	url     string
	options []nats.Option
	dial    func(ctx context.Context, addr string) (net.Conn, error)
	admit   func(*nats.Conn) error // checks who answered, and subscribes
	counts  *counts

	live    atomic.Pointer[live]    // nil while there is no connection
	failed  atomic.Pointer[failure] // why the last try failed; nil while there is a connection
	cancel  context.CancelFunc
	running *sync.WaitGroup // of all the Conn's links
}

// live is a connection that works as far as anyone knows.
type live struct {
	nc     *nats.Conn
	since  time.Time
	out    *outbox         // nil: writing to this connection never has to wait
	closed <-chan struct{} // when the connection has broken
}

func (l *link) start() {
	ctx, cancel := context.WithCancel(context.Background())
	l.cancel = cancel
	l.running.Go(func() { l.run(ctx) })
}

// stop makes the link end; whoever waits for that waits for running.
func (l *link) stop() { l.cancel() }

func (l *link) run(ctx context.Context) {
	for ctx.Err() == nil {
		if conn, err := l.connect(ctx); err != nil {
			l.fail(err)
		} else {
			l.use(ctx, conn)
		}
		select {
		case <-time.After(redialWait):
		case <-ctx.Done():
		}
	}
}

// use shows a connection to senders until it breaks or the link is stopped.
func (l *link) use(ctx context.Context, conn *live) {
	l.counts.connects.Add(1)
	l.live.Store(conn)
	l.failed.Store(nil)
	select {
	case <-conn.closed:
		l.counts.disconnects.Add(1)
	case <-ctx.Done():
	}
	l.live.Store(nil)
	l.fail(conn.nc.LastError())
	conn.nc.Close()
	if conn.out != nil {
		conn.out.wait()
	}
}

// connect makes one connection. Its errors are kept for Stats and not logged: a
// peer that is away is the normal case, and hellos say so.
func (l *link) connect(ctx context.Context) (*live, error) {
	var conn connecting
	defer conn.release()
	closed := make(chan struct{})
	options := append([]nats.Option{
		nats.NoReconnect(),
		nats.IgnoreDiscoveredServers(),
		nats.SetCustomDialer(l.dialler(ctx, &conn)),
		nats.SkipHostLookup(), // it has no bound; the dialler's has
		nats.Timeout(dialTimeout),
		nats.PingInterval(pingInterval),
		nats.MaxPingsOutstanding(pingsOut),
		nats.FlusherTimeout(0),       // the outbox does not block
		nats.SkipSubjectValidation(), // subjects are checked when they are built
		nats.NoCallbacksAfterClientClose(),
		nats.ClosedHandler(func(*nats.Conn) { close(closed) }),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { l.counts.asyncError(err) }),
	}, l.options...)
	nc, err := nats.Connect(l.url, options...)
	if err != nil {
		if conn.err != nil { // nats.go keeps it to itself when nobody listens
			err = conn.err
		}
		return nil, err
	}
	if err := l.admit(nc); err != nil {
		nc.Close()
		return nil, err
	}
	return &live{nc: nc, since: time.Now(), out: conn.out, closed: closed}, nil
}

// publish hands a message to nats.go, which copies it. It never blocks: no
// dialling happens under nats.go's lock, and its writes end in the outbox.
func (l *link) publish(subject, reply string, payload []byte) error {
	conn := l.live.Load()
	err := bus.ErrUnreachable
	if conn != nil {
		err = conn.publish(subject, reply, payload)
	}
	if err != nil {
		l.counts.dropped.Add(1)
		return err
	}
	l.counts.sent.Add(1)
	return nil
}

func (v *live) publish(subject, reply string, payload []byte) error {
	if v.out != nil && v.out.full() {
		return bus.ErrFull
	}
	return v.nc.PublishRequest(subject, reply, payload)
}

// dialFunc is a function as nats.go wants it.
type dialFunc func(network, addr string) (net.Conn, error)

// Dial calls the function.
func (f dialFunc) Dial(network, addr string) (net.Conn, error) { return f(network, addr) }

// connecting is a connection while nats.go exchanges hellos over it: the end of
// the context breaks it, so that Close does not wait for a silent peer.
type connecting struct {
	out  *outbox // nil: a connection to the own server
	free func() bool
	err  error // of the last dial
}

// dialler makes connections for nats.go and remembers the last one, the one
// that counts when several URLs are tried.
func (l *link) dialler(ctx context.Context, last *connecting) dialFunc {
	return func(_, addr string) (net.Conn, error) {
		last.release()
		conn, err := l.dial(ctx, addr)
		last.err = err
		if err != nil {
			return nil, err
		}
		last.out, _ = conn.(*outbox)
		last.free = context.AfterFunc(ctx, func() { conn.Close() })
		return conn, nil
	}
}

// release leaves the connection to its user.
func (c *connecting) release() {
	if c.free != nil {
		c.free()
	}
}

// dialTCP connects to a peer's server, or to an outside cluster's.
func dialTCP(ctx context.Context, addr string) (net.Conn, error) {
	d := net.Dialer{Timeout: dialTimeout}
	conn, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	if err := giveUpAfter(conn.(*net.TCPConn), silenceBound); err != nil {
		conn.Close()
		return nil, fmt.Errorf("set the time-out of %s: %w", addr, err)
	}
	return newOutbox(conn), nil
}

// dialOwn connects to the own server. It needs no outbox: the server's reading
// goroutine never waits for another client.
func dialOwn(own Server) func(context.Context, string) (net.Conn, error) {
	return func(context.Context, string) (net.Conn, error) { return own.InProcessConn() }
}

// authenticate signs the server's nonce with the cluster's key.
func authenticate(secret string) (nats.Option, error) {
	key, err := bus.Key(secret)
	if err != nil {
		return nil, fmt.Errorf("bus: %w", err)
	}
	public, err := key.PublicKey()
	if err != nil {
		return nil, fmt.Errorf("bus: %w", err)
	}
	return nats.Nkey(public, key.Sign), nil
}

// checkURLs finds mistakes that would otherwise show as a bus that is never
// there. A URL without a scheme is a NATS one.
func checkURLs(list string) error {
	for given := range strings.SplitSeq(list, ",") {
		given = strings.TrimSpace(given)
		full := given
		if !strings.Contains(given, "://") {
			full = "nats://" + given
		}
		u, err := url.Parse(full)
		if err != nil {
			return fmt.Errorf("NATS URL: %w", err)
		}
		if u.Hostname() == "" || u.Scheme != "nats" && u.Scheme != "tls" {
			return fmt.Errorf("NATS URL %q: want nats://host:4222 or tls://host:4222", given)
		}
	}
	return nil
}
