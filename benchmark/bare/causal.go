package bare

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"hash/maphash"
	"net/http"

	"github.com/valyala/fasthttp"

	"github.com/cohortkv/cohort/api"
)

// A single store is causally consistent without sessions. bare has sessions because clients
// of cohort carry them. They are as long as those of cohort, but are only read and written
// back. A session is the list of the keys that its client has seen, oldest first.
const (
	nameSize = 16  // characters of a name: about as many as one key takes in cohort's text
	maxKeys  = 128 // keys in a session of cohort at most
)

var errSession = errors.New("that is no session of bare")

// checkSession reads every character, as cohort's checksum does.
func checkSession(text []byte) error {
	if len(text)%nameSize != 0 || len(text) > maxKeys*nameSize {
		return errSession
	}
	for _, c := range text {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return errSession
		}
	}
	return nil
}

// appendSession appends the session had, with the key of this name added.
func appendSession(dst, had []byte, name [nameSize]byte) []byte {
	start := len(dst)
	for ; len(had) > 0; had = had[nameSize:] {
		if !bytes.Equal(had[:nameSize], name[:]) {
			dst = append(dst, had[:nameSize]...)
		}
	}
	dst = append(dst, name[:]...)
	if over := len(dst) - start - maxKeys*nameSize; over > 0 {
		dst = append(dst[:start], dst[start+over:]...)
	}
	return dst
}

// name is a key's name in sessions.
func (s *store) name(key []byte) (name [nameSize]byte) {
	var sum [nameSize / 2]byte
	binary.BigEndian.PutUint64(sum[:], maphash.Bytes(s.seed, key))
	hex.Encode(name[:], sum[:])
	return name
}

func (s *Server) causalV1(ctx *fasthttp.RequestCtx, raw []byte) {
	had := ctx.Request.Header.Peek(api.HeaderSession)
	if err := checkSession(had); err != nil {
		refuse(ctx, err)
		return
	}
	show(ctx, headerNode, valueNode)
	show(ctx, headerView, valueView)
	switch {
	case ctx.IsPut():
		if num, ok := s.put(ctx, raw); ok {
			showCausalVersion(ctx, num)
			s.showSession(ctx, raw, had)
		}
	case ctx.IsDelete():
		if _, _, err := s.store.remove(raw); err != nil {
			refuse(ctx, err)
			return
		}
		ctx.SetStatusCode(http.StatusNoContent)
		s.showSession(ctx, raw, had)
	case ctx.IsGet():
		s.getCausalKey(ctx, raw, had)
	default:
		refuseMethod(ctx)
	}
}

func (s *Server) getCausalKey(ctx *fasthttp.RequestCtx, raw, had []byte) {
	r, _, found, err := s.store.get(raw)
	if err != nil {
		refuse(ctx, err)
		return
	}
	if !found {
		show(ctx, headerSession, had)
		showProblem(ctx)
		return
	}
	s.showSession(ctx, raw, had)
	showCausalVersion(ctx, r.num)
	showValue(ctx, &r)
}

// showSession sets the header of a client that had a session, and now also knows
// the key.
func (s *Server) showSession(ctx *fasthttp.RequestCtx, raw, had []byte) {
	buf := scratch.Get().(*[]byte)
	*buf = s.appendSeen((*buf)[:0], raw, had)
	show(ctx, headerSession, *buf)
	scratch.Put(buf)
}

// appendSeen is appendSession for the key of a path. The path was checked before.
func (s *Server) appendSeen(dst, raw, had []byte) []byte {
	buf := scratch.Get().(*[]byte)
	defer scratch.Put(buf)
	*buf, _ = api.AppendKey((*buf)[:0], raw)
	return appendSession(dst, had, s.store.name(*buf))
}

func showCausalVersion(ctx *fasthttp.RequestCtx, num uint64) {
	buf := scratch.Get().(*[]byte)
	*buf = api.CausalVersion{Counter: num, N: num}.AppendETag((*buf)[:0])
	show(ctx, headerETag, *buf)
	scratch.Put(buf)
	showNumber(ctx, headerVersion, num)
}

// causalClassic serves /data if the default bucket is causal.
func (s *Server) causalClassic(ctx *fasthttp.RequestCtx, raw []byte) {
	body, err := api.ParseCausalBody(ctx.PostBody())
	if err == nil {
		err = checkSession(body.Session)
	}
	if err != nil {
		refuse(ctx, err)
		return
	}
	switch {
	case ctx.IsPut() && body.Value == nil:
		refuse(ctx, api.ErrNoValue)
	case ctx.IsPut():
		_, _, err := s.store.put(raw, body.Value, api.TypeText)
		s.causalAnswer(ctx, err, http.StatusOK, raw, body.Session, openObject)
	case ctx.IsDelete():
		_, _, err := s.store.remove(raw)
		s.causalAnswer(ctx, err, http.StatusOK, raw, body.Session, openObject)
	case ctx.IsGet():
		r, _, found, err := s.store.get(raw)
		if err == nil && !found {
			s.causalAnswer(ctx, nil, http.StatusNotFound, nil, body.Session, func(dst []byte) []byte {
				return append(dst, `{"error":"no such key",`...)
			})
			return
		}
		s.causalAnswer(ctx, err, http.StatusOK, raw, body.Session, func(dst []byte) []byte {
			dst, _ = api.AppendString(append(dst, `{"value":`...), r.value)
			return append(dst, ',')
		})
	default:
		refuseMethod(ctx)
	}
}

func openObject(dst []byte) []byte { return append(dst, '{') }

// causalAnswer answers with a JSON object. head writes its beginning. The client's
// session, with the key added unless raw is nil, is its last member.
func (s *Server) causalAnswer(ctx *fasthttp.RequestCtx, err error, status int, raw, had []byte, head func([]byte) []byte) {
	if err != nil {
		refuse(ctx, err)
		return
	}
	ctx.SetStatusCode(status)
	ctx.Response.Header.SetContentType(api.TypeJSON)
	show(ctx, headerNodeID, valueNode)
	session := func(dst []byte) []byte { return s.appendSeen(dst, raw, had) }
	switch {
	case raw == nil && len(had) == 0:
		session = nil
	case raw == nil:
		session = func(dst []byte) []byte { return append(dst, had...) }
	}
	buf := scratch.Get().(*[]byte)
	*buf = append(head((*buf)[:0]), `"causal-metadata":`...)
	*buf = append(api.AppendMetadata(*buf, session), '}')
	ctx.Response.SetBody(*buf)
	scratch.Put(buf)
}
