package natsbus

import (
	"context"
	"net"
	"slices"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/cohortkv/cohort/bus"
	"github.com/cohortkv/cohort/node/wire"
)

const (
	// pingInterval and pingsOut give up a connection whose other end is silent,
	// a frozen peer's for one. 22 nodes with pings of 200 ms spend 16 % of a core.
	pingInterval = time.Second
	pingsOut     = 2
	// inProcessURL stands where nats.go wants one. Nothing dials it.
	inProcessURL = "nats://in-process:0"
)

// link keeps one connection to one address alive: it connects, shows the
// connection to senders once it has been admitted, and connects again when it
// breaks, after a pause that grows (pause.go). What was sent over a broken
// connection is lost; nothing is sent twice.
type link struct {
	conn *Conn
	addr string // where, for people; without passwords
	url  string
	// options come after those that every link has.
	options []nats.Option
	dial    func(ctx context.Context, addr string) (net.Conn, error)
	admit   func(*nats.Conn, *connecting) (wire.NodeID, error) // checks who answered, and subscribes
	peers   func() []wire.NodeID                               // who should be there; nil: not a peer

	live    atomic.Pointer[live]    // nil while there is no connection
	failed  atomic.Pointer[failure] // why the last try failed; nil while there is a connection
	reached bool                    // run: there was a connection once
	told    bool                    // run: the log says that there is no connection
	tried   chan struct{}           // not nil: closed when the first try has ended
	again   chan struct{}           // capacity 1: the connection is to be given up
	cancel  context.CancelFunc
}

// live is a connection that works as far as anyone knows.
type live struct {
	nc     *nats.Conn
	node   wire.NodeID // who is at the other end; of peers only
	since  time.Time
	out    *outbox         // nil: writing to this connection never has to wait
	closed <-chan struct{} // when the connection has broken
}

func (l *link) start() {
	ctx, cancel := context.WithCancel(context.Background())
	l.cancel, l.again = cancel, make(chan struct{}, 1)
	l.conn.linking.Go(func() { l.run(ctx) })
}

// stop makes the link end; to wait for the end, wait for linking.
func (l *link) stop() { l.cancel() }

func (l *link) run(ctx context.Context) {
	var wait pause
	for ctx.Err() == nil {
		began := time.Now()
		conn, err := l.connect(ctx)
		if err == nil {
			l.show(conn)
			l.ended()
			err = l.use(ctx, conn)
		}
		if ctx.Err() == nil {
			l.fail(err)
		}
		l.ended()
		if time.Since(began) > steady {
			wait = 0
		}
		select {
		case <-time.After(wait.next(l.reached)):
		case <-ctx.Done():
		}
	}
}

// ended says that the first try has.
func (l *link) ended() {
	if l.tried != nil {
		close(l.tried)
		l.tried = nil
	}
}

// show gives a connection to senders.
func (l *link) show(conn *live) {
	l.conn.counts.connects.Add(1)
	l.live.Store(conn)
	l.failed.Store(nil)
	l.tellReached(conn)
	l.reached = true
	if l.peers != nil && !slices.Contains(l.peers(), conn.node) {
		l.retryLater() // Reach has named others meanwhile
	}
}

// retryLater gives the present connection up, and makes another.
func (l *link) retryLater() {
	select {
	case l.again <- struct{}{}:
	default:
	}
}

// use leaves a connection to senders until it breaks or the link is stopped.
func (l *link) use(ctx context.Context, conn *live) error {
	select {
	case <-conn.closed:
		l.conn.counts.disconnects.Add(1)
	case <-l.again:
		l.conn.counts.disconnects.Add(1)
	case <-ctx.Done():
	}
	l.live.Store(nil)
	err := conn.nc.LastError()
	conn.nc.Close()
	if conn.out != nil {
		conn.out.wait()
	}
	return err
}

// connect makes one connection.
func (l *link) connect(ctx context.Context) (*live, error) {
	var way connecting
	defer way.release()
	var dial nats.CustomDialer = dialler(func(_, addr string) (net.Conn, error) { return l.open(ctx, addr, &way) })
	if l.peers != nil {
		// Most tries end here when many peers are away, so nats.go is not made ready
		// for them.
		conn, err := l.open(ctx, l.addr, &way)
		if err != nil {
			return nil, err
		}
		dial = opened{conn}
	}
	closed := make(chan struct{})
	options := append([]nats.Option{
		nats.Name(l.conn.name.String()),
		nats.NoReconnect(),
		nats.IgnoreDiscoveredServers(),
		nats.SetCustomDialer(dial),
		nats.SkipHostLookup(), // it has no bound; the dialler's has
		nats.Timeout(greetTimeout),
		nats.PingInterval(pingInterval),
		nats.MaxPingsOutstanding(pingsOut),
		nats.FlusherTimeout(0),       // the outbox does not block
		nats.SkipSubjectValidation(), // subjects are checked when they are built
		nats.NoCallbacksAfterClientClose(),
		nats.ClosedHandler(func(*nats.Conn) { close(closed) }),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { l.conn.asyncError(l, err) }),
	}, l.options...)
	nc, err := nats.Connect(l.url, options...)
	if err != nil {
		if way.err != nil { // nats.go keeps it to itself when nobody listens
			err = way.err
		}
		return nil, err
	}
	node, err := l.admit(nc, &way)
	if err != nil {
		nc.Close()
		return nil, err
	}
	return &live{nc: nc, node: node, since: time.Now(), out: way.out, closed: closed}, nil
}

// publish hands a message to nats.go, which copies it. It never blocks: no
// dialling happens under nats.go's lock, and its writes end in the outbox.
func (l *link) publish(conn *live, subject, reply string, payload []byte) error {
	err := bus.ErrUnreachable
	if conn != nil {
		err = conn.publish(subject, reply, payload)
	}
	if err != nil {
		l.conn.counts.dropped.Add(1)
		return err
	}
	l.conn.counts.sent.Add(1)
	return nil
}

func (v *live) publish(subject, reply string, payload []byte) error {
	if v.out != nil && v.out.full() {
		return bus.ErrFull
	}
	return v.nc.PublishRequest(subject, reply, payload)
}
