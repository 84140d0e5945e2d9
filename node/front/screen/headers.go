package screen

import (
	"bytes"
	"errors"
	"math/bits"
	"strings"

	"github.com/valyala/fasthttp"

	"github.com/cohortkv/cohort/api"
)

// headerSet is a set of api.Modifiers: bit i stands for the i-th.
type headerSet uint64

// Headers is the modifiers that a request carries.
type Headers struct {
	once  headerSet
	twice headerSet // modifiers with more than one line
}

func (h Headers) has(set headerSet) bool { return h.once&set != 0 }

// Errors of header lines that two readers could frame differently. The connection
// is closed after such a request, so nothing that follows is read as a second
// request.
var (
	errFolded    = errors.New("a header is folded over several lines")
	errBareLF    = errors.New("a header line ends without CR")
	errName      = errors.New("a header name has a space in it, or no colon behind it")
	errFragment  = errors.New("the request line contains a #; in a key it must be written as %23")
	errProtocol  = errors.New("the node supports HTTP/1.0 and HTTP/1.1 only")
	errTwoFrames = errors.New("Content-Length and Transfer-Encoding contradict each other")
	errEncoding  = errors.New("the only Transfer-Encoding that is taken is chunked")
)

// known finds the headers that matter for a request: those that are refused, and
// those with a meaning that fasthttp does not handle.
var known = newHeaderIndex()

// headerIndex looks names up by length and letters, in any case.
type headerIndex struct {
	byLength [32][]headerName
	anyIf    headerSet // "If-"
	anyOurs  headerSet // "Cohort-"
	once     headerSet // those that are not a list, and so may occur once
	length   headerSet // Content-Length
	encoding headerSet // Transfer-Encoding
	expect   headerSet // Expect
	tags     headerSet // If-Match, If-None-Match
	origin   headerSet // Origin, Sec-Fetch-Site
	refused  [len(api.KindNames)]headerSet
}

type headerName struct {
	lower string
	bit   headerSet
}

func newHeaderIndex() (x headerIndex) {
	for i, m := range api.Modifiers {
		bit := headerSet(1) << i
		for k := range api.KindNames {
			if m.Treatment(api.Kinds(1)<<k) == api.Refused {
				x.refused[k] |= bit
			}
		}
		switch m.Name {
		case "If-":
			x.anyIf = bit
			continue
		case "Cohort-":
			x.anyOurs = bit
			continue
		case "Content-Length":
			x.length = bit
		case "Transfer-Encoding":
			x.encoding = bit
		case "Expect":
			x.expect = bit
		case api.HeaderIfMatch, api.HeaderIfNoneMatch:
			x.tags |= bit
		case "Origin", "Sec-Fetch-Site":
			x.origin |= bit
		}
		if m.Once {
			x.once |= bit
		}
		if m.Code != "" {
			x.byLength[len(m.Name)] = append(x.byLength[len(m.Name)], headerName{strings.ToLower(m.Name), bit})
		}
	}
	return x
}

// bitOf is the set with this one header; empty if the header changes nothing.
func (x *headerIndex) bitOf(name []byte) headerSet {
	if len(name) < len(x.byLength) {
		for i := range x.byLength[len(name)] {
			if n := &x.byLength[len(name)][i]; equalFold(name, n.lower) {
				return n.bit
			}
		}
	}
	switch {
	case len(name) > len("if-") && equalFold(name[:len("if-")], "if-"):
		return x.anyIf
	case len(name) > len("cohort-") && equalFold(name[:len("cohort-")], "cohort-"):
		return x.anyOurs
	}
	return 0
}

// equalFold compares a header name, which is ASCII, with a name in lower case. Both
// must have the same length.
func equalFold(name []byte, lower string) bool {
	for i := len(lower) - 1; i >= 0; i-- {
		c := name[i]
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}

// scan reads the header lines once, as they arrived, because fasthttp hides some of
// their content. It fails if two readers could frame the request differently.
func scan(raw []byte) (seen Headers, err error) {
	for len(raw) > 0 {
		end := bytes.IndexByte(raw, '\n')
		if end < 1 || raw[end-1] != '\r' {
			return seen, errBareLF
		}
		line := raw[:end-1]
		raw = raw[end+1:]
		if len(line) == 0 {
			break
		}
		if line[0] == ' ' || line[0] == '\t' {
			return seen, errFolded
		}
		colon := 0
		for ; colon < len(line) && line[colon] != ':'; colon++ {
			if line[colon] == ' ' {
				return seen, errName
			}
		}
		if colon == len(line) {
			return seen, errName
		}
		bit := known.bitOf(line[:colon])
		if bit == known.encoding && !isChunked(line[colon+1:]) {
			return seen, errEncoding
		}
		seen.twice |= seen.once & bit
		seen.once |= bit
	}
	if seen.has(known.length) && seen.has(known.encoding) {
		return seen, errTwoFrames
	}
	return seen, nil
}

func isChunked(value []byte) bool {
	value = bytes.TrimSpace(value)
	return len(value) == len("chunked") && equalFold(value, "chunked")
}

// checkHeaders refuses a header that has no meaning for this kind of request, if
// ignoring the header could harm the client.
func checkHeaders(h *fasthttp.RequestHeader, kind api.Kinds, seen Headers) Refusal {
	if twice := seen.twice & known.once; twice != 0 {
		m := &api.Modifiers[bits.TrailingZeros64(uint64(twice))]
		return Refusal{api.CodeBadHeader, m.Name + " is given twice, but takes one value"}
	}
	if refused := seen.once & known.refused[bits.TrailingZeros16(uint16(kind))]; refused != 0 {
		m := &api.Modifiers[bits.TrailingZeros64(uint64(refused))]
		return Refusal{m.RefusalCode(kind), nameOf(h, m) + " is not taken here: " + m.Why}
	}
	return Refusal{}
}

// nameOf is the header's name as the client spelt it, if the row stands for many
// names.
func nameOf(h *fasthttp.RequestHeader, m *api.Modifier) string {
	if !strings.HasSuffix(m.Name, "-") {
		return m.Name
	}
	for raw := h.RawHeaders(); ; {
		line, rest, more := bytes.Cut(raw, []byte{'\n'})
		if name, _, _ := bytes.Cut(line, []byte{':'}); len(name) > len(m.Name) && strings.EqualFold(string(name[:len(m.Name)]), m.Name) &&
			api.Modifiers[bits.TrailingZeros64(uint64(known.bitOf(name)))].Name == m.Name {
			return string(name)
		}
		if raw = rest; !more {
			return m.Name
		}
	}
}

// checkExpectation refuses an Expect that is not 100-continue. fasthttp handles
// 100-continue.
func checkExpectation(h *fasthttp.RequestHeader) Refusal {
	value := h.Peek("Expect")
	if strings.EqualFold(string(bytes.TrimSpace(value)), "100-continue") {
		return Refusal{}
	}
	return Refusal{api.CodeBadExpectation, "Expect takes 100-continue and nothing else"}
}
