// Package embedded runs the NATS server inside every node. No other package imports
// nats-server.
//
// The server only receives messages for its node. The node subscribes on the server; its peers
// connect as clients and publish. The server has no routes, gateways, leaf nodes or other
// listeners, so no message can make the server dial or advertise an address (docs/security.md
// §5). The name of the server names its node. Start and Close are for the owner of the node;
// any goroutine may call the other methods.
//
// With credentials, every caller shows a certificate of a node of the cluster, and may send
// only in the name of this node (authenticator.go). The owner connects through a pipe.
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
	"github.com/cohortkv/cohort/node/ids"
)

const (
	// pingInterval and pingsOut drop a silent client. The server does not ping while the
	// client does, so the two intervals do not add up.
	pingInterval = time.Second
	pingsOut     = 2
	// writeDeadline drops a peer that does not read its answers.
	writeDeadline = time.Second
	// authTimeout drops a client that connects and sends nothing. It is as long as the
	// longest attempt of a peer, so that the peer decides.
	authTimeout = 4 * time.Second
	// maxPending bounds the memory of unread messages of one client.
	maxPending = 64 << 20
	// maxConns bounds the memory of silent clients, at some 40 KiB each until authTimeout.
	// Views have at most 256 members.
	maxConns = 2048
	// maxSubs bounds the subscriptions of a client. The owner subscribes to its shards.
	maxSubs = 1024
)

// Config is the configuration of a server.
type Config struct {
	Cluster     string
	Node        ids.Node
	Incarnation ids.Incarnation
	Listen      string           // host:port; port 0 takes any free one
	Credentials *bus.Credentials // nil: no encryption and no authentication
	Logger      *slog.Logger     // for the server's warnings and errors; nil: none
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
	srv.Start() // returns when it listens, or has logged the reason why not
	addr := srv.Addr()
	if addr == nil {
		srv.Shutdown()
		srv.WaitForShutdown()
		return nil, fmt.Errorf("bus listener on %s: %w", cfg.Listen, log.reason())
	}
	return &Server{nats: srv, addr: addr.String()}, nil
}

// options is the whole configuration. Features that are not named here are off.
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
		NoSystemAccount:            true, // its events would be the only traffic that is not the cluster's
		NoSigs:                     true, // the command handles the signals of the process
		MaxPayload:                 bus.MaxPayload,
		MaxConn:                    maxConns,
		MaxPending:                 maxPending,
		MaxSubs:                    maxSubs,
		PingInterval:               pingInterval,
		MaxPingsOut:                pingsOut,
		WriteDeadline:              writeDeadline,
		// A full receiver loses messages. By default, the server would delay the senders;
		// then a frozen peer would delay the node's answers to other peers.
		NoFastProducerStall: true,
		MaxClosedClients:    1,
		// No port, hence no routes. Clients do not learn the addresses of other interfaces.
		Cluster: server.ClusterOpts{NoAdvertise: true},
	}
	if cfg.Credentials != nil {
		opts.TLSConfig = cfg.Credentials.Listening()
		opts.TLSHandshakeFirst = true // nothing is sent before both ends are authenticated
		opts.TLSTimeout = authTimeout.Seconds()
	}
	return opts, nil
}

// splitListen splits host:port. NATS takes port 0 as its default port, and -1 as any port. Here
// 0 means any port, as everywhere else in Go.
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

// Addr is the address of the listener. If the configured port was 0, it has the real port.
func (s *Server) Addr() string { return s.addr }

// InProcessConn connects the node to its own server without a socket.
func (s *Server) InProcessConn() (net.Conn, error) {
	conn, err := s.nats.InProcessConn()
	if err != nil {
		return nil, errors.New("bus listener is closed")
	}
	return conn, nil
}

// Disconnect ends the connections of all callers, but not that of the owner. Callers may
// connect again, if their credentials are still valid.
func (s *Server) Disconnect() error {
	list, err := s.nats.Connz(&server.ConnzOptions{Limit: math.MaxInt})
	if err != nil {
		return fmt.Errorf("bus listener: %w", err)
	}
	for _, c := range list.Conns {
		if c.IP == "" {
			continue // the owner, through the pipe
		}
		_ = s.nats.DisconnectClientByID(c.Cid) // with an error, the connection has already ended
	}
	return nil
}

// Close ends all connections and waits until the server has stopped.
func (s *Server) Close() {
	s.nats.Shutdown()
	s.nats.WaitForShutdown()
}
