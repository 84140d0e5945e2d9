package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"sync"

	"github.com/cohortkv/cohort/api"
	"github.com/cohortkv/cohort/bus"
	"github.com/cohortkv/cohort/node/ids"
)

// network is the network between the nodes of a demo. Its HTTP handler cuts nodes off.
// Messages from and to a cut node are lost without an error, as if its cable were pulled.
type network struct {
	nodes int

	mu struct {
		sync.Mutex
		cut map[ids.Node]bool // from all others
	}
}

// connect wraps the bus of a node, so that the network can be cut.
func (n *network) connect(id ids.Node, conn bus.Conn) bus.Conn {
	return &plug{Conn: conn, id: id, network: n}
}

func (n *network) parted(a, b ids.Node) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return a != b && (n.mu.cut[a] || n.mu.cut[b])
}

// set replaces the nodes that are cut off.
func (n *network) set(cut map[ids.Node]bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.mu.cut = cut
}

// plug is one node's end of the network: its bus, behind the cuts.
type plug struct {
	bus.Conn
	id      ids.Node
	network *network
}

// Send implements bus.Conn. Nodes address everything that they send.
func (p *plug) Send(e bus.Envelope) error {
	if p.network.parted(p.id, e.To) {
		return nil
	}
	return p.Conn.Send(e)
}

// handler serves POST /cut/<node> and POST /heal. It refuses requests that a web page makes
// through a browser of this machine.
func (n *network) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /cut/{node}", func(w http.ResponseWriter, r *http.Request) {
		id, err := strconv.Atoi(r.PathValue("node"))
		if err != nil || id < 0 || id >= n.nodes {
			http.Error(w, fmt.Sprintf("nodes are 0 to %d", n.nodes-1), http.StatusNotFound)
			return
		}
		n.set(map[ids.Node]bool{ids.Node(id): true})
		fmt.Fprintf(w, "node %d is cut off\n", id)
	})
	mux.HandleFunc("POST /heal", func(w http.ResponseWriter, _ *http.Request) {
		n.set(nil)
		fmt.Fprintln(w, "all nodes reach one another")
	})
	return ownNames(http.NewCrossOriginProtection().Handler(mux))
}

// ownNames accepts only requests to names of this machine. A web page could point its own
// host name at 127.0.0.1 (DNS rebinding).
func ownNames(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !api.IsLoopbackHost(r.Host) {
			http.Error(w, "Host is not a name of this machine", http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// serve answers on the listener until ctx ends.
func (n *network) serve(ctx context.Context, ln net.Listener) error {
	server := &http.Server{Handler: n.handler()}
	defer context.AfterFunc(ctx, func() { _ = server.Close() })()
	if err := server.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("the network's switch: %w", err)
	}
	return nil
}
