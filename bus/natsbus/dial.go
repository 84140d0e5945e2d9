package natsbus

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"time"

	"github.com/cohortkv/cohort/bus"
	"github.com/cohortkv/cohort/node/ids"
)

const (
	// dialTimeout bounds a dial, names included.
	dialTimeout = 500 * time.Millisecond
	// greetTimeout bounds TLS, and then again the exchange of hellos. After each attempt
	// that ends at this bound, the bound doubles, up to longestGreet. With a fixed bound,
	// many nodes that start at once on a slow machine would all give up before they are
	// done, and begin anew.
	greetTimeout = time.Second
	longestGreet = 4 * time.Second
	// silenceBound is how long sent TCP data may stay unacknowledged.
	silenceBound = 2 * time.Second
)

// dial connects to an address. greet bounds the TLS handshake, if there is one.
type dial func(ctx context.Context, addr string, greet time.Duration) (net.Conn, error)

// dialler implements nats.CustomDialer by a function.
type dialler func(network, addr string) (net.Conn, error)

// Dial calls the function.
func (f dialler) Dial(network, addr string) (net.Conn, error) { return f(network, addr) }

// opened is a dialler that returns an existing connection, with TLS if configured.
type opened struct{ conn net.Conn }

// Dial implements nats.CustomDialer.
func (o opened) Dial(string, string) (net.Conn, error) { return o.conn, nil }

// SkipTLSHandshake tells nats.go to leave TLS to this package.
func (opened) SkipTLSHandshake() bool { return true }

// connecting is a connection while nats.go exchanges hellos. When the context ends, the
// connection is broken, so that Close does not wait for a silent peer.
type connecting struct {
	greet time.Duration // bounds TLS, and then again the exchange of hellos
	out   *outbox       // nil: a connection to the own server
	peer  *bus.NodeName // the node that the peer's certificate names; nil: no certificate
	free  func() bool
	err   error // of the last dial
}

// open makes a connection for nats.go. With several URLs, nats.go tries one after another; the
// last connection counts.
func (l *link) open(ctx context.Context, addr string, last *connecting) (net.Conn, error) {
	last.release()
	conn, err := l.dial(ctx, addr, last.greet)
	last.err = err
	if err != nil {
		return nil, err
	}
	switch conn := conn.(type) {
	case *outbox:
		last.out = conn
	case *tls.Conn:
		last.out = conn.NetConn().(*outbox)
		name, err := bus.CertificateName(conn.ConnectionState().PeerCertificates[0])
		if err != nil {
			conn.Close()
			return nil, err
		}
		last.peer = &name
	}
	last.free = context.AfterFunc(ctx, func() { conn.Close() })
	return l.conn.gate.watch(conn), nil
}

// release hands the connection over: the end of the context no longer breaks it.
func (c *connecting) release() {
	if c.free != nil {
		c.free()
	}
}

// dialTCP connects to the server of a peer or of an outside cluster.
func dialTCP(ctx context.Context, addr string, _ time.Duration) (net.Conn, error) {
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

// dialPeer connects to the address of one of the wanted nodes. With credentials, the identity
// of the node is verified. TLS writes to the outbox, so TLS never blocks either.
func dialPeer(own *bus.Credentials, wanted func(ids.Node) bool) dial {
	if own == nil {
		return dialTCP
	}
	config := own.Calling(wanted)
	return func(ctx context.Context, addr string, greet time.Duration) (net.Conn, error) {
		plain, err := dialTCP(ctx, addr, greet)
		if err != nil {
			return nil, err
		}
		secret := tls.Client(plain, config)
		ctx, cancel := context.WithTimeout(ctx, greet)
		defer cancel()
		if err := secret.HandshakeContext(ctx); err != nil {
			plain.Close()
			return nil, err
		}
		return secret, nil
	}
}

// dialOwn connects to the node's own server. No outbox is needed: the reading goroutine of the
// server never waits for another client.
func dialOwn(own Server) dial {
	return func(context.Context, string, time.Duration) (net.Conn, error) { return own.InProcessConn() }
}
