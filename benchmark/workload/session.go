package workload

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"sync/atomic"

	"github.com/valyala/fasthttp"

	"github.com/cohortkv/cohort/api"
	"github.com/cohortkv/cohort/benchmark/history"
)

// seen is the context of a causal client: the text of its last answer, and the name of that
// answer.
type seen struct {
	text    []byte // the header of v1, or the JSON of classic metadata; empty: none
	from    history.OpID
	body    []byte // memory for the body of a classic request, reused
	longest int
	wrong   error // set if an answer had no context, or one that is too large
}

// maxSeen bounds the context that a client carries, in bytes.
const maxSeen = 4 << 10

// exchangeSlots hold copies of contexts that clients leave for one another.
type exchangeSlots [8]atomic.Pointer[leftSession]

type leftSession struct {
	text []byte // never changed
	from history.OpID
}

// exchangeSession sometimes lets a client drop its context, leave a copy, or take one. Two
// clients with the same context are one session that forks.
func (c *client) exchangeSession() {
	s := &c.seen
	switch n := c.rng.IntN(100); {
	case n < c.run.cfg.Fresh:
		s.text, s.from = s.text[:0], 0
	case n < c.run.cfg.Fresh+c.run.cfg.Handover:
		place := &c.run.exchange[c.rng.IntN(len(c.run.exchange))]
		if left := place.Load(); left != nil && c.rng.IntN(2) == 0 {
			s.text, s.from = append(s.text[:0], left.text...), left.from
		} else if s.from != 0 {
			place.Store(&leftSession{bytes.Clone(s.text), s.from})
		}
	}
}

const metadataName = `"causal-metadata":`

// sendSession adds the client's session to a request.
func (c *client) sendSession(op *history.Op, req *fasthttp.Request) {
	s := &c.seen
	op.Parent = s.from
	if c.run.cfg.Surface == V1 {
		req.Header.Del(api.HeaderSession)
		if len(s.text) > 0 {
			req.Header.SetBytesV(api.HeaderSession, s.text)
		}
		return
	}
	metadata := s.text
	if len(metadata) == 0 {
		metadata = fresh
	}
	s.body = append(s.body[:0], '{')
	if op.Kind == history.Put {
		s.body = append(append(s.body[:0], c.json[:len(c.json)-1]...), ',')
	}
	s.body = append(append(append(s.body, metadataName...), metadata...), '}')
	req.Header.SetContentType(api.TypeJSON)
	req.SetBodyRaw(s.body)
}

var fresh = []byte("{}")

// takeSession takes the client's new context from an answer. It returns the rest of a
// classic body.
func (c *client) takeSession(op *history.Op, body []byte) (rest []byte) {
	s, text := &c.seen, c.resp.Header.Peek(api.HeaderSession)
	if c.run.cfg.Surface == Classic {
		text, body = cutMetadata(body)
	}
	if len(text) == 0 && (op.Status != http.StatusNotFound || len(s.text) > 0) {
		s.wrong = fmt.Errorf("%v: the answer does not say what its client has seen", op)
	} else if len(text) >= maxSeen {
		s.wrong = fmt.Errorf("%v: what the client has seen takes %d bytes", op, len(text))
	}
	s.text, s.longest = append(s.text[:0], text...), max(s.longest, len(text))
	op.ID = c.log.NextID()
	s.from = op.ID
	return body
}

// cutMetadata takes the metadata from a classic answer, in which it is last.
func cutMetadata(body []byte) (metadata, rest []byte) {
	at := bytes.LastIndex(body, []byte(metadataName))
	if at < 0 {
		return nil, body
	}
	metadata = bytes.TrimSuffix(bytes.TrimSpace(body[at+len(metadataName):]), []byte("}"))
	if !json.Valid(metadata) {
		return nil, body
	}
	rest = bytes.TrimSuffix(bytes.TrimSpace(body[:at]), []byte(","))
	return metadata, append(rest[:len(rest):len(rest)], '}')
}
