// Package outside runs a plain NATS server, without anything of cohort, for tests.
package outside

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// Config is the configuration of the server. The zero value is a server on any port of
// 127.0.0.1, without authentication.
type Config struct {
	Listen         string // host:port
	MaxPayload     int    // 0: NATS's own default, 1 MiB
	User, Password string
	Allow          []string // with User: the subjects that may be used; empty: all
	TLS            *tls.Config
}

// Server is a running server.
type Server struct{ nats *server.Server }

// Start listens, and returns when connections are accepted.
func Start(cfg Config) (*Server, error) {
	opts := &server.Options{
		ServerName: "outside", Host: "127.0.0.1", Port: server.RANDOM_PORT, NoSigs: true, NoLog: true,
		MaxPayload: int32(cfg.MaxPayload), Username: cfg.User, Password: cfg.Password, TLSConfig: cfg.TLS, TLSTimeout: 2,
	}
	if cfg.Listen != "" {
		host, port, err := net.SplitHostPort(cfg.Listen)
		if err != nil {
			return nil, err
		}
		if opts.Port, err = strconv.Atoi(port); err != nil {
			return nil, err
		}
		opts.Host = host
	}
	if len(cfg.Allow) > 0 {
		allow := &server.SubjectPermission{Allow: cfg.Allow}
		opts.Users = []*server.User{{Username: cfg.User, Password: cfg.Password, Permissions: &server.Permissions{Publish: allow, Subscribe: allow}}}
		opts.Username, opts.Password = "", ""
	}
	s, err := server.NewServer(opts)
	if err != nil {
		return nil, fmt.Errorf("outside NATS: %w", err)
	}
	s.Start()
	if !s.ReadyForConnections(10 * time.Second) {
		s.Shutdown()
		return nil, errors.New("outside NATS: not ready within 10 s")
	}
	return &Server{s}, nil
}

// Addr is the address of the listener.
func (s *Server) Addr() string { return s.nats.Addr().String() }

// Clients are the names of the connections to the server.
func (s *Server) Clients() ([]string, error) {
	list, err := s.nats.Connz(nil)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, c := range list.Conns {
		names = append(names, c.Name)
	}
	return names, nil
}

// Close ends all connections and waits until the server has stopped.
func (s *Server) Close() {
	s.nats.Shutdown()
	s.nats.WaitForShutdown()
}
