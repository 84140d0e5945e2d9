package embedded

import (
	"github.com/nats-io/nats-server/v2/server"

	"github.com/cohortkv/cohort/bus"
)

// authenticator decides what each connection to the server may do. With credentials the
// TLS handshake has proved by then who calls; without, callers are who they say.
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
		return false // the server logs that, and the name that was given
	}
	if caller.Cluster != d.cfg.Cluster {
		// It is let in without any right, so that it reads whose server this is.
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
