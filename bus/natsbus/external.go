package natsbus

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/nats-io/nats.go"

	"github.com/cohortkv/cohort/bus"
	"github.com/cohortkv/cohort/node/wire"
)

// leastPayload is the smallest payload that a node can work with: a message
// between nodes holds a value and what must go with it, or what is known of many
// nodes.
const leastPayload = 32 << 10

// External gives a node access to a NATS cluster that exists already, named by
// one URL or several, separated by commas. It need not be up yet: External waits
// for the first try only, to learn how large a message may be. Broadcasts reach
// whoever listens: Reach has no effect.
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
	// A broadcast must not come back to its sender. What is for the node itself
	// never goes out (deliverLocal), so nothing needs an echo.
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

// enter takes a new connection to the outside cluster. The first one decides how
// large messages may be; a node whose values may be larger than a later one takes
// stays outside until it is started again.
func (c *Conn) enter(nc *nats.Conn, way *connecting) (wire.NodeID, error) {
	most := min(nc.MaxPayload(), bus.MaxPayload)
	switch {
	case most < leastPayload:
		return 0, bus.Refuse(bus.SmallPayload, "the NATS server takes messages of %d bytes, and nodes need at least %d (max_payload)", most, leastPayload)
	case !c.settled.Load():
		c.payload.Store(most)
	case most < c.payload.Load():
		return 0, bus.Refuse(bus.SmallPayload, "the NATS server takes messages of %d bytes, and this node was started for %d (max_payload): start it again",
			most, c.payload.Load())
	}
	return c.comeHome(nc, way)
}

// checkURLs finds mistakes that would otherwise show as a bus that is never
// there, and returns the list without its passwords. A URL without a scheme is a
// NATS one.
func checkURLs(list string) (shown string, err error) {
	var all []string
	for given := range strings.SplitSeq(list, ",") {
		given = strings.TrimSpace(given)
		full := given
		if !strings.Contains(given, "://") {
			full = "nats://" + given
		}
		u, err := url.Parse(full)
		if err != nil {
			if parse := (*url.Error)(nil); errors.As(err, &parse) {
				err = parse.Err // it would show the whole URL
			}
			return "", fmt.Errorf("NATS URL %q: %w", withoutLogin(given), err)
		}
		if u.Hostname() == "" || u.Scheme != "nats" && u.Scheme != "tls" {
			return "", fmt.Errorf("NATS URL %q: want nats://host:4222 or tls://host:4222", withoutLogin(given))
		}
		all = append(all, redact(u))
	}
	return strings.Join(all, ","), nil
}

// redact is a URL without what logs in. A user name alone is a token.
func redact(u *url.URL) string {
	shown := *u
	if shown.User != nil {
		if _, hasPassword := shown.User.Password(); !hasPassword {
			shown.User = url.User("xxxxx")
		}
	}
	return shown.Redacted()
}

// withoutLogin is for what may be no URL at all.
func withoutLogin(given string) string {
	if i := strings.LastIndexByte(given, '@'); i >= 0 {
		return "…" + given[i:]
	}
	return given
}
