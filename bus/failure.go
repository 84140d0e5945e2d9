package bus

// FailureCause says why a link has no connection, as far as this end can tell. The
// words are for people and for labels of metrics; Link.Err has the details.
type FailureCause string

// The causes.
const (
	NoFailure    FailureCause = ""                                    // connected, or the first try has not ended
	NoAnswer     FailureCause = "no answer"                           // the dial timed out, or the other end says nothing
	Refused      FailureCause = "connection refused"                  // the machine is there and nobody listens
	NoRoute      FailureCause = "no route"                            // the network knows no way to the address, or this machine forbids it
	NoName       FailureCause = "name not found"                      // the host name resolves to nothing
	WrongNode    FailureCause = "another node is there"               // of this cluster, with another id
	OtherCluster FailureCause = "a node of another cluster is there"  // its cluster has another name
	WrongSecret  FailureCause = "another secret or authority"         // one end does not accept the other's certificate
	NotCohort    FailureCause = "not a cohort node"                   // something else listens there
	NoTLS        FailureCause = "only one side encrypts"              // a node with a secret or certificates met one without
	Closed       FailureCause = "closed by the other side"            // there was a connection and it broke
	BadLogin     FailureCause = "login refused"                       // by an outside NATS cluster
	SmallPayload FailureCause = "the server takes too small messages" // an outside NATS cluster's max_payload
	Failed       FailureCause = "failed"                              // anything else
)

// Absent reports whether the failure ends when the other end comes back: the settings of
// both ends are right.
func (t FailureCause) Absent() bool {
	switch t {
	case NoFailure, NoAnswer, Refused, NoRoute, NoName, Closed:
		return true
	}
	return false
}

// WrongPeer reports whether a node other than the wanted one is at the address.
func (t FailureCause) WrongPeer() bool {
	return t == WrongNode || t == OtherCluster || t == WrongSecret || t == NotCohort || t == NoTLS
}
