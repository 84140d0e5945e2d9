package natsbus

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/nats-io/nats.go"

	"github.com/cohortkv/cohort/bus"
	"github.com/cohortkv/cohort/node/ids"
)

// minPayload is the smallest payload that a node can work with. A message between nodes holds
// a value with its metadata, or facts about many nodes.
const minPayload = 32 << 10

// External gives a node access to an existing NATS cluster, at one or more URLs, separated by
// commas. The cluster need not be up yet: External waits only for the first attempt, from which
// it learns the largest message. Broadcasts reach all listeners; Reach has no effect.
func External(cfg Config, urls string) (*Conn, error) {
	shown, err := checkURLs(urls)
	if err != nil {
		return nil, fmt.Errorf("bus: %w", err)
	}
	c, err := newConn(cfg)
	if err != nil {
		return nil, err
	}
	c.external = true
	// A broadcast must not come back to its sender. Messages to the node itself are
	// delivered locally (deliverLocal), so no echo is needed.
	options := []nats.Option{nats.NoEcho()}
	if cfg.TLS != nil {
		options = append(options, func(o *nats.Options) error {
			o.TLSConfig = cfg.TLS
			return nil
		})
	}
	tried := make(chan struct{})
	home := &link{addr: shown, url: urls, options: options, dial: dialTCP, admit: c.enter, tried: tried}
	c.start(home)
	<-tried
	if f := home.failed.Load(); f != nil && f.why == bus.SmallPayload {
		return nil, errors.Join(f.err, c.Close())
	}
	c.settled.Store(true)
	return c, nil
}

// enter takes a new connection to the outside cluster. The first connection decides the largest
// message. If a later server takes only smaller messages, the node does not use this server
// until the node is restarted.
func (c *Conn) enter(nc *nats.Conn, way *connecting) (ids.Node, error) {
	most := min(nc.MaxPayload(), bus.MaxPayload)
	switch {
	case most < minPayload:
		return 0, bus.Refuse(bus.SmallPayload, "the NATS server takes messages of %d bytes, and nodes need at least %d (max_payload)", most, minPayload)
	case !c.settled.Load():
		c.payload.Store(most)
	case most < c.payload.Load():
		return 0, bus.Refuse(bus.SmallPayload, "the NATS server takes messages of %d bytes, and this node was started for %d (max_payload): start it again",
			most, c.payload.Load())
	}
	return c.connectOwn(nc, way)
}

// checkURLs finds mistakes that would otherwise show as a bus that never connects. It returns
// the list without user names and passwords. The scheme of a URL without one is nats.
func checkURLs(list string) (shown string, err error) {
	login := strings.Contains(list, "@")
	given := strings.Split(list, ",")
	var all []string
	for i, text := range given {
		text = strings.TrimSpace(text)
		full := text
		if !strings.Contains(text, "://") {
			full = "nats://" + text
		}
		u, err := url.Parse(full)
		switch {
		case err == nil && isServer(u) && !(login && len(given) > 1 && u.Port() == ""):
			if u.User != nil {
				u.User = url.User("xxxxx")
			}
			all = append(all, u.String())
		case login: // any part may belong to a password that is not escaped
			return "", fmt.Errorf("NATS URL %d: want nats://user:password@host:4222, with %%-escapes for what is special in a URL", i+1)
		case err != nil:
			return "", fmt.Errorf("NATS URL: %w", err)
		default:
			return "", fmt.Errorf("NATS URL %q: want nats://host:4222 or tls://host:4222", text)
		}
	}
	return strings.Join(all, ","), nil
}

// isServer reports that a URL names a server, without a path.
func isServer(u *url.URL) bool {
	return u.Hostname() != "" && (u.Scheme == "nats" || u.Scheme == "tls") &&
		strings.Trim(u.Path, "/") == "" && u.RawQuery == "" && u.Fragment == ""
}
