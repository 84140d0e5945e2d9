package front

import (
	"time"

	"github.com/cohortkv/cohort/api"
)

// Limits bounds what all clients together may take of a node. A zero value means
// the default.
type Limits struct {
	Connections           int   // open at a time; default: 16384, or what the limit on open files leaves room for
	ConnectionsPerAddress int   // of one IP address, or one /64 of IPv6; default: three quarters of Connections
	RequestBytes          int64 // bytes that all requests under way hold together; default: 256 MiB
	ValueBytes            int   // bytes of one value; default: api.MaxValue
	Dumps                 int   // GET /data answers that are streamed at a time; default: 16
	StoreBytes            int64 // bytes that the store may hold; a put beyond it gets 507; 0: no bound
	DumpBytes             int64 // bytes of overwritten values that one such answer may keep in memory; default: RequestBytes
}

// What a request may take of its connection. A request that waits for the node is
// bound by none of these times.
const (
	headerLimit = 16 << 10         // bytes of request line and headers; 414, 431
	readTimeout = 30 * time.Second // for a whole request to arrive, from its first byte; 408
	idleTimeout = 3 * time.Minute  // between requests; the connection is closed
)

func (l Limits) withDefaults() Limits {
	if l.RequestBytes <= 0 {
		l.RequestBytes = 256 << 20
	}
	if l.ValueBytes <= 0 {
		l.ValueBytes = api.MaxValue
	}
	if l.Dumps <= 0 {
		l.Dumps = 16
	}
	if l.DumpBytes <= 0 {
		l.DumpBytes = l.RequestBytes
	}
	return l
}
