package bus

// FailureCause is the cause for which a link has no connection, as far as this end can tell.
// The texts are for logs and for labels of metrics; Link.Err has the details.
type FailureCause string

// The causes.
const (
	NoFailure    FailureCause = ""                                    // connected, or the first attempt has not ended
	NoAnswer     FailureCause = "no answer"                           // the dial timed out, or the other end sends nothing
	Refused      FailureCause = "connection refused"                  // the machine answers, but no process listens
	NoRoute      FailureCause = "no route"                            // there is no route to the address, or this machine forbids its use
	NoName       FailureCause = "name not found"                      // the host name resolves to nothing
	WrongNode    FailureCause = "another node is there"               // of this cluster, with another id
	OtherCluster FailureCause = "a node of another cluster is there"  // its cluster has another name
	WrongSecret  FailureCause = "another secret or authority"         // one end does not accept the other's certificate
	NotCohort    FailureCause = "not a cohort node"                   // another program listens there
	NoTLS        FailureCause = "only one side encrypts"              // one node has a secret or certificates, the other has none
	Closed       FailureCause = "closed by the other side"            // an established connection broke
	BadLogin     FailureCause = "login refused"                       // by an outside NATS cluster
	SmallPayload FailureCause = "the server takes too small messages" // an outside NATS cluster's max_payload
	Failed       FailureCause = "failed"                              // any other cause
)

// Absent reports whether the failure ends when the other end comes back. The settings of both
// ends are right then.
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
