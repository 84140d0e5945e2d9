package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"
)

// Errors of the body of a classic PUT.
var (
	ErrNoBody      = errors.New(`the body is missing; it is {"value":"…"}`)
	ErrNotUTF8     = errors.New("the body is not JSON: it is not UTF-8")
	ErrNotObject   = errors.New("the body is not a JSON object")
	ErrNoValue     = errors.New(`the body has no "value"`)
	ErrValueType   = errors.New(`"value" is not a string`)
	ErrValueNoText = errors.New(`"value" has a \u escape that is half a surrogate pair and stands for no character`)
)

// ParseValue reads the body of a classic PUT, {"value":"…"}, and returns the
// value's bytes. The result may share memory with body. Other members are ignored.
//
// The most common body, one plain string, is parsed by hand. Every other body goes
// through encoding/json.
func ParseValue(body []byte) ([]byte, error) {
	if value, ok := parsePlainValue(body); ok {
		return value, nil
	}
	if len(body) == 0 {
		return nil, ErrNoBody
	}
	members, err := parseObject(body)
	if err != nil {
		return nil, err
	}
	raw, present := members["value"]
	if !present {
		return nil, ErrNoValue
	}
	return parseString(raw)
}

// parseObject reads a JSON object, with the exact names of its members. A struct of
// encoding/json would accept "VALUE" for "value", and would replace bytes that are
// not UTF-8.
func parseObject(body []byte) (map[string]json.RawMessage, error) {
	if !utf8.Valid(body) {
		return nil, ErrNotUTF8
	}
	var members map[string]json.RawMessage
	err := json.Unmarshal(body, &members)
	var wrongType *json.UnmarshalTypeError
	switch {
	case errors.As(err, &wrongType) || err == nil && members == nil:
		return nil, ErrNotObject
	case err != nil:
		return nil, fmt.Errorf("the body is not JSON: %w", err)
	}
	return members, nil
}

// parsePlainValue reads a body with the one member "value", a string without
// escapes. If the result is false, the body may still be valid.
func parsePlainValue(body []byte) ([]byte, bool) {
	rest := skipSpace(body)
	var ok bool
	for _, token := range [...]string{`{`, `"value"`, `:`} {
		if rest, ok = cutToken(rest, token); !ok {
			return nil, false
		}
	}
	value, rest, ok := cutPlainString(rest)
	if !ok {
		return nil, false
	}
	if rest, ok = cutToken(rest, `}`); !ok || len(rest) > 0 {
		return nil, false
	}
	return value, true
}

// cutToken removes a token and the white space after it from the front.
func cutToken(b []byte, token string) ([]byte, bool) {
	if len(b) < len(token) || string(b[:len(token)]) != token {
		return nil, false
	}
	return skipSpace(b[len(token):]), true
}

func cutByte(b []byte, c byte) ([]byte, bool) {
	if len(b) == 0 || b[0] != c {
		return nil, false
	}
	return b[1:], true
}

func skipSpace(b []byte) []byte {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\t' || b[0] == '\n' || b[0] == '\r') {
		b = b[1:]
	}
	return b
}

// plainByte has the ASCII bytes that need no escape in a JSON string.
var plainByte = func() (table [256]bool) {
	for c := byte(0x20); c < utf8.RuneSelf; c++ {
		table[c] = c != '"' && c != '\\'
	}
	return table
}()

// loneSurrogate reports whether a JSON string has a \u escape of only one half of a
// surrogate pair. encoding/json would store U+FFFD instead, and a client would read
// text that no client wrote.
func loneSurrogate(raw []byte) bool {
	for i := 0; i+1 < len(raw); i++ {
		if raw[i] != '\\' {
			continue
		}
		i++
		if raw[i] != 'u' {
			continue
		}
		switch unit := hexUnit(raw[i+1:]); {
		case unit >= 0xDC00 && unit <= 0xDFFF:
			return true
		case unit >= 0xD800 && unit <= 0xDBFF:
			next := raw[min(i+5, len(raw)):]
			if len(next) < 6 || next[0] != '\\' || next[1] != 'u' {
				return true
			}
			if low := hexUnit(next[2:]); low < 0xDC00 || low > 0xDFFF {
				return true
			}
			i += 6
		}
	}
	return false
}

// hexUnit reads four hex digits. It returns -1 if there are none.
func hexUnit(b []byte) int {
	if len(b) < 4 {
		return -1
	}
	unit := 0
	for _, c := range b[:4] {
		if hexDigit[c] < 0 {
			return -1
		}
		unit = unit<<4 | int(hexDigit[c])
	}
	return unit
}

// AppendValue appends {"value":"…"}, the answer to a classic GET and the body of a
// classic PUT. lossy is true if the value is not UTF-8. JSON then has U+FFFD in
// place of the bytes that it cannot hold.
func AppendValue(dst, value []byte) (out []byte, lossy bool) {
	dst = append(dst, `{"value":`...)
	dst, lossy = AppendString(dst, value)
	return append(dst, '}'), lossy
}

// AppendString appends a JSON string, with its quotes.
func AppendString[S []byte | string](dst []byte, s S) (out []byte, lossy bool) {
	dst = append(dst, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if plainByte[c] {
			i++
			continue
		}
		if c < utf8.RuneSelf {
			dst = appendControl(append(dst, s[start:i]...), c)
			i++
			start = i
			continue
		}
		r, size := utf8.DecodeRuneInString(string(s[i:min(i+utf8.UTFMax, len(s))]))
		if r == utf8.RuneError && size == 1 {
			dst = append(append(dst, s[start:i]...), `\ufffd`...)
			lossy = true
			start = i + 1
		}
		i += size
	}
	dst = append(dst, s[start:]...)
	return append(dst, '"'), lossy
}

// appendControl appends an ASCII byte that needs an escape.
func appendControl(dst []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(dst, '\\', c)
	case '\n':
		return append(dst, '\\', 'n')
	case '\r':
		return append(dst, '\\', 'r')
	case '\t':
		return append(dst, '\\', 't')
	}
	return append(dst, '\\', 'u', '0', '0', lowerHex[c>>4], lowerHex[c&15])
}
