package bus

import "time"

// Stats counts what one Conn has done since it was made. It is for metrics:
// nothing may be decided by it (reachability is judged by hellos).
type Stats struct {
	Sent        uint64 // messages handed to a connection, one for each receiver of a broadcast
	Dropped     uint64 // messages that Send refused, because of the peer or the connection
	Received    uint64 // messages given to the handler
	Overruns    uint64 // times that messages were lost here because the handler fell behind
	Connects    uint64 // connections made, first ones and later ones
	Disconnects uint64 // connections that broke
	Strangers   uint64 // connections given up because another node answered
	AsyncErrors uint64 // errors that NATS reported by the way
	TooLarge    uint64 // messages that Send refused, because no server takes them
	Home        Link   // to the own server, or to the outside cluster
	Peers       []Link // in embedded mode
}

// Link is the state of one connection.
type Link struct {
	Peer
	Connected bool
	Why       FailureCause // not connected: why the last try failed
	Since     time.Time    // when it was connected, or when Why began
	Backlog   int          // bytes that the socket has not taken yet
	Err       error        // not connected: what Why was seen by; nil before the first try has ended
}

// Reporter is a Conn that counts.
type Reporter interface {
	Stats() Stats
}
