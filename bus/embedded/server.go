// Package embedded runs the NATS server that every node carries inside. It is
// the only package that names nats-server.
//
// The server is a mailbox, not a cluster: its node alone subscribes on it, its
// peers connect as clients and publish. It has no routes, gateways, leaf nodes
// or other listeners, so nothing that it hears of can make it dial or advertise
// an address (docs/security.md §5). Its name says whose it is. Start and
// Close are for the node's owner; the other methods may be called by anyone.
//
// With credentials, every caller shows a certificate of a node of the cluster, and
// may send in this node's name only (authenticator.go). The owner comes by a pipe.
package embedded

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net"
	"strconv"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/cohortkv/cohort/bus"
	"github.com/cohortkv/cohort/node/wire"
)

const (
	// pingInterval and pingsOut drop a client that says nothing. The server does
	// not ping while the client does, so the two intervals do not add up.
	pingInterval = time.Second
	pingsOut     = 2
	// writeDeadline drops a peer that does not read its answers.
	writeDeadline = time.Second
	// authTimeout drops a stranger that connects and says nothing.
	authTimeout = time.Second
	// maxPending bounds the memory that unread messages of one client take.
	maxPending = 64 << 20
	// maxConns bounds what strangers who say nothing can take, at some 40 KiB each
	// until authTimeout. Views have 256 members at most.
	maxConns = 2048
	// maxSubs bounds what one client may listen to: the owner, to its shards.
	maxSubs = 1024
)

// Config says whose server it is and where it listens.
type Config struct {
	Cluster     string
	Node        wire.NodeID
	Incarnation wire.Incarnation
	Listen      string           // host:port; port 0 takes any free one
	Credentials *bus.Credentials // nil: nothing is encrypted, and callers are who they say
	Logger      *slog.Logger     // takes the server's warnings and errors; nil: nobody does
}

// Server is a running server.
type Server struct {
	nats *server.Server
	addr string
}

// Start listens and returns when connections are accepted.
func Start(cfg Config) (*Server, error) {
	log := newLog(cfg.Logger)
	opts, err := options(cfg, log)
	if err != nil {
		return nil, fmt.Errorf("bus listener: %w", err)
	}
	srv, err := server.NewServer(opts)
	if err != nil {
		return nil, fmt.Errorf("bus listener: %w", err)
	}
	srv.SetLoggerV2(log, false, false, false)
	srv.Start() // returns once it listens, or has told the log why it does not
	addr := srv.Addr()
	if addr == nil {
		srv.Shutdown()
		srv.WaitForShutdown()
		return nil, fmt.Errorf("bus listener on %s: %w", cfg.Listen, log.reason())
	}
	return &Server{nats: srv, addr: addr.String()}, nil
}

// options is the whole configuration: what is not named here is off.
func options(cfg Config, log *natsLog) (*server.Options, error) {
	subjects, err := bus.NewSubjects(cfg.Cluster)
	if err != nil {
		return nil, err
	}
	host, port, err := splitListen(cfg.Listen)
	if err != nil {
		return nil, err
	}
	name := bus.ServerName{Cluster: cfg.Cluster, Node: cfg.Node, Incarnation: cfg.Incarnation}
	opts := &server.Options{
		ServerName:                 name.String(),
		Host:                       host,
		Port:                       port,
		CustomClientAuthentication: &authenticator{cfg: cfg, subjects: subjects, log: log},
		AuthTimeout:                authTimeout.Seconds(),
		NoSystemAccount:            true, // its events would be the only traffic that is not ours
		NoSigs:                     true, // the process's signals belong to the command
		MaxPayload:                 bus.MaxPayload,
		MaxConn:                    maxConns,
		MaxPending:                 maxPending,
		MaxSubs:                    maxSubs,
		PingInterval:               pingInterval,
		MaxPingsOut:                pingsOut,
		WriteDeadline:              writeDeadline,
		// A full receiver loses messages; the default, to hold up whoever sends
		// to it, would let a frozen peer hold up the node's answers to others.
		NoFastProducerStall: true,
		MaxClosedClients:    1,
		// No port, so no routes; and clients are not told of other interfaces.
		Cluster: server.ClusterOpts{NoAdvertise: true},
	}
	if cfg.Credentials != nil {
		opts.TLSConfig = cfg.Credentials.Listening()
		opts.TLSHandshakeFirst = true // nothing is said before both ends are known
		opts.TLSTimeout = authTimeout.Seconds()
	}
	return opts, nil
}

// splitListen takes host:port apart. NATS reads port 0 as its default port and
// -1 as any; here 0 means any, as everywhere else in Go.
func splitListen(listen string) (host string, port int, err error) {
	host, digits, err := net.SplitHostPort(listen)
	if err != nil {
		return "", 0, err
	}
	port, err = strconv.Atoi(digits)
	if err != nil || port < -1 || port > 65535 {
		return "", 0, fmt.Errorf("address %s: port %q is not a number from 0 to 65535", listen, digits)
	}
	if port == 0 {
		port = server.RANDOM_PORT
	}
	return host, port, nil
}

// Addr is the address that is listened on, with the port that port 0 became.
func (s *Server) Addr() string { return s.addr }

// InProcessConn connects the node to its own server without a socket.
func (s *Server) InProcessConn() (net.Conn, error) {
	conn, err := s.nats.InProcessConn()
	if err != nil {
		return nil, errors.New("bus listener is closed")
	}
	return conn, nil
}

// Disconnect ends the connections of all callers; the owner's stays. They may call
// again, if they still can.
func (s *Server) Disconnect() error {
	list, err := s.nats.Connz(&server.ConnzOptions{Limit: math.MaxInt})
	if err != nil {
		return fmt.Errorf("bus listener: %w", err)
	}
	for _, c := range list.Conns {
		if c.IP == "" {
			continue // by the pipe
		}
		_ = s.nats.DisconnectClientByID(c.Cid) // an error says that it has gone meanwhile
	}
	return nil
}

// Close ends all connections and waits until nothing of the server runs.
func (s *Server) Close() {
	s.nats.Shutdown()
	s.nats.WaitForShutdown()
}
