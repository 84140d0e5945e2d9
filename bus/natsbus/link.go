package natsbus

import (
	"context"
	"net"
	"slices"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/cohortkv/cohort/bus"
	"github.com/cohortkv/cohort/node/ids"
)

const (
	// pingInterval and pingsOut close a connection whose other end is silent, for example
	// that of a frozen peer. 22 nodes with pings every 200 ms use 16 % of a core.
	pingInterval = time.Second
	pingsOut     = 2
	// inProcessURL is the URL that nats.go requires. It is never dialled.
	inProcessURL = "nats://in-process:0"
)

// link maintains one connection to one address. It connects, checks the connection (admit), and
// gives it to senders. When the connection breaks, the link connects again, after a pause that
// grows (pause.go). Messages that were sent over a broken connection may be lost; none is sent
// twice.
type link struct {
	conn *Conn
	addr string // for logs; without passwords
	url  string
	// options are added to those of every link.
	options []nats.Option
	dial    dial
	admit   func(*nats.Conn, *connecting) (ids.Node, error) // checks the identity of the other end, and subscribes
	peers   func() []ids.Node                               // the nodes that may be at the address; nil: not a peer

	live    atomic.Pointer[live]    // nil while there is no connection
	failed  atomic.Pointer[failure] // why the last attempt failed; nil while there is a connection
	reached bool                    // of run: there was a connection before
	told    bool                    // of run: the loss of the connection was logged
	tried   chan struct{}           // not nil: closed when the first attempt has ended
	again   chan struct{}           // capacity 1: the connection is to be replaced
	cancel  context.CancelFunc
}

// live is a connection that has not failed so far.
type live struct {
	nc     *nats.Conn
	node   ids.Node // the node at the other end; of peers only
	since  time.Time
	out    *outbox         // nil: a write to this connection never waits
	closed <-chan struct{} // when the connection has broken
}

func (l *link) start() {
	ctx, cancel := context.WithCancel(context.Background())
	l.cancel, l.again = cancel, make(chan struct{}, 1)
	l.conn.linking.Go(func() { l.run(ctx) })
}

// stop makes the link end. Conn.linking waits for the end.
func (l *link) stop() { l.cancel() }

func (l *link) run(ctx context.Context) {
	var wait pause
	greet := greetTimeout
	for ctx.Err() == nil {
		began := time.Now()
		conn, err := l.connect(ctx, greet)
		greet = nextGreet(greet, err)
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

// ended records that the first attempt has ended.
func (l *link) ended() {
	if l.tried != nil {
		close(l.tried)
		l.tried = nil
	}
}

// show publishes a connection to senders.
func (l *link) show(conn *live) {
	l.conn.counts.connects.Add(1)
	l.live.Store(conn)
	l.failed.Store(nil)
	l.tellReached(conn)
	l.reached = true
	if l.peers != nil && !slices.Contains(l.peers(), conn.node) {
		l.retryLater() // Reach has replaced the wanted nodes meanwhile
	}
}

// retryLater makes the link replace its connection.
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
func (l *link) connect(ctx context.Context, greet time.Duration) (*live, error) {
	way := connecting{greet: greet}
	defer way.release()
	var dial nats.CustomDialer = dialler(func(_, addr string) (net.Conn, error) { return l.open(ctx, addr, &way) })
	if l.peers != nil {
		// When many peers are away, most attempts end here. So nats.go is prepared only
		// after the dial.
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
		nats.SkipHostLookup(), // that of nats.go has no time limit; the dialler's has
		nats.Timeout(greet),
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
		if way.err != nil { // nats.go does not return this error
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

// publish hands a message to nats.go, which copies the message. publish never blocks: nats.go
// does not dial under its lock, and its writes go to the outbox.
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
