package bus

import "time"

// Stats are the counters of one Conn since it was made. They are for metrics only. The
// protocols decide by hellos whether a node is reachable.
type Stats struct {
	Sent        uint64 // messages handed to a connection, one for each receiver of a broadcast
	Dropped     uint64 // messages that Send refused, because of the peer or the connection
	Received    uint64 // messages given to the handler
	Overruns    uint64 // number of times that messages were lost here because the handler was too slow
	Connects    uint64 // connections made, first ones and later ones
	Disconnects uint64 // connections that broke
	Strangers   uint64 // connections closed because another node answered
	AsyncErrors uint64 // errors that NATS reported asynchronously
	TooLarge    uint64 // messages that Send refused because of their size
	Home        Link   // to the own server, or to the outside cluster
	Peers       []Link // in embedded mode
}

// Link is the state of one connection.
type Link struct {
	Peer
	Connected bool
	Why       FailureCause // not connected: the cause of the last failure
	Since     time.Time    // when it was connected, or when Why began
	Backlog   int          // bytes that the socket has not taken yet
	Err       error        // not connected: the error behind Why; nil before the first attempt has ended
}

// Reporter is a Conn that counts.
type Reporter interface {
	Stats() Stats
}
