package bus

// Trouble says why a link has no connection, as far as this end can tell. The
// words are for people and for labels of metrics; Link.Err has the details.
type Trouble string

// The troubles.
const (
	NoTrouble    Trouble = ""                                    // connected, or the first try has not ended
	NoAnswer     Trouble = "no answer"                           // the dial timed out, or the other end says nothing
	Refused      Trouble = "connection refused"                  // the machine is there and nobody listens
	NoRoute      Trouble = "no route"                            // the network knows no way to the address, or this machine forbids it
	NoName       Trouble = "name not found"                      // the host name resolves to nothing
	WrongNode    Trouble = "another node is there"               // of this cluster, with another id
	OtherCluster Trouble = "a node of another cluster is there"  // its cluster has another name
	WrongSecret  Trouble = "another secret or authority"         // one end does not accept the other's certificate
	NotCohort    Trouble = "not a cohort node"                   // something else listens there
	NoTLS        Trouble = "only one side encrypts"              // a node with a secret or certificates met one without
	Closed       Trouble = "closed by the other side"            // there was a connection and it broke
	BadLogin     Trouble = "login refused"                       // by an outside NATS cluster
	SmallPayload Trouble = "the server takes too small messages" // an outside NATS cluster's max_payload
	Failed       Trouble = "failed"                              // anything else
)

// Absent reports a trouble that passes when the other end comes back: nothing is
// wrong with what either end was told.
func (t Trouble) Absent() bool {
	switch t {
	case NoTrouble, NoAnswer, Refused, NoRoute, NoName, Closed:
		return true
	}
	return false
}

// Stranger reports that another one than the wanted node is at the address.
func (t Trouble) Stranger() bool {
	return t == WrongNode || t == OtherCluster || t == WrongSecret || t == NotCohort || t == NoTLS
}
