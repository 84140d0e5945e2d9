package front

import (
	"bytes"
	"errors"

	"github.com/valyala/fasthttp"

	"github.com/cohortkv/cohort/api"
	"github.com/cohortkv/cohort/node/wire"
)

// What the conditions of a write can have wrong.
var (
	errTwoConditions = errors.New("If-Match and If-None-Match together ask for nothing")
	errIfMatch       = errors.New(`If-Match takes * or one entity tag, such as "17-0a1b2c3d"`)
	errIfNoneMatch   = errors.New("If-None-Match takes only * on a PUT, and nothing on a DELETE")
)

// readCondition makes If-Match and If-None-Match part of a write.
func readCondition(h *fasthttp.RequestHeader, op *wire.Op) error {
	match, none := h.Peek(api.HeaderIfMatch), h.Peek(api.HeaderIfNoneMatch)
	switch {
	case len(match) == 0 && len(none) == 0:
	case len(match) > 0 && len(none) > 0:
		return errTwoConditions
	case len(none) > 0:
		if string(none) != "*" || op.Kind != wire.OpPut {
			return errIfNoneMatch
		}
		op.Condition = wire.IfAbsent
	case string(match) == "*":
		op.Condition = wire.IfPresent
	default:
		if len(h.PeekAll(api.HeaderIfMatch)) > 1 || !isTag(match) {
			return errIfMatch
		}
		op.Condition = wire.IfVersion
		if v, ours := api.ParseETag(string(match)); ours {
			op.Match = wire.Version(v)
		} // a tag that we never gave is no key's: the zero version is none either
	}
	return nil
}

// isTag reports one entity tag, strong or weak (RFC 9110 §8.8.3).
func isTag(b []byte) bool {
	b = bytes.TrimPrefix(b, []byte("W/"))
	return len(b) >= 2 && b[0] == '"' && bytes.IndexByte(b[1:], '"') == len(b)-2
}

// permits reports whether a read may be answered in full: the header is absent,
// or names the tag (wanted) or does not (not wanted). If-None-Match compares
// weakly, If-Match does not (RFC 9110 §13.1).
func permits(header, etag []byte, wanted bool) bool {
	if len(header) == 0 {
		return true
	}
	for rest := header; len(rest) > 0; {
		var tag []byte
		tag, rest, _ = bytes.Cut(rest, []byte{','})
		tag = bytes.TrimSpace(tag)
		if !wanted {
			tag = bytes.TrimPrefix(tag, []byte("W/"))
		}
		if string(tag) == "*" || bytes.Equal(tag, etag) {
			return wanted
		}
	}
	return !wanted
}
