package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"

	"github.com/cohortkv/cohort/bus"
	"github.com/cohortkv/cohort/bus/embedded"
	"github.com/cohortkv/cohort/bus/natsbus"
	"github.com/cohortkv/cohort/node"
	"github.com/cohortkv/cohort/node/ids"
)

// nodeSettings are the settings of a node of this process. In addresses, port 0 is any
// free port.
type nodeSettings struct {
	id            uint64
	http, bus     string
	nats          string // URL of an outside cluster; empty: the embedded server, on bus
	cluster       string
	data          dataSettings
	trust         secretSettings // how the nodes of the cluster authenticate one another
	secrets       bus.Secrets    // of the cluster
	defaultBucket string
	expectData    bool
	limits        node.HTTPLimits
	access        node.Access
	admin         string // listener for health checks, metrics and profiles; empty: none
	log           *slog.Logger
	linesLost     func() uint64 // number of lines that log lost; nil: not counted
	network       *network      // network of a demo; nil: none
}

// member is a node that is assembled and listens. It works while run runs.
type member struct {
	id          uint64
	http, bus   string // the addresses of the listeners; bus is empty with an outside cluster
	node        *node.Node
	server      *embedded.Server // nil with an outside cluster, as the next two are
	conn        *natsbus.Conn
	credentials *bus.Credentials // nil, too, when the bus does not encrypt
	reloads     []reload         // settings that SIGHUP reloads
}

// assemble makes a node and its bus; package node does not know NATS. If a step fails, the
// listeners and connections that were opened before are closed again.
func (s nodeSettings) assemble() (m *member, err error) {
	cfg := node.Default()
	cfg.ID, cfg.Cluster, cfg.DefaultBucket, cfg.ExpectData, cfg.Log = ids.Node(s.id), s.cluster, s.defaultBucket, s.expectData, s.log
	cfg.SessionKeys = s.secrets.Keys("session")
	cfg.LinesLost = s.linesLost
	cfg.HTTPLimits, cfg.Access = s.limits, s.access
	m = &member{id: s.id}
	if cfg.HTTP, err = net.Listen("tcp", s.http); err != nil {
		return nil, fmt.Errorf("node %d: %w", s.id, err)
	}
	m.http = cfg.HTTP.Addr().String()
	if s.admin != "" {
		if cfg.AdminHTTP, err = net.Listen("tcp", s.admin); err != nil {
			return nil, errors.Join(fmt.Errorf("node %d: --admin-http: %w", s.id, err), cfg.HTTP.Close())
		}
	}
	if err = s.data.open(&cfg); err == nil {
		err = m.connect(s, &cfg)
	}
	if err == nil {
		if s.network != nil {
			cfg.Bus = s.network.connect(cfg.ID, cfg.Bus)
		}
		m.node, err = node.New(cfg)
	}
	if err != nil {
		return nil, errors.Join(err, m.discard(cfg))
	}
	if s.access != (node.Access{}) {
		m.reloads = append(m.reloads, reload{"certificates and tokens", m.node.ReloadAccess})
	}
	if s.trust.SecretFile != "" {
		m.reloads = append(m.reloads, reload{"secrets", func() error { return m.renew(s.trust) }})
	}
	return m, nil
}

// connect sets the bus of cfg.
func (m *member) connect(s nodeSettings, cfg *node.Config) (err error) {
	access := natsbus.Config{Cluster: s.cluster, Node: cfg.ID, Log: s.log}
	if s.nats != "" {
		if access.TLS, err = s.trust.outside(); err != nil {
			return err
		}
		conn, err := natsbus.External(access, s.nats)
		if err != nil {
			return err
		}
		cfg.Bus = conn
		return nil
	}
	if access.Credentials, err = s.trust.credentials(bus.NodeName{Cluster: s.cluster, Node: cfg.ID}, s.secrets, s.log); err != nil {
		return err
	}
	if err := s.trust.permit(s.bus, access.Credentials, s.log); err != nil {
		return err
	}
	m.server, err = embedded.Start(embedded.Config{
		Cluster: s.cluster, Node: cfg.ID, Incarnation: cfg.Incarnation, Listen: s.bus, Credentials: access.Credentials, Logger: s.log,
	})
	if err != nil {
		return err
	}
	m.bus, m.credentials = m.server.Addr(), access.Credentials
	if m.conn, err = natsbus.Embedded(access, m.server); err != nil {
		return err
	}
	cfg.Bus = m.conn
	return nil
}

// renew reloads the secrets. Connections must not outlive the secret that they were made
// under, so all connections are made anew.
func (m *member) renew(trust secretSettings) error {
	secrets, err := trust.read()
	if err != nil {
		return err
	}
	m.node.RenewSessionKeys(secrets.Keys("session"))
	if m.server == nil || m.credentials == nil {
		return nil
	}
	if err := m.credentials.Renew(secrets); err != nil {
		return err
	}
	m.conn.Renew()
	return m.server.Disconnect()
}

// discard closes the listeners and connections of a node that never ran.
func (m *member) discard(cfg node.Config) error {
	err := cfg.HTTP.Close()
	if cfg.AdminHTTP != nil {
		err = errors.Join(err, cfg.AdminHTTP.Close())
	}
	if cfg.Bus != nil {
		err = errors.Join(err, cfg.Bus.Close())
	}
	m.closeServer()
	if cfg.Store != nil {
		err = errors.Join(err, cfg.Store.Close())
	}
	return err
}

// run serves until ctx ends or the node fails.
func (m *member) run(ctx context.Context) error {
	defer m.closeServer()
	return m.node.Run(ctx)
}

func (m *member) closeServer() {
	if m.server != nil {
		m.server.Close()
	}
}
