package embedded

import (
	"github.com/nats-io/nats-server/v2/server"

	"github.com/cohortkv/cohort/bus"
)

// authenticator decides the rights of each connection to the server. With credentials, the
// TLS handshake has authenticated the caller before. Without, the server believes the name
// that the caller gives.
type authenticator struct {
	cfg      Config
	subjects bus.Subjects
	log      *natsLog
}

// Check implements server.Authentication.
func (d *authenticator) Check(c server.ClientAuthentication) bool {
	if a := c.RemoteAddress(); a != nil && a.Network() == "pipe" {
		admit(c, "owner", d.subjects.Owner(d.cfg.Node))
		return true
	}
	caller, err := d.caller(c)
	if err != nil {
		return false // the server logs the refusal and the name
	}
	if caller.Cluster != d.cfg.Cluster {
		// The caller is accepted without any right, so that it can read the server's name.
		d.log.stranger(c.RemoteAddress(), caller)
		admit(c, caller.String(), bus.Rights{})
		return true
	}
	admit(c, caller.String(), d.subjects.Caller(d.cfg.Node, caller.Node))
	return true
}

func (d *authenticator) caller(c server.ClientAuthentication) (bus.NodeName, error) {
	if d.cfg.Credentials == nil {
		return bus.ParseNodeName(c.GetOpts().Username)
	}
	state := c.GetTLSConnectionState()
	if state == nil || len(state.PeerCertificates) == 0 {
		return bus.NodeName{}, bus.Refuse(bus.NotCohort, "no certificate")
	}
	return bus.CertificateName(state.PeerCertificates[0])
}

func admit(c server.ClientAuthentication, name string, r bus.Rights) {
	c.RegisterUser(&server.User{Username: name, Permissions: &server.Permissions{
		Publish: only(r.Publish), Subscribe: only(r.Subscribe),
	}})
}

// only allows these subjects; none at all when there are none.
func only(subjects []string) *server.SubjectPermission {
	if len(subjects) == 0 {
		return &server.SubjectPermission{Deny: []string{">"}}
	}
	return &server.SubjectPermission{Allow: subjects}
}
