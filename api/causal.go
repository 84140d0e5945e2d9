package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
)

// A session is what a client of causal buckets has seen, as text that only nodes
// can read. On v1 it is a header. On /data it is the causal metadata
//
//	{"session":"…"}
//
// or {} for a client that has seen nothing. The metadata is an object because a new
// client sends an object, and clients in typed languages want the answer to have
// the same type.

// CausalBody is the content of the body of a classic request to a causal bucket.
type CausalBody struct {
	Value    []byte // of a PUT; nil: the body has no value
	Metadata bool   // the body has causal metadata, so that of the header does not count
	Session  []byte // empty: the client has seen nothing
}

// ErrBadMetadata is the error for causal metadata that no node made.
var ErrBadMetadata = errors.New(`the causal metadata was not made by a node: send back what the last answer had as "causal-metadata", or {}`)

// ParseCausalBody reads the body of a classic request to a causal bucket,
//
//	{"value":"…","causal-metadata":{"session":"…"}}
//
// Both members are optional, and so is the body. Other members are ignored. The
// result may share memory with body. Common bodies are parsed without
// encoding/json.
func ParseCausalBody(body []byte) (CausalBody, error) {
	if len(body) == 0 {
		return CausalBody{}, nil
	}
	if b, ok := parsePlainCausal(body); ok {
		return b, nil
	}
	members, err := parseObject(body)
	if err != nil {
		return CausalBody{}, err
	}
	var b CausalBody
	if raw, present := members["value"]; present {
		if b.Value, err = parseString(raw); err != nil {
			return CausalBody{}, err
		}
	}
	if raw, present := members["causal-metadata"]; present {
		b.Metadata = true
		if b.Session, err = ParseMetadata(raw); err != nil {
			return CausalBody{}, err
		}
	}
	return b, nil
}

// ParseMetadata reads causal metadata. It accepts the object, the session alone
// with or without quotes, and null or {} for a new client. It does not check the
// session. The result may share memory with text.
func ParseMetadata(text []byte) (session []byte, err error) {
	text = bytes.TrimSpace(text)
	if session, ok := plainSession(text); ok {
		return session, nil
	}
	switch {
	case string(text) == "null" || string(text) == "{}":
		return nil, nil
	case len(text) == 0:
		return nil, ErrBadMetadata
	case text[0] == '{':
		var members map[string]string
		if err := json.Unmarshal(text, &members); err == nil && len(members) == 0 {
			return nil, nil
		}
		if len(members) == 1 {
			session = []byte(members["session"])
		}
	case text[0] == '"':
		var quoted string
		_ = json.Unmarshal(text, &quoted) // not a string: empty
		session = []byte(quoted)
	default:
		session = text
	}
	if len(session) == 0 {
		return nil, ErrBadMetadata
	}
	return session, nil
}

const metadataHead = `{"session":"`

// plainSession finds the session in metadata that is written as nodes write it. ok
// is false for any other spelling.
func plainSession(text []byte) (session []byte, ok bool) {
	if !bytes.HasPrefix(text, []byte(metadataHead)) {
		return nil, false
	}
	session, rest, ok := cutPlainString(text[len(metadataHead)-1:])
	return session, ok && len(session) > 0 && string(rest) == "}"
}

// AppendMetadata appends causal metadata. session appends the session; nil stands
// for a client that has seen nothing. A session has no byte that JSON would escape.
func AppendMetadata(dst []byte, session func([]byte) []byte) []byte {
	if session == nil {
		return append(dst, "{}"...)
	}
	dst = session(append(dst, metadataHead...))
	return append(dst, `"}`...)
}

// parseString reads a JSON string whose value is valid text.
func parseString(raw json.RawMessage) ([]byte, error) {
	if raw[0] != '"' {
		return nil, ErrValueType
	}
	if loneSurrogate(raw) {
		return nil, ErrValueNoText
	}
	var value string
	if err := json.Unmarshal(raw, &value); err != nil {
		return nil, fmt.Errorf("%w: %v", ErrValueType, err)
	}
	return []byte(value), nil
}

// parsePlainCausal reads a body that has only the two members, each at most once,
// in any order and without escapes. If ok is false, the body may still be valid.
func parsePlainCausal(body []byte) (b CausalBody, ok bool) {
	rest, ok := cutToken(skipSpace(body), `{`)
	if !ok {
		return b, false
	}
	for first := true; ; first = false {
		if end, closed := cutToken(rest, `}`); closed {
			return b, len(end) == 0 && !first
		}
		if !first {
			if rest, ok = cutToken(rest, `,`); !ok {
				return b, false
			}
		}
		if rest, ok = b.plainMember(rest); !ok {
			return b, false
		}
	}
}

// plainMember reads one of the two members at the front of rest.
func (b *CausalBody) plainMember(rest []byte) ([]byte, bool) {
	if after, ok := cutName(rest, `"value"`); ok && b.Value == nil {
		b.Value, rest, ok = cutPlainString(after)
		return rest, ok
	}
	after, ok := cutName(rest, `"causal-metadata"`)
	if !ok || b.Metadata {
		return nil, false
	}
	b.Metadata = true
	for _, fresh := range [...]string{`{}`, `null`} {
		if rest, ok := cutToken(after, fresh); ok {
			return rest, true
		}
	}
	if rest, ok = cutToken(after, `{`); !ok {
		return nil, false
	}
	if rest, ok = cutName(rest, `"session"`); !ok {
		return nil, false
	}
	session, rest, ok := cutPlainString(rest)
	if !ok || len(session) == 0 {
		return nil, false
	}
	b.Session = session
	return cutToken(rest, `}`)
}

// cutName removes the name of a member and its colon from the front.
func cutName(b []byte, name string) ([]byte, bool) {
	rest, ok := cutToken(b, name)
	if !ok {
		return nil, false
	}
	return cutToken(rest, `:`)
}

// cutPlainString removes a string without escapes, and the white space after it,
// from the front. s is nil only if ok is false.
func cutPlainString(b []byte) (s, rest []byte, ok bool) {
	if rest, ok = cutByte(b, '"'); !ok {
		return nil, nil, false
	}
	end := 0
	for end < len(rest) && plainByte[rest[end]] {
		end++
	}
	s = rest[:end]
	rest, ok = cutToken(rest[end:], `"`)
	return s, rest, ok
}

// CausalVersion identifies a version of a key in a causal bucket. Its text is the
// ETag.
type CausalVersion struct {
	Counter     uint64 // of the key; the version with the larger counter wins
	Node        uint64 // that accepted the write
	N           uint64 // position of the write among that node's writes
	Fingerprint uint32 // of the view, and of the boot of the node, in which it accepted the write
}

// AppendETag appends the version as an entity tag: "<counter>.<node>.<n>-<8 hex
// digits>", with the quotes.
func (v CausalVersion) AppendETag(dst []byte) []byte {
	dst = strconv.AppendUint(append(dst, '"'), v.Counter, 10)
	dst = strconv.AppendUint(append(dst, '.'), v.Node, 10)
	dst = strconv.AppendUint(append(dst, '.'), v.N, 10)
	dst = appendHex32(append(dst, '-'), v.Fingerprint)
	return append(dst, '"')
}
