// Package condition reads If-Match and If-None-Match: as lists of entity tags
// (RFC 9110 §8.8.3, §13.1), as the condition of a write, and as that of a read. All
// its functions are pure.
package condition

import (
	"bytes"
	"errors"

	"github.com/valyala/fasthttp"

	"github.com/cohortkv/cohort/api"
	"github.com/cohortkv/cohort/node/wire"
)

// Errors of conditions that cannot be read.
var (
	errTwoConditions = errors.New("If-Match and If-None-Match cannot be combined")
	errIfNoneMatch   = errors.New("If-None-Match takes only * on a PUT, and nothing on a DELETE")
	errNoTag         = errors.New(`is there and names no entity tag: was a variable never set? It takes * or entity tags, such as "17-0a1b2c3d"`)
	errBadTag        = errors.New(`takes * or a list of entity tags, such as "17-0a1b2c3d", "18-0a1b2c3d"`)
)

// eachTag reads the lines of If-Match or If-None-Match as one list (RFC 9110 §5.3,
// §13.1). It calls visit with each tag, quotes included. star is true if the list
// is *.
func eachTag(lines [][]byte, visit func(tag []byte, weak bool)) (star bool, err error) {
	tags := 0
	for _, rest := range lines {
		for comma := true; ; {
			rest = bytes.TrimLeft(rest, " \t")
			if len(rest) == 0 {
				break
			}
			if rest[0] == ',' {
				rest, comma = rest[1:], true
				continue
			}
			if !comma || star {
				return false, errBadTag
			}
			comma = false
			if rest[0] == '*' {
				rest, star = rest[1:], true
				continue
			}
			tag, weak := bytes.CutPrefix(rest, []byte("W/"))
			size := tagSize(tag)
			if size == 0 {
				return false, errBadTag
			}
			visit(tag[:size], weak)
			tags, rest = tags+1, tag[size:]
		}
	}
	switch {
	case star && tags > 0:
		return false, errBadTag
	case !star && tags == 0:
		return false, errNoTag
	}
	return star, nil
}

// tagSize is the length in bytes of the entity tag at the beginning of b; 0 if b
// does not begin with one (RFC 9110 §8.8.3).
func tagSize(b []byte) int {
	if len(b) == 0 || b[0] != '"' {
		return 0
	}
	for i := 1; i < len(b); i++ {
		switch c := b[i]; {
		case c == '"':
			return i + 1
		case c <= ' ' || c == 0x7f:
			return 0
		}
	}
	return 0
}

// Check returns the name of a header whose conditions cannot be read, and why; an
// empty name if all can. Write and Read ask for conditions that can be read.
func Check(h *fasthttp.RequestHeader) (name string, err error) {
	for _, name := range [...]string{api.HeaderIfMatch, api.HeaderIfNoneMatch} {
		lines := h.PeekAll(name)
		if len(lines) == 0 {
			continue
		}
		if _, err := eachTag(lines, func([]byte, bool) {}); err != nil {
			return name, err
		}
	}
	return "", nil
}

// Write makes If-Match and If-None-Match part of a write. A write compares with one
// version. If the client lists several, others has the rest.
func Write(h *fasthttp.RequestHeader, op *wire.Op) (others []wire.Version, err error) {
	none := len(h.PeekAll(api.HeaderIfNoneMatch)) > 0
	match := h.PeekAll(api.HeaderIfMatch)
	switch {
	case len(match) == 0 && !none:
		return nil, nil
	case len(match) > 0 && none:
		return nil, errTwoConditions
	case none:
		star, err := eachTag(h.PeekAll(api.HeaderIfNoneMatch), func([]byte, bool) {})
		if err != nil || !star || op.Kind != wire.OpPut {
			return nil, errIfNoneMatch
		}
		op.Condition = wire.IfAbsent
		return nil, nil
	}
	op.Condition = wire.IfVersion
	star, err := eachTag(match, func(tag []byte, weak bool) {
		v, ours := api.ParseETag(string(tag))
		switch {
		case weak || !ours: // no key ever has such a version, and no key ever has the zero version
		case op.Match == wire.Version{}:
			op.Match = wire.Version(v)
		case op.Match != wire.Version(v):
			others = append(others, wire.Version(v))
		}
	})
	if star {
		op.Condition = wire.IfPresent
	}
	return others, err
}

// Result is the answer to a read that its conditions allow.
type Result uint8

// The answers to a read.
const (
	Met         Result = iota // the value
	Failed                    // 412: If-Match does not name its version
	NotModified               // 304: If-None-Match names its version
)

// Read is what the conditions of a read allow for a value with this entity tag.
func Read(h *fasthttp.RequestHeader, etag []byte) Result {
	switch {
	case !permits(h.PeekAll(api.HeaderIfMatch), etag, true):
		return Failed
	case !permits(h.PeekAll(api.HeaderIfNoneMatch), etag, false):
		return NotModified
	}
	return Met
}

// permits reports whether a read may be answered in full. That is so if there are
// no lines. Otherwise the lines must name the tag if wanted is true, and must not
// name it if wanted is false. If-None-Match compares weakly, If-Match does not
// (RFC 9110 §13.1).
func permits(lines [][]byte, etag []byte, wanted bool) bool {
	if len(lines) == 0 {
		return true
	}
	named := false
	star, _ := eachTag(lines, func(tag []byte, weak bool) {
		named = named || bytes.Equal(tag, etag) && !(weak && wanted)
	})
	return (named || star) == wanted
}
