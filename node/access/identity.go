package access

import (
	"bytes"
	"crypto/tls"
	"encoding/base64"
)

// Identity is the party that uses one connection. A client sends the same token with
// each request of a connection, so the party is looked up once. What was found is
// valid as long as the tokens are the same. The zero value has looked up nothing. An
// Identity has one user at a time.
type Identity struct {
	tokens *Tokens
	asked  bool
	header []byte // Authorization
	party  *Party
}

// Of is Identify, which it calls only if header or tokens differ from those of the
// last call.
func (i *Identity) Of(tokens *Tokens, header []byte, encrypted *tls.Conn) *Party {
	if i.asked && i.tokens == tokens && bytes.Equal(i.header, header) {
		return i.party
	}
	*i = Identity{tokens, true, append(i.header[:0], header...), Identify(tokens, header, encrypted)}
	return i.party
}

// Identify returns the party that has the token of an Authorization header or, if
// there is no header, the certificate of the connection; nil if it is unknown.
// tokens and encrypted may be nil.
func Identify(tokens *Tokens, header []byte, encrypted *tls.Conn) *Party {
	if len(header) > 0 {
		if tokens == nil {
			return nil
		}
		return tokens.Token(tokenOf(header))
	}
	if encrypted == nil {
		return nil
	}
	state := encrypted.ConnectionState()
	if len(state.VerifiedChains) == 0 {
		return nil
	}
	subject := state.PeerCertificates[0].Subject
	if tokens == nil {
		return Everything(subject.String())
	}
	return tokens.Certificate(subject.CommonName)
}

// tokenOf is the token of an Authorization header, empty if there is none.
func tokenOf(header []byte) []byte {
	scheme, rest, _ := bytes.Cut(header, []byte{' '})
	rest = bytes.TrimSpace(rest)
	switch {
	case bytes.EqualFold(scheme, []byte("bearer")):
		return rest
	case bytes.EqualFold(scheme, []byte("basic")):
		pair, err := base64.StdEncoding.AppendDecode(nil, rest)
		if err != nil {
			return nil
		}
		_, password, _ := bytes.Cut(pair, []byte{':'})
		return password
	}
	return nil
}
